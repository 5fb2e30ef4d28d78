import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { type ExecutionResult, OperationTypeNode } from 'graphql';
import type { SubgraphName } from '../../schema/sdl.ts';
import { serveHealth } from '../health.ts';
import { secondsSince } from '../metrics.ts';
import type { Platform } from '../platform.ts';
import type { RequestContext, Subgraph } from '../subgraph.ts';
import { readTrace, spanned, traceIdOf } from '../traces.ts';
import { masked, recordOf, refusal } from './answers.ts';
import { createRecognizer, type Recognize } from './callers.ts';
import { createDocuments, type Documents } from './documents.ts';
import { endOf, timeLeftHeader } from './end.ts';
import { protect } from './protect.ts';
import { serveSockets } from './sockets.ts';

export type ServedSubgraph = { url: string; port: number; stop(): Promise<void> };

export type Served = { platform: Platform; subgraph: Subgraph; documents: Documents; recognize: Recognize };

/** Representations of thousands of entities in one fetch. */
const bodyLimitBytes = 16 * 1024 * 1024;
const drainMs = 5_000;

/**
 * Serves one subgraph of this process at `/graphql`: queries and mutations by POST, all operations over graphql-transport-ws; `/livez` and `/readyz`.
 * Its schema keeps its scopes itself from now on.
 */
export async function serveSubgraph(platform: Platform, subgraph: Subgraph): Promise<ServedSubgraph> {
  const { host, port } = platform.env;
  protect(subgraph.schema);
  const served: Served = { platform, subgraph, documents: createDocuments(subgraph.schema), recognize: createRecognizer(platform, subgraph.name) };
  const server = createServer();
  // Slow heads and bodies are for attackers.
  server.requestTimeout = 60_000;
  server.headersTimeout = 10_000;
  // Longer than a gateway or a balancer keeps a connection for its next request.
  server.keepAliveTimeout = 75_000;
  let isStopping = false;
  const app = createApplication(server, platform.log, () => isStopping);
  seeRequests(app, platform, subgraph.name);
  serveHealth(app, platform, () => isStopping);
  serveGraph(app, served);
  await app.ready();
  const sockets = serveSockets(server, served);
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound, url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/graphql`,
    async stop() {
      isStopping = true;
      const resting = platform.jobs.rest();
      await new Promise((resolve) => setTimeout(resolve, platform.env.stopDelayMs));
      sockets.close();
      const closed = once(server, 'close');
      server.close();
      // A connection that was busy becomes idle later; the server closes only those that are idle now.
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const force = setTimeout(() => {
        sockets.end();
        server.closeAllConnections();
      }, drainMs);
      await Promise.all([closed, resting]);
      clearInterval(idle);
      clearTimeout(force);
      await app.close();
    },
  };
}

function createApplication(server: Server, log: Platform['log'], isStopping: () => boolean): FastifyInstance {
  const app = fastify({
    serverFactory: (handler) => server.on('request', (request, response) => {
      // Whoever keeps the connection for later would find it closed.
      if (isStopping()) response.shouldKeepAlive = false;
      handler(request, response);
    }),
    // Fastify's own interface is a part of pino's.
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
  });
  app.setNotFoundHandler(async (request, reply) => send(request, reply, 404, refusal('NOT_FOUND', 'The subgraph is at /graphql, by POST or WebSocket.')));
  app.setErrorHandler(async (error, request, reply) => {
    const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status >= 400 && status < 500) return send(request, reply, status, refusal('BAD_REQUEST', error instanceof Error ? error.message : 'The request is malformed.'));
    log.error({ err: error }, 'fault in the front of the subgraph');
    return send(request, reply, 500, refusal('INTERNAL', 'Internal error'));
  });
  return app;
}

/** One line for every request. */
function seeRequests(app: FastifyInstance, { log }: Platform, subgraph: SubgraphName): void {
  app.addHook('onResponse', async (request, reply) => {
    const trace = readTrace(request.headers['traceparent']);
    const requestId = reply.getHeader('x-request-id') ?? request.id;
    log.info({ requestId, ...trace && { traceId: traceIdOf(trace) }, subgraph, method: request.method, path: request.url.split('?', 1)[0], status: reply.statusCode, durationMs: Math.round(reply.elapsedTime) }, 'request');
  });
}

function serveGraph(app: FastifyInstance, served: Served): void {
  const known = new WeakMap<FastifyRequest, RequestContext>();
  app.post('/graphql', {
    // Before the body is read: it may be long.
    async onRequest(request, reply) {
      const recognized = await served.recognize(request.headers, {});
      if ('refused' in recognized) return send(request, reply, 401, refusal('UNAUTHENTICATED', recognized.refused));
      known.set(request, { ...recognized.request, trace: readTrace(request.headers['traceparent']) });
      reply.header('x-request-id', recognized.request.requestId);
      // What a hook gives is taken for the answer.
      return undefined;
    },
    async handler(request, reply) {
      const { status, result } = await answer(served, known.get(request) ?? { caller: null, requestId: request.id }, request, reply);
      return send(request, reply, status, result);
    },
  });
}

async function answer({ platform: { env, log, metrics, tracer }, subgraph, documents }: Served, request: RequestContext, { headers, body }: FastifyRequest, { raw }: FastifyReply): Promise<{ status: number; result: ExecutionResult }> {
  const { query, operationName, variables } = recordOf(body);
  const read = documents(query, operationName);
  if ('errors' in read) return { status: 400, result: read };
  if (read.kind === OperationTypeNode.SUBSCRIPTION) return { status: 400, result: refusal('BAD_REQUEST', 'Subscriptions are served over WebSocket, by graphql-transport-ws.') };
  const end = endOf(raw, Math.min(env.operationTimeoutMs, timeLeft(headers)));
  const startedAt = performance.now();
  const result = await spanned(tracer, `serve ${subgraph.name}`, { kind: 'server', parent: request.trace ?? null, attributes: { 'graphql.operation.type': read.kind } }, async () => subgraph.execute({
    document: read.document, operationName: typeof operationName === 'string' ? operationName : undefined, variables: recordOf(variables), request,
    get signal() {
      return end();
    },
  }));
  metrics.served.observe({ subgraph: subgraph.name, outcome: result.errors ? 'errors' : 'ok' }, secondsSince(startedAt));
  return { status: result.data === undefined ? 400 : 200, result: masked(result, request, log) };
}

function timeLeft(headers: IncomingHttpHeaders): number {
  const given = Number(headers[timeLeftHeader] ?? Infinity);
  return given > 0 ? given : Infinity;
}

/** In application/json, which old gateways know alone, what is wrong with an operation is no matter of HTTP. */
async function send({ headers }: FastifyRequest, reply: FastifyReply, status: number, result: ExecutionResult): Promise<FastifyReply> {
  const isModern = headers.accept?.includes('application/graphql-response+json') ?? false;
  const type = isModern ? 'application/graphql-response+json' : 'application/json';
  return reply.code(status === 400 && !isModern ? 200 : status).type(`${type}; charset=utf-8`).header('cache-control', 'no-store').send(JSON.stringify(result));
}
