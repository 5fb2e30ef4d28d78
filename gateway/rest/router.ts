import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BlobStore } from '../../subgraphs/blobs.ts';
import { idempotencyOf, type KeptAnswers } from '../../subgraphs/kept-answers.ts';
import type { Keys } from '../../subgraphs/keys.ts';
import type { Rates } from '../../subgraphs/rates.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { Failure } from '../../schema/failures.ts';
import { noteCaller } from '../api-log.ts';
import { addressOf } from '../address.ts';
import { credentialOf } from '../caller.ts';
import type { Graph } from '../graphql.ts';
import { closingOf, type Openings } from '../openings.ts';
import { traceOf } from '../seen-requests.ts';
import { HttpRefusal, sendReply, sendRefusal } from './answer.ts';
import { ask, watch } from './ask.ts';
import { dialectOf } from './dialect.ts';
import { streamEvents } from './event-stream.ts';
import { idempotencyKeyOf, keptReply } from './idempotency.ts';
import { takeRate } from './quota.ts';
import type { AnyRoute, EventRoute, Reply, RestRequest, Route } from './route.ts';
import { readForm, readUpload } from './upload.ts';

export type RestParts = { graph: Graph; keys: Keys; blobs: BlobStore; openings: Openings; rates: Rates; answers: KeptAnswers; trustedProxies: readonly string[] };

const longestWaitSeconds = 60;

/** Mounts a table of routes: for each path its methods, HEAD beside GET, OPTIONS, and 405 for all others. */
export function mountRoutes(app: FastifyInstance, routes: readonly AnyRoute[], parts: RestParts): void {
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    const allowed = [...new Set(group.flatMap(methodsOf))];
    const allow = [...allowed, 'OPTIONS'].join(', ');
    for (const route of group) {
      const [method = 'GET'] = methodsOf(route);
      const mount = (scope: FastifyInstance): void => void scope.route({ method, url: path, exposeHeadRoute: allowed.includes('HEAD'), handler: async (request, reply) => answering(request, reply, route, parts) });
      if (route.takesAnyBody) void app.register(async (scope) => mount(ignoringBodies(scope)));
      else mount(app);
    }
    app.options(path, async (_, reply) => reply.code(204).header('allow', allow).send());
    const others = (['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const).filter((method) => !allowed.includes(method));
    app.route({ method: others, url: path, handler: async () => Promise.reject(new HttpRefusal(405, 'Method not allowed', { allow })) });
  }
}

/** Of types that it does not know, instead of refusing them. */
function ignoringBodies(scope: FastifyInstance): FastifyInstance {
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
  return scope;
}

function methodsOf(route: AnyRoute): string[] {
  if (route.method !== 'GET' && route.method !== 'EVENTS') return [route.method];
  return route.method === 'GET' && route.hasHead === false ? ['GET'] : ['GET', 'HEAD'];
}

async function answering(request: FastifyRequest, reply: FastifyReply, route: AnyRoute, parts: RestParts): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store');
  try {
    const caller = await authenticate(request, route, parts.keys);
    if (caller && route.dialect.rate) await takeRate(parts.rates, reply, route.dialect.rate, caller.keyId);
    if (route.method === 'EVENTS') await answerEvents(request, reply, route, parts, caller);
    else await answer(request, reply, route, parts, caller);
  } catch (error) {
    await sendRefusal(reply, request, route.dialect, error);
  }
  return reply;
}

/** Null where the route is open. */
async function authenticate(request: FastifyRequest, { dialect, invalidKey, isOpen }: AnyRoute, keys: Keys): Promise<Caller | null> {
  if (isOpen) return null;
  const secret = credentialOf(request.headers);
  if (secret === null) throw new HttpRefusal(dialect.missingKey.status, dialect.missingKey.message);
  const caller = await keys.findCaller(secret);
  if (!caller) throw new HttpRefusal(invalidKey ?? dialect.missingKey.status, dialect.invalidKeyMessage);
  noteCaller(request, caller);
  return caller;
}

async function answer(request: FastifyRequest, reply: FastifyReply, route: Route<object, object>, parts: RestParts, caller: Caller | null): Promise<void> {
  accepts(request, /json|\*\/\*|application\/\*/);
  const made = await replyTo(request, reply, route, parts, caller).catch((error: unknown) => {
    if (!route.insteadOfFault || error instanceof Failure || error instanceof HttpRefusal) throw error;
    request.log.error({ err: error, requestId: request.id }, 'fault in a REST request');
    return route.insteadOfFault();
  });
  await sendReply(reply, request, made);
}

async function replyTo(request: FastifyRequest, reply: FastifyReply, route: Route<object, object>, { graph, blobs, openings, trustedProxies, answers }: RestParts, caller: Caller | null): Promise<Reply> {
  const { rest, sent } = restRequest(request, caller, blobs);
  const asking = { caller, requestId: request.id, trace: traceOf(request), ...route.isOpen && { address: addressOf(request.raw, trustedProxies) } };
  const key = caller && route.method === 'POST' ? idempotencyKeyOf(rest) : null;
  const variables = await route.variables(rest);
  const work = (more: Pick<Parameters<typeof ask>[3], 'idempotency'> = {}) => answered(reply, route, { rest, variables, asking: { ...asking, ...more } }, { graph, openings });
  if (!caller || key === null) return work();
  const keyed = { accountId: caller.accountId, operation: `POST ${pathOf(request)}`, key, content: JSON.stringify([request.query, request.body ?? null, sent()]) };
  return keptReply(answers, keyed, () => work({ idempotency: idempotencyOf(keyed) }));
}

type Asked = { rest: RestRequest; variables: object; asking: Parameters<typeof ask>[3] };

