import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import { isDatabaseAway } from '../subgraphs/database.ts';
import type { Platform } from '../subgraphs/platform.ts';
import { addressOf } from './address.ts';
import { noteCaller } from './api-log.ts';
import { identify, invalidKeyMessage } from './caller.ts';
import { closeSignal, createDoor, isStreamed } from './door.ts';
import type { Graph } from './graphql.ts';
import { learnPaths } from './logged-path.ts';
import { askOnce, KeyRefusal } from './kept.ts';
import type { Openings } from './openings.ts';
import { HttpRefusal, sendRefusal } from './rest/answer.ts';
import { dialectOf, type Refusal } from './rest/dialect.ts';
import { answerUnknown, pathOf } from './rest/router.ts';
import { seeRequests, traceOf } from './seen-requests.ts';
import type { Texts } from './texts.ts';
import { readOn } from './unread.ts';

export type Front = { platform: Platform; graph: Graph; openings: Openings; texts: Texts };

const bodyLimitBytes = 1024 * 1024;
const longestUrl = 8192;
const deepestJson = 64;
const exposedHeaders = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After', 'Link', 'ETag', 'Location', 'Preference-Applied', 'Idempotency-Replayed'];

/** A server that listens at once and says 503 until the application behind it is ready: its port is known before anything else starts. */
export function createFront(): { server: Server; serve(listener: RequestListener): void } {
  let listener: RequestListener = (_, response) => response.writeHead(503, { 'retry-after': '1' }).end();
  const server = createServer((request, response) => listener(request, response));
  // Slow bodies and headers are for attackers; uploads of 5 MB over a bad connection still fit.
  server.requestTimeout = 120_000;
  server.headersTimeout = 20_000;
  // Longer than balancers keep a connection for their next request, mostly 60 s: one that is closed while they send is a request lost.
  server.keepAliveTimeout = 75_000;
  return { server, serve: (ready) => void (listener = ready) };
}

/** The application without its routes: request ids, headers, bodies, faults. */
export async function createApplication(server: Server, { log, metrics, tracer }: Pick<Platform, 'log' | 'metrics' | 'tracer'>): Promise<FastifyInstance> {
  const app = fastify({
    serverFactory: () => server,
    // Fastify's own interface is a part of pino's.
    loggerInstance: log as FastifyBaseLogger,
    bodyLimit: bodyLimitBytes,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
    // Before any hook: an address that cannot be decoded is one that nobody has.
    frameworkErrors: (error, request, reply) => void sendRefusal(reply.header('x-request-id', request.id) as FastifyReply, request as FastifyRequest, dialectOf(pathOf(request)), httpError(error)),
  });
  learnPaths(app);
  await app.register(cors, { origin: true, methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], exposedHeaders, maxAge: 86_400, preflightContinue: true, strictPreflight: false });
  await app.register(helmet, { contentSecurityPolicy: false, crossOriginResourcePolicy: { policy: 'cross-origin' }, hsts: false });
  await app.register(multipart, { throwFileSizeLimit: true });
  readJson(app);
  seeRequests(app, { metrics, tracer }, log);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (request.url.length > longestUrl) throw new HttpRefusal(414, 'The address is too long');
    if (request.url.startsWith('/api/')) reply.header('vary', 'Origin, X-Api-Key, Authorization');
    if (pathOf(request) === '/graphql') reply.header('vary', 'Origin, X-Api-Key, X-Partner-Api-Key, Authorization, Accept, Accept-Encoding');
  });
  app.addHook('onResponse', async (request) => {
    readOn(request.raw);
  });
  app.setNotFoundHandler(answerUnknown);
  app.setErrorHandler(async (error, request, reply) => {
    const known = httpError(error);
    if (pathOf(request) === '/graphql') return refuseInGraphql(request, reply, known instanceof HttpRefusal ? known.refusal : faultInGraphql(request, error));
    return sendRefusal(reply, request, dialectOf(pathOf(request)), known);
  });
  return app;
}

