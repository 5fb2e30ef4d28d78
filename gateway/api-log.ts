import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiLogs } from '../subgraphs/api-logs.ts';
import type { Caller } from '../subgraphs/subgraph.ts';
import { pathOf } from './rest/router.ts';

type Asked = { caller: Caller; operation: string | null };
const asked = new WeakMap<FastifyRequest, Asked>();

/** Remembers whose key a request came with, for the account's log. `body`: of a GraphQL request, which may name its operation. */
export function noteCaller(request: FastifyRequest, caller: Caller, body?: unknown): void {
  asked.set(request, { caller, operation: operationOf(body) });
}

/** Writes a line for every answered request that came with a usable key. */
export function logRequests(app: FastifyInstance, logs: Pick<ApiLogs, 'note'>): void {
  app.addHook('onResponse', async (request, reply) => {
    const found = asked.get(request);
    if (!found) return;
    const { caller: { accountId, keyId }, operation } = found;
    const durationMs = Math.round(reply.elapsedTime);
    logs.note({ accountId, keyId, at: new Date(Date.now() - durationMs), requestId: request.id, method: request.method, path: loggedPath(request), operation, status: reply.statusCode, durationMs });
  });
}

/** Without its query, and without the e-mail addresses that some paths carry: a log must not say whom it was about. */
function loggedPath(request: FastifyRequest): string {
  return pathOf(request).slice(0, 500).split('/').map((part) => (/@|%40/i.test(part) ? ':email' : part)).join('/');
}

function operationOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null) return null;
  const { operationName, query } = body as Record<string, unknown>;
  const name = typeof operationName === 'string' ? operationName : typeof query === 'string' ? /^\s*(?:query|mutation|subscription)\s+(\w+)/.exec(query)?.[1] : null;
  return typeof name === 'string' && /^\w{1,128}$/.test(name) ? name : null;
}
