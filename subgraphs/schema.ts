import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import { createSourceEventStream, type ExecutionResult, GraphQLError, GraphQLScalarType, parse } from 'graphql';
import { Failure, type FailureCode } from '../schema/failures.ts';
import { subgraphSdl, type SubgraphName } from '../schema/sdl.ts';
import { isZeroByte } from './database.ts';
import { createExecutor } from './execution/index.ts';
import { limitLists } from './lists.ts';
import type { Caller, RequestContext, Stopped, Subgraph, SubgraphRequest } from './subgraph.ts';

/**
 * Makes a subgraph of its SDL and resolvers.
 *
 * `makeContext` adds the subgraph's loaders to a request. It is asked once for every `request` object, so that all fetches of a request
 * share their loaders, and once for every event of a subscription, so that an event never sees what an earlier one loaded. `stopped` gives
 * the signal that says when the work is not wanted any more; its reason is what to throw then.
 */
export function buildSubgraph<Context extends RequestContext>(name: SubgraphName, resolvers: object, makeContext: (request: RequestContext, stopped: Stopped) => Context): Subgraph {
  const map = { ...resolvers, ...scalars } as GraphQLResolverMap<Context>;
  const schema = buildSubgraphSchema([{ typeDefs: parse(subgraphSdl(name)), resolvers: map }]);
  limitLists(schema);
  const execute = createExecutor(schema);
  const contexts = new WeakMap<RequestContext, Context>();
  const contextOf = ({ request }: SubgraphRequest, stopped: Stopped): Context => {
    const known = contexts.get(request) ?? makeContext(request, stopped);
    contexts.set(request, known);
    return known;
  };
  return {
    name,
    schema,
    async execute(operation) {
      return withRefusals(await execute({ ...execution(operation), context: contextOf(operation, () => operation.signal) }));
    },
    async subscribe(operation) {
      const stopped: Stopped = () => operation.signal;
      const { document, operationName, variables: variableValues } = execution(operation);
      const events = await createSourceEventStream({ schema, document, operationName, variableValues, contextValue: makeContext(operation.request, stopped) });
      if (!(Symbol.asyncIterator in events)) return withRefusals(events);
      const answer = async (event: unknown): Promise<ExecutionResult> =>
        withRefusals(await execute({ ...execution(operation), rootValue: event, context: makeContext(operation.request, stopped) }));
      return answers(events[Symbol.asyncIterator](), operation.signal, sharing(answer, operation.sharedBy));
    },
  };
}

function execution({ document, operationName, variables }: SubgraphRequest) {
  return { document, operationName: operationName ?? null, variables };
}

/** Answers by event and by what its subscriptions share. */
const shared = new WeakMap<object, WeakMap<object, Promise<ExecutionResult>>>();

/** The same answers, each made once for all subscriptions that share it, as far as they hear of one event by one object. */
function sharing(answer: (event: unknown) => Promise<ExecutionResult>, sharedBy: object | undefined): (event: unknown) => Promise<ExecutionResult> {
  if (!sharedBy) return answer;
  return (event) => {
    if (typeof event !== 'object' || event === null) return answer(event);
    const ofEvent = shared.get(event) ?? new WeakMap<object, Promise<ExecutionResult>>();
    shared.set(event, ofEvent);
    const made = ofEvent.get(sharedBy) ?? answer(event);
    ofEvent.set(sharedBy, made);
    return made;
  };
}

