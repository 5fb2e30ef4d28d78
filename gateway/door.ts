import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { HeaderMap } from '@apollo/server';
import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { type Accepted, readAccept } from './accept.ts';
import { type Asked, isJson, isPlain, plainContentType, readAsked, readSearch } from './asked.ts';
import { compress } from './compression.ts';
import type { Part } from './delivery.ts';
import { refuse, Rejected } from './errors.ts';
import { eventStream } from './event-stream.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import { multipartParts, multipartSubscription } from './multipart.ts';
import { createReservations } from './reservations.ts';
import { streamBody, type StreamedBody } from './streamed-body.ts';
import type { Texts } from './texts.ts';
import { isRejection, isStream, type Stream } from './transport.ts';

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

export type DoorOptions = {
  graph: () => Graph;
  texts: Texts;
  /** Operations in one request; 0: none but single ones. */
  batchLimit?: number | undefined;
};

/** An operation whose text is known. */
type Known = Asked & { query: string };

export function createDoor({ graph, texts, batchLimit = 0 }: DoorOptions): Door {
  const reservations = createReservations({ graph, texts });
  const one = async (request: DoorRequest): Promise<DoorAnswer> => {
    const asked = readAsked(request.method === 'GET' ? readSearch(request.search) : request.body);
    const reserved = reservations.answer(request, asked);
    if (reserved) return reserved;
    // What the pipeline words a refusal for must not slip past the trusted documents.
    if (!asked && texts.trustedOnly) return rejection([refuse('BAD_REQUEST', 'The request is not a GraphQL request.')], readAccept(request.headers.accept));
    if (!asked) return throughPipeline(graph(), request);
    try {
      return await answerKnown(graph(), request, { ...asked, query: texts.textOf(asked) });
    } catch (error) {
      if (error instanceof Rejected) return rejection(error.errors, readAccept(request.headers.accept));
      throw error;
    }
  };
  return {
    async answer(request) {
      const isBatch = batchLimit > 0 && Array.isArray(request.body) && request.method === 'POST' && isJson(request.headers);
      const answer = isBatch ? await batch(request.body as unknown[], request, batchLimit, one) : await one(request);
      if (isStreamed(answer.body)) return answer;
      const compressed = await compress(answer.body, request.headers['accept-encoding']?.toString());
      return compressed ? { ...answer, headers: { ...answer.headers, 'content-encoding': compressed.coding }, body: compressed.bytes } : answer;
    },
  };
}

export const isStreamed = (body: DoorAnswer['body']): body is StreamedBody => typeof body === 'object' && 'close' in body;

/** Operations of one request run at once, each in a context of its own; their answers stand in the order of the operations. */
async function batch(bodies: readonly unknown[], request: DoorRequest, limit: number, one: Door['answer']): Promise<DoorAnswer> {
  if (bodies.length === 0 || bodies.length > limit) return rejection([refuse('BAD_REQUEST', `A batch has 1 to ${limit} operations.`)], readAccept(request.headers.accept));
  const headers = { ...request.headers, accept: 'application/json' };
  const contextAt = (index: number): RequestContext => {
    const { idempotency, ...context } = request.context;
    return { ...context, ...idempotency && { idempotency: { ...idempotency, key: `${idempotency.key} ${index}` } } };
  };
  const answers = await Promise.all(bodies.map((body, index) => one({ ...request, headers, body, context: contextAt(index) })));
  return { status: 200, headers: { 'content-type': plainContentType, 'cache-control': 'no-store' }, body: `[${answers.map(({ body }) => wholeText(body)).join(',')}]\n` };
}

function wholeText(body: DoorAnswer['body']): string {
  if (isStreamed(body)) throw new Error('an operation of a batch was answered as a stream, which it did not accept');
  return body.toString().trimEnd();
}

async function answerKnown(graph: Graph, request: DoorRequest, asked: Known): Promise<DoorAnswer> {
  return await plain(graph, request, asked) ?? await streamed(graph, request, asked) ?? await inParts(graph, request, asked) ?? throughPipeline(graph, asked.documentId === null ? request : spelledOut(request, asked));
}

function operationOf({ query, operationName, variables, extensions }: Known, { context, signal }: DoorRequest): GraphOperation {
  return { source: query, operationName, variables, extensions, request: context, signal };
}

/** Most requests: JSON for JSON, without anything that the pipeline would have to look at. Null for the others, and for what was rejected. */
async function plain(graph: Graph, request: DoorRequest, asked: Known): Promise<DoorAnswer | null> {
  if (request.method !== 'POST' || !isPlain(request.headers) || asked.query === '' || asked.extensions?.['cost'] === true) return null;
  const body = await graph.answer(operationOf(asked, request));
  return body && { status: 200, headers: { 'content-type': plainContentType, 'cache-control': 'no-store' }, body };
}

