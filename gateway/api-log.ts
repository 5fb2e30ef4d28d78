import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiLogs } from '../subgraphs/api-logs.ts';
import type { Logger } from '../subgraphs/log.ts';
import type { Caller } from '../subgraphs/subgraph.ts';
import type { Keys } from '../subgraphs/keys.ts';
import { credentialOf } from './caller.ts';
import { traceIdOf } from '../subgraphs/traces.ts';
import type { Graph } from './graphql.ts';
import { loggedPath } from './logged-path.ts';

type Asked = { caller: Caller; operation: string | null };
const asked = new WeakMap<FastifyRequest, Asked>();
const noted = new WeakSet<FastifyRequest>();

/** Remembers whose key a request came with, for the account's log. `body`: of a GraphQL request, which may name its operation. */
export function noteCaller(request: FastifyRequest, caller: Caller, body?: unknown): void {
  asked.set(request, { caller, operation: operationOf(body) });
}

/** Whose key a request came with, and what its operation is called, as far as that is known. */
export function askedBy(request: FastifyRequest): { keyId?: string; operation?: string } {
  const found = asked.get(request);
  return found ? { keyId: found.caller.keyId, ...found.operation !== null && { operation: found.operation } } : {};
}

/**
 * Writes a line for every answered request that came with a usable key; for a stream when it begins, for it may go on for weeks. A request to
 * the APIs that was refused before anybody asked whose it is, for its address or its body, is looked into after its answer.
 */
export function logRequests(app: FastifyInstance, logs: Pick<ApiLogs, 'note'>, keys: Pick<Keys, 'findCaller'>): void {
  const note = (request: FastifyRequest, reply: FastifyReply): boolean => {
    const found = asked.get(request);
    if (!found) return false;
    const { caller: { accountId, keyId }, operation } = found;
    if (noted.has(request)) return true;
    noted.add(request);
    const durationMs = Math.round(reply.elapsedTime);
    logs.note({ accountId, keyId, at: new Date(Date.now() - durationMs), requestId: request.id, method: request.method, path: loggedPath(request), operation, status: reply.statusCode, durationMs });
    return true;
  };
  app.addHook('onSend', async (request, reply) => {
    if (/event-stream|multipart/.test(String(reply.getHeader('content-type')))) note(request, reply);
  });
  app.addHook('onResponse', async (request, reply) => {
    const secret = credentialOf(request.headers);
    if (note(request, reply) || secret === null || !/^\/(api|graphql)(\/|\?|$)/.test(request.url)) return;
    // Nobody waits for it, and what cannot be found out is not worth a failure.
    const caller = await keys.findCaller(secret).catch(() => null);
    if (caller) noteCaller(request, caller, request.body);
    note(request, reply);
  });
}

/** A graph whose operations leave a line each: for sockets, where they are no requests of their own. */
export function logOperations<Asked extends Pick<Graph, 'subscribe'>>(graph: Asked, logs: Pick<ApiLogs, 'note'>, log: Logger): Asked {
  return {
    ...graph,
    async subscribe(operation) {
      const startedAt = Date.now();
      const answer = await graph.subscribe(operation);
      const { caller, requestId, trace } = operation.request;
      const status = Symbol.asyncIterator in answer || answer.data !== undefined ? 200 : 400;
      const line = { requestId, status, method: 'WEBSOCKET', path: '/graphql', operation: operationOf({ operationName: operation.operationName, query: operation.source }), durationMs: Date.now() - startedAt };
      log.info({ ...line, ...trace && { traceId: traceIdOf(trace) }, ...caller && { keyId: caller.keyId } }, 'request');
      if (caller) logs.note({ ...line, accountId: caller.accountId, keyId: caller.keyId, at: new Date(startedAt) });
      return answer;
    },
  };
}

function operationOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { operationName, query } = body as Record<string, unknown>;
  const name = typeof operationName === 'string' ? operationName : typeof query === 'string' ? /^\s*(?:query|mutation|subscription)\s+(\w+)/.exec(query)?.[1] : null;
  return typeof name === 'string' && /^\w{1,128}$/.test(name) ? name : null;
}