/** A plain iterator: unlike an async generator it can be stopped while it waits for the next event. */
function answers(events: AsyncIterator<unknown>, signal: AbortSignal | undefined, answer: (event: unknown) => Promise<ExecutionResult>): AsyncIterableIterator<ExecutionResult> {
  const stop = async (): Promise<IteratorResult<ExecutionResult>> => {
    signal?.removeEventListener('abort', stopQuietly);
    await events.return?.();
    return { value: undefined, done: true };
  };
  const stopQuietly = (): void => void stop();
  if (signal?.aborted) stopQuietly();
  signal?.addEventListener('abort', stopQuietly, { once: true });
  return {
    async next() {
      const event = await events.next();
      return event.done ? stop() : { value: await answer(event.value), done: false };
    },
    return: stop,
    async throw(error) {
      await stop();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Refusals get their code and detail into `extensions`; faults stay as they are, for the gateway to mask. */
function withRefusals(result: ExecutionResult): ExecutionResult {
  if (!result.errors) return result;
  return { ...result, errors: result.errors.map((error) => {
    const failure = failureOf(error.originalError);
    return failure ? refusal(error, failure) : error;
  }) };
}

/** What was thrown, if it is a refusal. A text that nobody looked at before the database did is one, too. */
function failureOf(error: unknown): Failure | null {
  if (error instanceof Failure) return error;
  return isZeroByte(error) ? new Failure('VALIDATION', 'Text cannot contain zero bytes') : null;
}

function refusal({ nodes, path }: GraphQLError, failure: Failure): GraphQLError {
  return new GraphQLError(failure.message, { nodes: nodes ?? null, path: path ?? null, originalError: failure, extensions: { code: failure.code, ...failure.detail } });
}

/** Who asks, or refuses with UNAUTHENTICATED. The gateway has checked the scopes of the field before. */
export function getCaller(context: RequestContext): Caller {
  if (!context.caller) throw new Failure('UNAUTHENTICATED', 'No API key provided');
  return context.caller;
}

const errorTypes = {
  VALIDATION: 'ValidationError',
  UNAUTHENTICATED: 'ValidationError',
  FORBIDDEN: 'ValidationError',
  RATE_LIMITED: 'RateLimitedError',
  NOT_FOUND: 'NotFoundError',
  CONFLICT: 'ConflictError',
  IDEMPOTENCY_CONFLICT: 'ConflictError',
  LAST_KEY: 'ConflictError',
  UNAVAILABLE: 'ValidationError',
  ALREADY_DELETED: 'ConflictError',
  LIMIT_REACHED: 'ValidationError',
  INSUFFICIENT_CREDITS: 'InsufficientCreditsError',
  IMAGE_REJECTED: 'ImageRejectedError',
} as const satisfies Record<FailureCode, string>;

type ErrorFields = { code: FailureCode; message: string; path: readonly string[] | null };
/** A value of the SDL's `UserError`. `Issue` is the subgraph's own `ImageIssue`. */
export type UserErrorValue<Issue extends string> =
  | (ErrorFields & { __typename: 'ValidationError' | 'NotFoundError' })
  | (ErrorFields & { __typename: 'ConflictError'; existingId: string | null })
  | (ErrorFields & { __typename: 'InsufficientCreditsError'; required: number; available: number })
  | (ErrorFields & { __typename: 'RateLimitedError'; retryAfterSeconds: number })
  | (ErrorFields & { __typename: 'ImageRejectedError'; issues: readonly Issue[] });

/** The `errors` of a payload that tell of one refusal. */
export function userErrors<Issue extends string>({ code, message, detail }: Failure): [UserErrorValue<Issue>] {
  const fields = { code, message, path: detail.path ?? null };
  const type = errorTypes[code];
  switch (type) {
    case 'ConflictError': return [{ __typename: type, ...fields, existingId: detail.existingId ?? null }];
    case 'InsufficientCreditsError': return [{ __typename: type, ...fields, required: detail.required ?? 0, available: detail.available ?? 0 }];
    case 'RateLimitedError': return [{ __typename: type, ...fields, retryAfterSeconds: detail.retryAfterSeconds ?? 1 }];
    // Who refuses a picture takes the issues from the same closed list as the SDL.
    case 'ImageRejectedError': return [{ __typename: type, ...fields, issues: (detail.issues ?? []) as readonly Issue[] }];
    default: return [{ __typename: type, ...fields }];
  }
}

/** A mutation's payload: what `work` gives and no errors, or nothing but the refusal that it threw. Faults pass. */
export async function payload<Result extends object, Issue extends string>(work: () => Promise<Result>): Promise<Partial<Result> & { errors: UserErrorValue<Issue>[] }> {
  try {
    return { ...(await work()), errors: [] };
  } catch (error) {
    const failure = failureOf(error);
    if (!failure) throw error;
    return { ...({} as Partial<Result>), errors: userErrors<Issue>(failure) };
  }
}

function refuseScalar(expected: string): never {
  throw new GraphQLError(`Expected ${expected}.`, { extensions: { code: 'VALIDATION' } });
}

function checkedText(name: string, expected: string, parseText: (text: string) => string | null): GraphQLScalarType<string, string> {
  const parseValue = (value: unknown): string => (typeof value === 'string' ? parseText(value) : null) ?? refuseScalar(expected);
  return new GraphQLScalarType({ name, parseValue, serialize: (value) => (typeof value === 'string' ? value : refuseScalar(expected)) });
}

/** The address in its normal form when it is absolute, http or https and at most 2,048 characters; else null. */
export function parseHttpUrl(text: string): string | null {
  const url = text.length <= 2048 ? URL.parse(text) : null;
  return url && (url.protocol === 'http:' || url.protocol === 'https:') ? url.href : null;
}

function serializeMoment(value: unknown): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  throw new TypeError('a DateTime must be a valid Date');
}

function parseMoment(text: string): string | null {
  if (!/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text)) return null;
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

const moment = checkedText('DateTime', 'a moment as 2026-01-15T10:30:00.000Z', parseMoment);

/** The custom scalars of the graph, which are the same in all subgraphs. */
export const scalars = {
  DateTime: new GraphQLScalarType({ ...moment.toConfig(), serialize: serializeMoment }),
  URL: checkedText('URL', 'an absolute http or https address of at most 2048 characters', parseHttpUrl),
  EmailAddress: checkedText('EmailAddress', 'an e-mail address', (text) => (text.length <= 254 && /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text) ? text : null)),
  HexColor: checkedText('HexColor', 'a color as #rrggbb', (text) => (/^#[0-9a-f]{6}$/i.test(text) ? text.toLowerCase() : null)),
  PhoneNumber: checkedText('PhoneNumber', 'a telephone number', (text) => (text.length <= 64 && (text.match(/\d/g) ?? []).length >= 3 ? text : null)),
};
