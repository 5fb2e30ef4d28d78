import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, type Context } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Keys } from '../subgraphs/keys.ts';
import type { Caller } from '../subgraphs/subgraph.ts';
import { identifyConnection } from './caller.ts';
import type { Graph } from './graphql.ts';
import type { Openings } from './openings.ts';
import { createSocketServer } from './subscriptions.ts';

type Extra = { request: IncomingMessage; socket: WebSocket; caller: Caller | null; forget: () => void };
type Connection = Context<Record<string, unknown>, Extra>;

const protocol = 'graphql-transport-ws';
/** Networks of mobile phones forget a silent connection after about 30 s. */
const pingEveryMs = 12_000;
const maxMessageBytes = 256 * 1024;

/**
 * Serves graphql-transport-ws at `/graphql` of this server. A key comes in the connection's parameters or in the upgrade's headers.
 * Call the result to end those that were told to close and did not.
 */
export function serveSockets(server: Server, { graph, keys, openings }: { graph: Graph; keys: Keys; openings: Openings }): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols: (offered) => (offered.has(protocol) ? protocol : false) });
  const protocolServer = createSocketServer<Extra>(graph, ({ extra }) => ({ caller: extra.caller, requestId: randomUUID() }), {
    onConnect: async (connection) => accept(connection, keys, openings),
  });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (pathOf(request) !== '/graphql') return refuse(stream, 404, 'Not Found');
    sockets.handleUpgrade(request, stream, head, (socket) => attach(socket, request, protocolServer.opened, openings));
  });
  return () => sockets.clients.forEach((socket) => socket.terminate());
}

const pathOf = ({ url }: IncomingMessage): string => (url ?? '').split('?', 1)[0] ?? '';

function refuse(stream: Duplex, status: number, reason: string): void {
  stream.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

async function accept({ connectionParams, extra }: Connection, keys: Keys, openings: Openings): Promise<boolean> {
  const identity = await identifyConnection(keys, connectionParams, extra.request.headers);
  if (identity.kind === 'invalid') return false;
  // It may have gone while the key was looked up; what is tracked now would never be forgotten.
  if (extra.socket.readyState !== extra.socket.OPEN) return false;
  extra.caller = identity.kind === 'caller' ? identity.caller : null;
  extra.forget();
  extra.forget = track(openings, extra);
  return true;
}

function track(openings: Openings, { caller, socket }: Pick<Extra, 'caller' | 'socket'>): () => void {
  return openings.track(caller?.keyId ?? null, (why) => {
    if (why === 'going away') socket.close(1001, 'Going away');
    else socket.close(CloseCode.Forbidden, 'API key deleted');
  });
}

type Opened = ReturnType<typeof createSocketServer<Extra>>['opened'];

function attach(socket: WebSocket, request: IncomingMessage, opened: Opened, openings: Openings): void {
  const extra: Extra = { request, socket, caller: null, forget: track(openings, { caller: null, socket }) };
  const closed = opened({
    protocol: socket.protocol,
    send: (data) => new Promise((resolve, reject) => {
      socket.send(data, (error) => (error ? reject(error) : resolve()));
    }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (receive) => void socket.on('message', (data) => {
      receive(String(data)).catch(() => socket.close(CloseCode.InternalServerError, 'Internal server error'));
    }),
  }, extra);
  const stopPinging = keepAlive(socket);
  // Without a listener an error of the socket would end the process; its close event follows.
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    stopPinging();
    extra.forget();
    closed(code, String(reason)).catch(() => undefined);
  });
}

/** Ends a connection whose other side has not answered a ping until the next one. */
function keepAlive(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingEveryMs);
  return () => clearInterval(timer);
}