/** What goes on, and single answers for those who read nothing but streams. Null: the answer is JSON. */
async function streamed(graph: Graph, request: DoorRequest, asked: Known): Promise<DoorAnswer | null> {
  const accepted = readAccept(request.headers.accept);
  if (accepted.stream === null || request.method !== 'GET' && !isJson(request.headers)) return null;
  const operation = operationOf(asked, request);
  const kind = graph.kindOf(operation);
  if (kind !== OperationTypeNode.SUBSCRIPTION && accepted.json) return null;
  // An EventSource can only GET and sends no header of its own; what may be asked so must change nothing.
  if (kind === OperationTypeNode.MUTATION && request.method === 'GET') return null;
  const answer = await graph.subscribe(operation);
  if (isRejection(answer)) return rejection(answer.errors, accepted);
  const framing = accepted.stream === 'multipart' ? multipartSubscription : eventStream;
  return isStream(answer) ? goingOn(request, answer, framing) : inOnePart(answer, framing);
}

/** An operation with deferred fragments, for those who read its parts. Null: it has none, or must be looked at by the pipeline. */
async function inParts(graph: Graph, request: DoorRequest, asked: Known): Promise<DoorAnswer | null> {
  const accepted = readAccept(request.headers.accept);
  // A page of another site may not ask for parts either.
  if (!accepted.incremental || !asked.query.includes('@defer') || !isJson(request.headers)) return null;
  const operation = operationOf(asked, request);
  const kind = graph.kindOf(operation);
  if (kind !== OperationTypeNode.QUERY && (kind !== OperationTypeNode.MUTATION || request.method !== 'POST')) return null;
  const answer = await graph.deliver(operation);
  if (isStream(answer)) return goingOn(request, answer, multipartParts);
  if (isRejection(answer)) return rejection(answer.errors, accepted);
  return accepted.json ? { status: 200, headers: jsonHeaders(accepted), body: `${JSON.stringify(answer)}\n` } : inOnePart(lastPart(answer), multipartParts);
}

const lastPart = (answer: ExecutionResult): Part => ({ ...answer, hasNext: false });

function inOnePart(answer: ExecutionResult, { headers, opening, part, end }: typeof multipartParts): DoorAnswer {
  return { status: 200, headers, body: `${opening}${part(answer)}${end}` };
}

function goingOn(request: DoorRequest, answer: Stream, { headers, ...framing }: typeof multipartParts): DoorAnswer {
  const stream = streamBody(answer, request.context.caller?.keyId ?? null, framing);
  request.signal.addEventListener('abort', () => stream.body.destroy(), { once: true });
  if (request.signal.aborted) stream.body.destroy();
  return { status: 200, headers, body: stream };
}

/**
 * Errors of an operation that did not run. Who reads nothing but streams gets them as one. Where only application/json is understood, a status other
 * than 2xx would hide them from the client, as it would from those that wait for the word to send their text along.
 */
function rejection(errors: readonly GraphQLError[], accepted: Accepted): DoorAnswer {
  const { json, onlyPlainJson, stream } = accepted;
  if (stream !== null && !json) return inOnePart({ errors }, stream === 'multipart' ? multipartSubscription : eventStream);
  const has = (code: string): boolean => errors.every(({ extensions }) => extensions['code'] === code);
  const status = onlyPlainJson || has('PERSISTED_QUERY_NOT_FOUND') ? 200 : has('INTERNAL') ? 500 : has('RATE_LIMITED') ? 429 : 400;
  return { status, headers: jsonHeaders(accepted), body: `${JSON.stringify({ errors })}\n` };
}

function jsonHeaders({ graphqlJson }: Accepted): Record<string, string> {
  return { 'content-type': graphqlJson ? 'application/graphql-response+json; charset=utf-8' : plainContentType, 'cache-control': 'no-store' };
}

/** The same request with the text that its id stands for. */
function spelledOut(request: DoorRequest, { query, operationName, variables, extensions: given }: Known): DoorRequest {
  const { persistedQuery: _, ...extensions } = given ?? {};
  if (request.method !== 'GET') return { ...request, body: { query, operationName, variables, extensions } };
  const search = new URLSearchParams({ query, ...operationName !== null && { operationName }, ...variables && { variables: JSON.stringify(variables) }, extensions: JSON.stringify(extensions) });
  return { ...request, search: `?${search.toString()}` };
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
