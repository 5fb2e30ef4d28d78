import { type ExecutionResult, type GraphQLError, parse } from 'graphql';
import { CloseCode, type Context, makeServer, type Server, type ServerOptions } from 'graphql-ws';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { isData } from './data.ts';
import type { Graph } from './graphql.ts';
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

export function isRejection(answer: Stream | ExecutionResult): answer is { errors: readonly GraphQLError[] } {
  return !isStream(answer) && answer.data === undefined && answer.errors !== undefined && answer.errors.length > 0;
}

export function isStream(answer: Stream | ExecutionResult): answer is Stream {
  return Symbol.asyncIterator in answer;
}
