import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionResult, OperationTypeNode, parse } from 'graphql';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer, MessageType, stringifyMessage, type SubscribePayload } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { RequestContext } from '../subgraph.ts';
import { readTrace } from '../traces.ts';
import { masked, maskedStream, recordOf, refusal } from './answers.ts';
import type { Served } from './server.ts';

type Stream = AsyncIterableIterator<ExecutionResult>;
type Extra = { request: IncomingMessage; socket: WebSocket; context: RequestContext };

const pingEveryMs = 12_000;
const maxMessageBytes = 16 * 1024 * 1024;

/** What a ping says when a subscription has begun, whose first event may be long in coming: the id of its message. */
export const begunKey = 'begun';

/**
 * Serves graphql-transport-ws at `/graphql`. Who asks is said in the upgrade's headers; who may bring a key may also do it in the connection's
 * parameters. `close` tells all to go; `end` ends those that did not.
 */
export function serveSockets(server: Server, served: Served): { close(): void; end(): void } {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols: (offered) => offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) && GRAPHQL_TRANSPORT_WS_PROTOCOL });
  const { opened } = createProtocol(served);
  const open = new Map<WebSocket, Extra>();
  const upgrade = async (request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> => {
    if (request.url?.split('?', 1)[0] !== '/graphql') return refuse(stream, 404, refusal('NOT_FOUND', 'The subgraph is at /graphql.'));
    const recognized = await served.recognize(request.headers, {});
    if ('refused' in recognized) return refuse(stream, 401, refusal('UNAUTHENTICATED', recognized.refused));
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const extra = { request, socket, context: { ...recognized.request, trace: readTrace(request.headers['traceparent']) } };
      open.set(socket, extra);
      socket.once('close', () => open.delete(socket));
      attach(extra, opened);
    });
  };
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    upgrade(request, stream, head).catch((error: unknown) => {
      served.platform.log.error({ err: error }, 'fault in the front of the subgraph');
      stream.destroy();
    });
  });
  const stopListening = served.platform.keys.onEnded((keyId) => {
    for (const [socket, { context }] of open) if (context.caller?.keyId === keyId) socket.close(CloseCode.Forbidden, 'API key no longer valid');
  });
  return {
    close() {
      stopListening();
      for (const socket of sockets.clients) socket.close(1001, 'Going away');
    },
    end: () => sockets.clients.forEach((socket) => socket.terminate()),
  };
}

function refuse(stream: Duplex, status: number, result: ExecutionResult): void {
  const body = JSON.stringify(result);
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

type Answered = { answer: Stream | ExecutionResult };
/** graphql-ws looks only for the kind of operation in it. */
const anySubscription = parse('subscription { any }', { noLocation: true });
const isStream = (answer: Stream | ExecutionResult): answer is Stream => Symbol.asyncIterator in answer;

function createProtocol(served: Served) {
  const { platform: { env }, subgraph, recognize } = served;
  return makeServer<Record<string, unknown>, Extra>({
    async onConnect({ connectionParams, extra }) {
      if (env.subgraphCallers !== 'keys' || extra.context.caller !== null) return true;
      const recognized = await recognize(extra.request.headers, recordOf(connectionParams));
      if ('refused' in recognized) {
        // With the reason; the protocol's own would be its code in words.
        extra.socket.close(CloseCode.Forbidden, recognized.refused);
        return false;
      }
      extra.context = recognized.request;
      return true;
    },
    async onSubscribe({ extra }, _id, payload) {
      // Each operation, and later each of its events, has loaders of its own.
      const answer = await begin(served, payload, { ...extra.context });
      if (!isStream(answer) && answer.data === undefined && answer.errors) return [...answer.errors];
      return { schema: subgraph.schema, document: anySubscription, contextValue: { answer } satisfies Answered };
    },
    subscribe: ({ contextValue }) => (contextValue as Answered).answer,
    async onOperation({ extra: { socket } }, id, _payload, _args, result) {
      if (Symbol.asyncIterator in result) socket.send(stringifyMessage({ type: MessageType.Ping, payload: { [begunKey]: id } }));
    },
  });
}

async function begin({ platform: { log }, subgraph, documents }: Served, { query, operationName, variables }: SubscribePayload, request: RequestContext): Promise<Stream | ExecutionResult> {
  const read = documents(query, operationName);
  if ('errors' in read) return read;
  const operation = { document: read.document, operationName: operationName ?? undefined, variables: recordOf(variables), request };
  if (read.kind !== OperationTypeNode.SUBSCRIPTION) return masked(await subgraph.execute(operation), request, log);
  const answer = await subgraph.subscribe(operation);
  return isStream(answer) ? maskedStream(answer, request, log) : masked(answer, request, log);
}

function attach(extra: Extra, opened: ReturnType<typeof createProtocol>['opened']): void {
  const { socket } = extra;
  const closed = opened({
    protocol: socket.protocol,
    send: (data) => new Promise((resolve, reject) => {
      socket.send(data, (error) => (error ? reject(error) : resolve()));
    }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (receive) => void socket.on('message', (data: Buffer) => {
      receive(data.toString()).catch(() => socket.close(CloseCode.InternalServerError, 'Internal server error'));
    }),
  }, extra);
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingEveryMs);
  // Without a listener an error of the socket would end the process; its close event follows.
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    clearInterval(timer);
    closed(code, String(reason)).catch(() => undefined);
  });
}