/** Echoes an id that is harmless in logs and headers. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** An empty body is no body, whatever its type says: old clients send a type with GET and DELETE. */
function readJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = String(body);
    if (text.trim() === '') return done(null, undefined);
    if (isTooDeep(text)) return done(new HttpRefusal(400, 'The JSON is nested too deep'));
    return parse(request, text, done);
  });
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|[[{]|[\]}]/g)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > deepestJson) return true;
  }
  return false;
}

const messages: Record<string, string> = {
  FST_ERR_BAD_URL: 'The address is malformed', FST_ERR_MAX_PARAM_LENGTH: 'The address is malformed', 400: 'The request body is not valid JSON', 413: 'The request body is too large', 415: 'Content-Type must be application/json',
};

/** What the HTTP framework refuses, worded; everything else is a fault. */
function httpError(error: unknown): unknown {
  const status = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return status >= 400 && status < 500 ? new HttpRefusal(status, messages[code] ?? messages[status] ?? 'The request is malformed') : error;
}

/** `/graphql`: every way to ask the graph over HTTP. */
export function serveGraphql(app: FastifyInstance, { platform, graph, openings, texts }: Front): void {
  const door = createDoor({ graph: () => graph, texts, batchLimit: platform.env.operations.batchLimit });
  app.route({
    method: ['GET', 'POST', 'PUT', 'DELETE'],
    url: '/graphql',
    errorHandler: (error, request, reply) => {
      if (!(error instanceof KeyRefusal)) throw error;
      if (error.retryAfterSeconds !== null) reply.header('retry-after', String(error.retryAfterSeconds));
      refuseInGraphql(request, reply, { status: error.status, code: error.code, message: error.message });
    },
    async handler(request, reply) {
      if (request.method === 'GET' && request.headers.accept?.includes('text/html') && !('query' in (request.query as object))) return reply.redirect('/');
      const identity = await identify(platform.keys, request.headers);
      if (identity.kind === 'invalid') return refuseKey(request, reply);
      if (identity.kind === 'caller') noteCaller(request, identity.caller, request.method === 'GET' ? request.query : request.body);
      const caller = identity.kind === 'caller' ? identity.caller : null;
      const search = new URL(request.url, 'http://host').search;
      const asked = { method: request.method, headers: request.headers, search, body: request.body, context: { caller, requestId: request.id, trace: traceOf(request), address: addressOf(request.raw, platform.env.trustedProxies) }, signal: closeSignal(reply.raw) };
      const { status, headers, body } = await askOnce(platform.answers, caller, asked, (each) => door.answer(each));
      reply.code(status).headers(headers);
      if (!isStreamed(body)) return reply.send(body);
      body.body.once('close', openings.track(body.keyId, body.close));
      return reply.send(body.body);
    },
  });
}

const refuseKey = (request: FastifyRequest, reply: FastifyReply): FastifyReply => refuseInGraphql(request, reply, { status: 401, code: 'UNAUTHENTICATED', message: invalidKeyMessage });

/** What happened before there was an operation: nobody could say whose key it is. */
function faultInGraphql(request: FastifyRequest, error: unknown): Refusal {
  request.log.error({ err: error, requestId: request.id }, 'fault before an operation');
  if (isDatabaseAway(error)) return { status: 503, code: 'UNAVAILABLE', message: 'The service is not available at the moment. Please try again.' };
  return { status: 500, code: 'INTERNAL', message: 'Internal error' };
}

function refuseInGraphql(request: FastifyRequest, reply: FastifyReply, { status, code, message }: Refusal): FastifyReply {
  const error = { message, extensions: { code, requestId: request.id } };
  if (status === 503) reply.header('retry-after', '5');
  return reply.code(status).header('cache-control', 'no-store').type('application/json; charset=utf-8').send(JSON.stringify({ errors: [error] }));
}
