import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeaderMap } from '@apollo/server';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { BodyRefused, readBody } from './body.ts';
import type { ApolloContext } from './apollo.ts';
import { createGraph, type Graph } from './graphql.ts';
import { isPlain, plainContentType, readPlainOperation } from './plain-operation.ts';
import { answerEventStream, createSocketServer } from './subscriptions.ts';
import { followSupergraph } from './supergraph-file.ts';
import type { RemoteOptions } from './remote.ts';

export type SupergraphServerOptions = {
  file: string;
  port: number;
  host: string;
  /** Headers of a client, lower case, that go on to every subgraph. */
  forward: readonly string[];
  remote?: Omit<RemoteOptions, 'name' | 'url' | 'headersFor'>;
  /** Identical queries that are under way share one answer, where their forwarded headers are equal too. Default: no. */
  joinQueries?: boolean;
  /** See `limitTable.cost`. Default: none, for lists of a foreign graph seldom say how long they are. */
  maxCost?: number;
  log: Logger;
};

export type SupergraphServer = { url: string; port: number; stop(): Promise<void> };

const maxBodyBytes = 1024 * 1024;
const drainMs = 5_000;

/**
 * Serves any supergraph over its remote subgraphs: `/graphql` over POST, GET, server-sent events and graphql-transport-ws, and `/livez`. It knows no
 * callers: fields that need one are refused.
 */
export async function serveSupergraph({ file, port, host, forward, remote, joinQueries = false, maxCost = Number.POSITIVE_INFINITY, log }: SupergraphServerOptions): Promise<SupergraphServer> {
  const forwarded = new WeakMap<RequestContext, Record<string, string>>();
  const contextOf = (headers: IncomingHttpHeaders): RequestContext => {
    const context = { caller: null, requestId: randomUUID() };
    if (forward.length > 0) forwarded.set(context, chosen(headers, forward));
    return context;
  };
  const headersFor = (request: RequestContext): Record<string, string> => forwarded.get(request) ?? noHeaders;
  const options = {
    limits: { cost: maxCost },
    remote: { ...remote, ...forward.length > 0 && { headersFor } },
    ...joinQueries && { joinQueries: (request: RequestContext) => JSON.stringify(forward.map((name) => headersFor(request)[name] ?? null)) },
  };
  const followed = await followSupergraph(file, (supergraphSdl) => createGraph({ supergraphSdl, ...options, log }), log);
  const server = createServer((request, response) => {
    answer(request, response, followed.current(), contextOf).catch((error: unknown) => {
      log.error({ err: error }, 'fault in the front of the graph');
      if (response.headersSent) response.destroy();
      else send(response, 500, JSON.stringify({ errors: [{ message: 'Internal error', extensions: { code: 'INTERNAL' } }] }));
    });
  });
  // Slow heads and bodies are for attackers.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  const closeSockets = serveStreams(server, () => followed.current(), contextOf);
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/graphql`,
    async stop() {
      closeSockets();
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), drainMs);
      await closed;
      clearTimeout(force);
      await followed.stop();
    },
  };
}

const noHeaders: Record<string, string> = {};

function chosen(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) found[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return found;
}

type ContextOf = (headers: IncomingHttpHeaders) => RequestContext;

async function answer(request: IncomingMessage, response: ServerResponse, graph: Graph, contextOf: ContextOf): Promise<void> {
  const [path, search = ''] = (request.url ?? '').split('?', 2);
  if (path === '/livez') return send(response, 200, '{"status":"ok"}');
  if (path !== '/graphql') return send(response, 404, '{"errors":[{"message":"The graph is at /graphql"}]}');
  const body = request.method === 'POST' ? await readBody(request, maxBodyBytes) : undefined;
  if (body instanceof BodyRefused) return send(response, body.status, JSON.stringify({ errors: [{ message: body.message }] }), body.status === 413);
  const { headers } = request;
  const context = contextOf(headers);
  if (request.method === 'POST' && isPlain(headers)) {
    const operation = readPlainOperation(body);
    const bytes = operation && await graph.answer({ ...operation, request: context, signal: closeSignal(response) });
    if (bytes) return send(response, 200, bytes);
  }
  if (headers.accept?.includes('text/event-stream')) return stream(response, graph, request.method === 'POST' ? body : fromSearch(search), context);
  await throughPipeline(request, response, graph, search, body, { ...context, signal: closeSignal(response) });
}

async function throughPipeline({ method = 'GET', headers }: IncomingMessage, response: ServerResponse, graph: Graph, search: string, body: unknown, context: ApolloContext): Promise<void> {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  const answered = await graph.apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method, headers: map, search: search === '' ? '' : `?${search}`, body }, context: async () => context,
  });
  for (const [name, value] of answered.headers) response.setHeader(name, value);
  response.statusCode = answered.status ?? 200;
  if (answered.body.kind === 'complete') response.end(answered.body.string);
  else for await (const chunk of answered.body.asyncIterator) response.write(chunk);
  if (!response.writableEnded) response.end();
}

async function stream(response: ServerResponse, graph: Graph, given: unknown, request: RequestContext): Promise<void> {
  const operation = readPlainOperation(given) ?? { source: '' };
  const { status, headers, body } = await answerEventStream(graph, { ...operation, request });
  response.writeHead(status, headers);
  if (typeof body === 'string') return void response.end(body);
  response.once('close', () => body.destroy());
  body.pipe(response);
}

/** GET carries `variables` as JSON. */
function fromSearch(search: string): unknown {
  const given = Object.fromEntries(new URLSearchParams(search));
  try {
    return { ...given, variables: given['variables'] === undefined ? null : JSON.parse(given['variables']) as unknown };
  } catch {
    return null;
  }
}

function send(response: ServerResponse, status: number, body: Buffer | string, close = false): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response.writeHead(status, { 'content-type': plainContentType, 'cache-control': 'no-store', 'content-length': bytes.length, ...close && { connection: 'close' } });
  response.end(bytes);
}

function closeSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    // Every answer ends with this event; an abort for nobody costs more than the rest of it.
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}

type Extra = { headers: IncomingHttpHeaders };

/** graphql-transport-ws at `/graphql`. The result closes all sockets. */
function serveStreams(server: Server, current: () => Graph, contextOf: ContextOf): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 256 * 1024, handleProtocols: (offered) => offered.has('graphql-transport-ws') ? 'graphql-transport-ws' : false });
  const protocol = createSocketServer<Extra>({ schema: current().schema, subscribe: (operation) => current().subscribe(operation) }, ({ extra }) => contextOf(extra.headers));
  server.on('upgrade', (request, stream, head) => {
    if (request.url?.split('?', 1)[0] !== '/graphql') stream.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else sockets.handleUpgrade(request, stream, head, (socket) => attach(socket, request.headers, protocol.opened));
  });
  return () => {
    for (const socket of sockets.clients) socket.close(1001, 'Going away');
  };
}

function attach(socket: WebSocket, headers: IncomingHttpHeaders, opened: ReturnType<typeof createSocketServer<Extra>>['opened']): void {
  const closed = opened({
    protocol: socket.protocol,
    send: (data) => new Promise((resolve, reject) => {
      socket.send(data, (error) => (error ? reject(error) : resolve()));
    }),
    close: (code, reason) => socket.close(code, reason),
    onMessage: (receive) => void socket.on('message', (data) => {
      receive(String(data)).catch(() => socket.close(1011, 'Internal error'));
    }),
  }, { headers });
  socket.on('error', () => undefined);
  socket.once('close', (code, reason) => {
    closed(code, String(reason)).catch(() => undefined);
  });
}