async function answered(reply: FastifyReply, route: Route<object, object>, { rest, variables, asking }: Asked, { graph, openings }: Pick<RestParts, 'graph' | 'openings'>): Promise<Reply> {
  let data = await ask(graph, route.operation, variables, asking);
  if (route.rest) data = await withRest(route.rest, data, rest, (next) => ask(graph, route.operation, next, asking));
  const waitSeconds = route.awaits ? waitOf(rest) : 0;
  if (route.awaits && waitSeconds > 0) {
    reply.header('preference-applied', `wait=${waitSeconds}`);
    if (!route.awaits.isOver(data)) {
      const going = new AbortController();
      const forget = openings.track(asking.caller?.keyId ?? null, () => going.abort());
      await untilLast(graph, route.awaits, variables, asking, AbortSignal.any([AbortSignal.timeout(waitSeconds * 1000), closeOf(reply), going.signal])).finally(forget);
      data = await ask(graph, route.operation, variables, asking);
    }
  }
  return route.reply(data, rest);
}

/** All pages of a list. */
async function withRest({ variables, join }: NonNullable<Route<object, object>['rest']>, first: object, request: RestRequest, askFor: (variables: object) => Promise<object>): Promise<object> {
  let [data, page] = [first, first];
  for (let next = variables(page, request, data); next; next = variables(page, request, data)) {
    page = await askFor(next);
    data = join(data, page);
  }
  return data;
}

/** Ends with the last event, or when the signal says so. */
async function untilLast(graph: Graph, { operation, isLast }: NonNullable<Route<object, object>['awaits']>, variables: object, asking: { caller: Caller | null; requestId: string }, signal: AbortSignal): Promise<void> {
  const events = await watch(graph, operation, variables, { ...asking, signal });
  const stop = (): void => void events.return?.();
  signal.addEventListener('abort', stop, { once: true });
  for await (const event of events) if (isLast(event)) break;
  signal.removeEventListener('abort', stop);
}

async function answerEvents(request: FastifyRequest, reply: FastifyReply, route: EventRoute<object, object>, { graph, blobs, openings }: RestParts, caller: Caller | null): Promise<void> {
  accepts(request, /event-stream|\*\/\*|text\/\*/);
  const { rest } = restRequest(request, caller, blobs);
  const [afterSeq, asking] = [lastEventId(request), { caller, requestId: request.id, trace: traceOf(request), signal: closeOf(reply) }];
  // An EventSource comes back behind the last event too, and would for ever: 204 is what it stops at.
  if (afterSeq !== null && route.present.isOver(await ask(graph, route.present.operation, route.present.variables(rest), asking), afterSeq)) return void (await reply.code(204).send());
  const events = await watch(graph, route.operation, route.variables(rest, afterSeq), asking);
  reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-store, no-transform').header('x-accel-buffering', 'no');
  if (request.method === 'HEAD') {
    await events.return?.();
    return void (await reply.code(200).send());
  }
  const body = streamEvents(events, route.event);
  const forget = openings.track(caller?.keyId ?? null, closingOf(body));
  body.once('close', forget);
  await reply.code(200).send(body);
}

function lastEventId({ headers, query }: FastifyRequest): number | null {
  const given = headers['last-event-id'] ?? (query as Record<string, unknown>)['after_seq'];
  if (given === undefined || given === '') return null;
  const seq = Number(given);
  if (!Number.isInteger(seq) || seq < 0 || seq > 2 ** 31 - 1) throw new Failure('VALIDATION', 'Last-Event-ID must be the number of an event');
  return seq;
}

/** `sent`: the hash of the file that came with it, once it was read. */
function restRequest(request: FastifyRequest, caller: Caller | null, blobs: BlobStore): { rest: RestRequest; sent: () => string | null } {
  let sent: string | null = null;
  const rest: RestRequest = {
    method: request.method,
    // Fastify types both by the route's schema, of which ours have none.
    params: request.params as Record<string, string>,
    query: request.query as Record<string, unknown>,
    headers: request.headers,
    body: request.body,
    caller,
    requestId: request.id,
    async upload() {
      if (!caller) throw new TypeError('an open route has no account to keep a file for');
      const { sha256, ...upload } = await readUpload(request, caller, blobs);
      sent = `${sha256} ${upload.name ?? ''}`;
      return upload;
    },
    async form() {
      if (!caller) throw new TypeError('an open route has no account to keep a file for');
      const { sha256, ...form } = await readForm(request, caller, blobs);
      sent = `${sha256} ${form.name ?? ''} ${JSON.stringify(Object.entries(form.fields).sort())}`;
      return form;
    },
  };
  return { rest, sent: () => sent };
}

/** Aborts when the client has gone. */
function closeOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

function accepts({ headers }: FastifyRequest, able: RegExp): void {
  if (headers.accept !== undefined && headers.accept.trim() !== '' && !able.test(headers.accept.toLowerCase())) throw new HttpRefusal(406, 'No acceptable representation');
}

/** Seconds of `Prefer: wait=…` (RFC 7240), at most a minute; 0 without. */
function waitOf({ headers }: Pick<RestRequest, 'headers'>): number {
  const prefer = headers['prefer'];
  const text = Array.isArray(prefer) ? prefer.join(',') : prefer ?? '';
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(text)?.[1];
  return Math.min(Number(seconds ?? 0), longestWaitSeconds);
}

/** A path nobody knows is answered in the words of the family that it looks like. */
export async function answerUnknown(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  await sendRefusal(reply, request, dialectOf(pathOf(request)), new HttpRefusal(404, 'Not found'));
  return reply;
}

export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  return url.split('?', 1)[0] ?? '';
}
