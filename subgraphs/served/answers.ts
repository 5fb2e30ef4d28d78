import { type ExecutionResult, GraphQLError } from 'graphql';
import { failureCodes } from '../../schema/failures.ts';
import { isDatabaseAway } from '../database.ts';
import type { Logger } from '../log.ts';
import type { RequestContext } from '../subgraph.ts';

type Stream = AsyncIterableIterator<ExecutionResult>;

const told: ReadonlySet<unknown> = new Set(failureCodes);

/** The answer as it may leave the process: what is neither a refusal nor about the operation's text is logged here, once, and masked. */
export function masked(answer: ExecutionResult, request: RequestContext, log: Logger): ExecutionResult {
  if (!answer.errors) return answer;
  // What went wrong before anything ran has no path: a variable that does not fit.
  return { ...answer, errors: answer.errors.map((error) => (told.has(error.extensions['code']) || error.path === undefined ? error : fault(error, request, log))) };
}

function fault(error: unknown, { requestId }: RequestContext, log: Logger): GraphQLError {
  const path = error instanceof GraphQLError ? error.path : undefined;
  log.error({ err: error instanceof GraphQLError ? error.originalError ?? error : error, requestId, path }, 'fault while answering an operation');
  if (isDatabaseAway(error instanceof GraphQLError ? error.originalError : error)) return new GraphQLError('This part of the graph does not answer now.', { ...path && { path }, extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 5, requestId } });
  return new GraphQLError('Internal error', { ...path && { path }, extensions: { code: 'INTERNAL', requestId } });
}

/** The same for every event of a stream. One that breaks says so as its last event. */
export function maskedStream(events: Stream, request: RequestContext, log: Logger): Stream {
  let isOver = false;
  const stop = async (): Promise<IteratorResult<ExecutionResult>> => {
    isOver = true;
    await events.return?.();
    return { value: undefined, done: true };
  };
  return {
    async next() {
      if (isOver) return { value: undefined, done: true };
      try {
        const event = await events.next();
        return event.done ? event : { done: false, value: masked(event.value, request, log) };
      } catch (error) {
        isOver = true;
        return { done: false, value: { errors: [fault(error, request, log)] } };
      }
    },
    return: stop,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** An answer that says only why there is none. */
export function refusal(code: string, message: string): ExecutionResult {
  return { errors: [new GraphQLError(message, { extensions: { code } })] };
}

/** What was sent in the place of an object; nothing when it is none. */
export function recordOf(given: unknown): Record<string, unknown> {
  return typeof given === 'object' && given !== null ? given as Record<string, unknown> : {};
}
