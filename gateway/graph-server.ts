import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { plainContentType } from './asked.ts';
import { BodyRefused, readBody } from './body.ts';
import { drain } from './drain.ts';
import { closeSignal, createDoor, type Door, type DoorAnswer, isStreamed } from './door.ts';
import type { Graph } from './graphql.ts';
import { createOpenings, type Openings } from './openings.ts';
import { serveSockets } from './sockets.ts';
import { createTexts, type Texts } from './texts.ts';

export type GraphServerOptions = {
  /** The graph; asked for again with every operation. */
  current: () => Graph;
  texts?: Texts;
  /** Operations in one request; 0, the default: none but single ones. */
  batchLimit?: number;
  /** Makes the context of a request or a socket from its headers. */
  contextOf: (headers: IncomingHttpHeaders) => RequestContext;
  port: number;
  host: string;
  log: Logger;
};

export type GraphServer = { url: string; port: number; stop(): Promise<void> };

const maxBodyBytes = 1024 * 1024;

/** Serves a graph without accounts: `/graphql` in every protocol, and `/livez`. */
export async function serveGraph({ current, texts = createTexts(), batchLimit, contextOf, port, host, log }: GraphServerOptions): Promise<GraphServer> {
  const openings = createOpenings({ onEnded: () => () => undefined });
  const door = createDoor({ graph: current, texts, batchLimit });
  const server = createServer((request, response) => {
    answer(request, response, door, contextOf, openings).catch((error: unknown) => {
      log.error({ err: error }, 'fault in the front of the graph');
      if (response.headersSent) response.destroy();
      else send(response, 500, JSON.stringify({ errors: [{ message: 'Internal error', extensions: { code: 'INTERNAL' } }] }));
    });
  });
  // Slow heads and bodies are for attackers.
  server.requestTimeout = 30_000;
  server.headersTimeout = 10_000;
  const endSockets = serveSockets(server, {
    sources: { graph: current, texts }, openings,
    admit: async (_, headers) => ({ keyId: null, context: () => contextOf(headers) }),
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/graphql`,
    stop: () => drain(server, openings, endSockets),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, door: Door, contextOf: GraphServerOptions['contextOf'], openings: Openings): Promise<void> {
  const { url = '', method = 'GET', headers } = request;
  const [path = '', ...search] = url.split('?');
  if (path === '/livez') return send(response, 200, '{"status":"ok"}');
  if (path !== '/graphql') return send(response, 404, '{"errors":[{"message":"The graph is at /graphql"}]}');
  const body = method === 'POST' ? await readBody(request, maxBodyBytes) : undefined;
  if (body instanceof BodyRefused) return send(response, body.status, JSON.stringify({ errors: [{ message: body.message }] }), body.status === 413);
  const answered = await door.answer({ method, headers, search: search.length === 0 ? '' : `?${search.join('?')}`, body, context: contextOf(headers), signal: closeSignal(response) });
  response.setHeader('vary', 'Accept, Accept-Encoding');
  write(response, answered, openings);
}

function write(response: ServerResponse, { status, headers, body }: DoorAnswer, openings: Openings): void {
  if (!isStreamed(body)) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
    return;
  }
  response.writeHead(status, headers);
  const forget = openings.track(body.keyId, body.close);
  response.once('close', () => {
    forget();
    body.body.destroy();
  });
  body.body.pipe(response);
}

function send(response: ServerResponse, status: number, body: string, close = false): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'content-type': plainContentType, 'cache-control': 'no-store', 'content-length': bytes.length, ...close && { connection: 'close' } });
  response.end(bytes);
}
