import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from '../subgraphs/log.ts';
import { beginTrace, readTrace, type Span, type Trace, traceIdOf } from '../subgraphs/traces.ts';
import { askedBy } from './api-log.ts';
import type { Observer } from './observed.ts';
import { loggedPath } from './logged-path.ts';

type Seen = { trace: Trace; span: Span | null };
const seen = new WeakMap<FastifyRequest, Seen>();

/** What a request is traced by: what its client says, else a trace of its own. */
export const traceOf = (request: FastifyRequest): Trace | null => seen.get(request)?.trace ?? null;

/** Every request leaves one line, a measurement by the pattern of its route, and where there is a tracer a span. Paths are logged without queries, which carry signatures. */
export function seeRequests(app: FastifyInstance, { metrics, tracer }: Observer, log: Logger): void {
  app.addHook('onRequest', async (request) => {
    const given = readTrace(request.headers['traceparent']);
    const span = tracer?.start(`${request.method} ${routeOf(request)}`, { kind: 'server', parent: given, attributes: { 'http.request.method': request.method, 'http.route': routeOf(request) } }) ?? null;
    seen.set(request, { span, trace: span?.trace ?? given ?? beginTrace(request.id) });
  });
  app.addHook('onResponse', async (request, reply) => {
    const { trace, span } = seen.get(request) ?? { trace: beginTrace(request.id), span: null };
    const status = reply.statusCode;
    metrics.requests.observe({ route: routeOf(request), method: request.method, status: `${Math.floor(status / 100)}xx` }, reply.elapsedTime / 1000);
    span?.end({ failed: status >= 500, attributes: { 'http.response.status_code': status } });
    log.info({ requestId: request.id, traceId: traceIdOf(trace), ...askedBy(request), method: request.method, path: loggedPath(request), status, durationMs: Math.round(reply.elapsedTime) }, 'request');
  });
}

/** One of those that are mounted; what is asked for elsewhere is all the same. */
const routeOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'unknown';
