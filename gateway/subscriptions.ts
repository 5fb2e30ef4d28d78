import { Readable } from 'node:stream';
import { type ExecutionResult, type GraphQLError, parse } from 'graphql';
import { CloseCode, type Context, makeServer, type Server, type ServerOptions } from 'graphql-ws';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { isData } from './data.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import type { Stream } from './transport.ts';

type Hooks<Extra> = Pick<ServerOptions<Record<string, unknown>, Extra>, 'onConnect' | 'onDisconnect' | 'onClose' | 'connectionInitWaitTimeout'>;

/**
 * The graphql-transport-ws protocol over the graph, for `server.opened(socket, extra)`. `requestOf` makes the context of one operation from what
 * the connection knows; `hooks.onConnect` may refuse a connection. A wrong operation is answered with `error` and leaves the others alone.
 */
export function createSocketServer<Extra>(graph: Pick<Graph, 'schema' | 'subscribe'>, requestOf: (connection: Context<Record<string, unknown>, Extra>) => RequestContext, hooks: Hooks<Extra> = {}): Server<Extra> {
  return refusingServerMessages(makeServer<Record<string, unknown>, Extra>({
    ...hooks,
    onSubscribe: async (connection, _id, { query, operationName, variables }) => {
      const answer = await graph.subscribe({ source: query, operationName, variables, request: requestOf(connection) });
      if (isRejection(answer)) return [...answer.errors];
      return { schema: graph.schema, document: anySubscription, contextValue: { answer } satisfies Answered };
    },
    subscribe: ({ contextValue }) => (contextValue as Answered).answer,
  }));
}

/** What only a server may say is no valid message from a client: 4400, as the protocol asks. graphql-ws takes it for a fault of its own. */
function refusingServerMessages<Extra>(server: Server<Extra>): Server<Extra> {
  return {
    opened: (socket, extra) => server.opened({
      ...socket,
      onMessage: (receive) => socket.onMessage(async (data) => {
        if (isServerMessage(data)) await socket.close(CloseCode.BadRequest, 'Invalid message received');
        else await receive(data);
      }),
    }, extra),
  };
}

function isServerMessage(data: string): boolean {
  // Only what may be one is parsed here too.
  if (!/"(?:next|error|connection_ack)"/.test(data)) return false;
  try {
    const message: unknown = JSON.parse(data);
    return isData(message) && (message['type'] === 'next' || message['type'] === 'error' || message['type'] === 'connection_ack');
  } catch {
    return false;
  }
}

type Answered = { answer: Stream | ExecutionResult };

/** graphql-ws looks only for the kind of operation in it; the graph has read the client's own text before. */
const anySubscription = parse('subscription { any }', { noLocation: true });

function isRejection(answer: Stream | ExecutionResult): answer is { errors: readonly GraphQLError[] } {
  return !isStream(answer) && answer.data === undefined && answer.errors !== undefined && answer.errors.length > 0;
}

export function isStream(answer: Stream | ExecutionResult): answer is Stream {
  return Symbol.asyncIterator in answer;
}

/** An answer to `Accept: text/event-stream`. */
export type EventStreamAnswer = { status: number; headers: Record<string, string>; body: Readable | string };

/** Proxies close connections that are silent for a minute, some for half of it. */
const heartbeatMs = 12_000;

/**
 * GraphQL over server-sent events in its distinct connections mode: `next` for each answer, then `complete`. Any kind of operation; one that is
 * rejected gets a 400 with JSON. Destroying the body ends the subscription.
 */
export async function answerEventStream(graph: Graph, operation: GraphOperation): Promise<EventStreamAnswer> {
  const answer = await graph.subscribe(operation);
  if (isRejection(answer)) {
    return { status: 400, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify({ errors: answer.errors }) };
  }
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' },
    body: isStream(answer) ? streamBody(answer) : `${nextEvent(answer)}${completeEvent}`,
  };
}

const completeEvent = 'event: complete\ndata:\n\n';

function nextEvent(answer: ExecutionResult): string {
  return `event: next\ndata: ${JSON.stringify(answer)}\n\n`;
}

function streamBody(stream: Stream): Readable {
  let isPulling = false;
  const pull = async (body: Readable): Promise<void> => {
    if (isPulling) return;
    isPulling = true;
    const { done, value } = await stream.next();
    isPulling = false;
    if (body.destroyed) return;
    body.push(done ? completeEvent : nextEvent(value));
    if (done) body.push(null);
  };
  const body: Readable = new Readable({
    encoding: 'utf8',
    read() {
      pull(this).catch((error: Error) => this.destroy(error));
    },
    destroy(error, callback) {
      clearInterval(heartbeat);
      // The stream's end is not waited for: it may be in the middle of an event.
      void stream.return?.();
      callback(error);
    },
  });
  const heartbeat = setInterval(() => body.push(':\n\n'), heartbeatMs).unref();
  // A comment at once, so that the headers are sent and the client knows that it is connected.
  body.push(':\n\n');
  return body;
}
