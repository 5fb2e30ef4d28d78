import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import type { KeyId } from '../subgraphs/ids.ts';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Data } from './data.ts';
import { openLegacyWs } from './legacy-ws.ts';
import type { Openings } from './openings.ts';
import type { Sources, Wire } from './running.ts';
import { type Admit, openTransportWs } from './transport-ws.ts';

/** Who is on a connection: makes the context of each of its operations. */
export type Admitted = { keyId: KeyId | null; context: () => RequestContext };

export type SocketOptions = {
  sources: Sources;
  openings: Openings;
  /** By what the client's first message carries, and the headers of the upgrade. Null: refused with 4403. */
  admit(params: Data | null, headers: IncomingHttpHeaders): Promise<Admitted | null>;
  /** How long a client may take to introduce itself. */
  initTimeoutMs?: number;
};

/** By their names in `sec-websocket-protocol`, the better one first. */
const protocols = { 'graphql-transport-ws': openTransportWs, 'graphql-ws': openLegacyWs } as const;
type Protocol = keyof typeof protocols;
const protocolNames = Object.keys(protocols) as Protocol[];
const chosenOf = (offered: { has(name: string): boolean }): Protocol | undefined => protocolNames.find((name) => offered.has(name));

/** Networks of mobile phones forget a silent connection after about 30 s. */
const beatMs = 12_000;
const beatParts = 12;
const maxMessageBytes = 256 * 1024;
/** A client that reads slower than its events come is not sent more than this ahead. */
const maxBufferedBytes = 64 * 1024;

/** Serves both protocols of GraphQL over WebSocket at `/graphql` of this server. Call the result to end those that were told to close and did not. */
export function serveSockets(server: Server, options: SocketOptions): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, handleProtocols: (offered) => chosenOf(offered) ?? false });
  const beat = createBeat();
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (pathOf(request) !== '/graphql') return refuse(stream, 404, 'Not Found');
    sockets.handleUpgrade(request, stream, head, (socket) => attach(socket, request.headers, beat, options));
  });
  return () => sockets.clients.forEach((socket) => socket.terminate());
}

const pathOf = ({ url }: IncomingMessage): string => (url ?? '').split('?', 1)[0] ?? '';

function refuse(stream: Duplex, status: number, reason: string): void {
  stream.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function attach(socket: WebSocket, headers: IncomingHttpHeaders, beat: ReturnType<typeof createBeat>, { sources, openings, admit, initTimeoutMs = 3_000 }: SocketOptions): void {
  // Without a listener an error of the socket would end the process; its close event follows.
  socket.on('error', () => undefined);
  const protocol = chosenOf(new Set([socket.protocol]));
  if (!protocol) return socket.close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable');
  let forget = track(openings, null, socket);
  // Wanted once; who stays for days does not keep them.
  let unread: IncomingHttpHeaders | null = headers;
  const admitOnce: Admit = async (params) => {
    const given = unread ?? {};
    unread = null;
    const admitted = await admit(params, given);
    // It may have gone while the key was looked up; what is tracked now would never be forgotten.
    if (!admitted || socket.readyState !== socket.OPEN) return null;
    forget();
    forget = track(openings, admitted.keyId, socket);
    return admitted.context;
  };
  const connection = protocols[protocol]({ sources, wire: wireOf(socket), admit: admitOnce, initTimeoutMs });
  socket.on('message', (data: Buffer) => connection.receive(data.toString()));
  const stopBeating = beat(socket, () => connection.beat());
  socket.once('close', () => {
    stopBeating();
    forget();
    connection.closed();
  });
}

function wireOf(socket: WebSocket): Wire {
  return {
    send(text) {
      if (socket.bufferedAmount >= maxBufferedBytes) return new Promise((resolve) => socket.send(text, () => resolve()));
      socket.send(text);
      return undefined;
    },
    close: (code, reason) => socket.close(code, reason),
  };
}

function track(openings: Openings, keyId: KeyId | null, socket: WebSocket): () => void {
  return openings.track(keyId, (why) => {
    if (why === 'going away') socket.close(1001, 'Going away');
    else socket.close(CloseCode.Forbidden, 'API key no longer valid');
  });
}

type Beating = { isAlive: boolean; socket: WebSocket; alsoDo: () => void };

/**
 * Pings, and ends a connection whose other side has not answered until the next time. One timer for all, since a timer each is memory; a part of them
 * at a time, so that ten thousand pings are no pause.
 */
function createBeat(): (socket: WebSocket, alsoDo: () => void) => () => void {
  const parts = Array.from({ length: beatParts }, () => new Set<Beating>());
  let [timer, open, at]: [NodeJS.Timeout | null, number, number] = [null, 0, 0];
  const beatPart = (): void => {
    at = (at + 1) % beatParts;
    for (const one of parts[at] ?? []) {
      if (!one.isAlive) one.socket.terminate();
      else {
        one.isAlive = false;
        one.socket.ping();
        one.alsoDo();
      }
    }
  };
  return (socket, alsoDo) => {
    const one: Beating = { isAlive: true, socket, alsoDo };
    // The one whose turn is over, so that it is a whole time until the first beat.
    const part = parts[at];
    part?.add(one);
    open += 1;
    timer ??= setInterval(beatPart, beatMs / beatParts).unref();
    socket.on('pong', () => (one.isAlive = true));
    return () => {
      part?.delete(one);
      open -= 1;
      if (open > 0 || !timer) return;
      clearInterval(timer);
      timer = null;
    };
  };
}
