import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { HeaderMap } from '@apollo/server';
import { type GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { type Accepted, readAccept } from './accept.ts';
import { type Asked, isPlain, plainContentType, readAsked, readSearch } from './asked.ts';
import { eventStream } from './event-stream.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import { multipartSubscription } from './multipart.ts';
import { createReservations } from './reservations.ts';
import { streamBody, type StreamedBody } from './streamed-body.ts';
import { isRejection, isStream } from './transport.ts';

/** A request for the graph over HTTP, its body parsed. */
export type DoorRequest = {
  method: string;
  headers: IncomingHttpHeaders;
  /** With its question mark; empty where there is none. */
  search: string;
  body: unknown;
  context: RequestContext;
  /** Aborts when the client goes away. */
  signal: AbortSignal;
};

export type DoorAnswer = { status: number; headers: Record<string, string>; body: string | Buffer | StreamedBody };

/** GraphQL over HTTP at one URL: the answer in the form that the client reads. */
export type Door = { answer(request: DoorRequest): Promise<DoorAnswer> };

export function createDoor(current: () => Graph): Door {
  const reservations = createReservations(current);
  return {
    async answer(request) {
      const asked = readAsked(request.method === 'GET' ? readSearch(request.search) : request.body);
      const reserved = reservations.answer(request, asked);
      if (reserved) return reserved;
      const graph = current();
      return asked && (await plain(graph, request, asked) ?? await streamed(graph, request, asked)) || throughPipeline(graph, request);
    },
  };
}

export const isStreamed = (body: DoorAnswer['body']): body is StreamedBody => typeof body === 'object' && 'close' in body;

function operationOf({ query, operationName, variables }: Asked, { context, signal }: DoorRequest): GraphOperation {
  return { source: query, operationName, variables, request: context, signal };
}

/** Most requests: JSON for JSON, without anything that the pipeline would have to look at. Null for the others, and for what was rejected. */
async function plain(graph: Graph, request: DoorRequest, asked: Asked): Promise<DoorAnswer | null> {
  if (request.method !== 'POST' || !isPlain(request.headers) || asked.extensions !== null || asked.query === '') return null;
  const body = await graph.answer(operationOf(asked, request));
  return body && { status: 200, headers: { 'content-type': plainContentType, 'cache-control': 'no-store' }, body };
}

/** What goes on, and single answers for those who read nothing but streams. Null: the answer is JSON. */
async function streamed(graph: Graph, request: DoorRequest, asked: Asked): Promise<DoorAnswer | null> {
  const accepted = readAccept(request.headers.accept);
  if (accepted.stream === null || !isReadableHere(request)) return null;
  const operation = operationOf(asked, request);
  const kind = graph.kindOf(operation);
  if (kind !== OperationTypeNode.SUBSCRIPTION && accepted.json) return null;
  // An EventSource can only GET and sends no header of its own; what may be asked so must change nothing.
  if (kind === OperationTypeNode.MUTATION && request.method === 'GET') return null;
  const answer = await graph.subscribe(operation);
  if (isRejection(answer) && accepted.json) return rejection(answer.errors, accepted);
  const { headers, ...framing } = accepted.stream === 'multipart' ? multipartSubscription : eventStream;
  if (!isStream(answer)) return { status: 200, headers, body: `${framing.opening}${framing.part(answer)}${framing.end}` };
  const stream = streamBody(answer, request.context.caller?.keyId ?? null, framing);
  request.signal.addEventListener('abort', () => stream.body.destroy(), { once: true });
  if (request.signal.aborted) stream.body.destroy();
  return { status: 200, headers, body: stream };
}

/** Where only application/json is understood, a status other than 2xx hides the errors from the client. */
function rejection(errors: readonly GraphQLError[], { graphqlJson }: Accepted): DoorAnswer {
  const status = !graphqlJson ? 200 : errors.every(({ extensions }) => extensions['code'] === 'INTERNAL') ? 500 : 400;
  const headers = { 'content-type': graphqlJson ? 'application/graphql-response+json; charset=utf-8' : plainContentType, 'cache-control': 'no-store' };
  return { status, headers, body: `${JSON.stringify({ errors })}\n` };
}

/** A body that another site's page can send without being asked for leave is not read as an operation. */
function isReadableHere({ method, headers }: DoorRequest): boolean {
  return method === 'GET' || method === 'POST' && /^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '');
}

async function throughPipeline(graph: Graph, { method, headers, search, body, context, signal }: DoorRequest): Promise<DoorAnswer> {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  const answered = await graph.apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest: { method, headers: map, search, body }, context: async () => ({ ...context, signal }) });
  if (answered.body.kind !== 'complete') throw new Error('the pipeline answered in parts, which nobody asked it for');
  return { status: answered.status ?? 200, headers: { ...Object.fromEntries(answered.headers), 'cache-control': 'no-store' }, body: answered.body.string };
}

/** Aborts when the other side goes away before it has its answer. */
export function closeSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    // Every answer ends with this event; an abort for nobody costs more than the rest of it.
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
