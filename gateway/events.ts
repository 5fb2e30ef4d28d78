import type { ExecutionResult } from 'graphql';
import type { Source } from './root-fetch.ts';
import type { Run } from './run.ts';
import type { createSharing } from './sharing.ts';
import type { Call, Stream } from './transport.ts';

/** What the subscriptions of one operation have in common. */
export type Completing = { begin: (call: Call) => Run; complete: (run: Run) => Promise<ExecutionResult>; sharing: ReturnType<typeof createSharing> };

/**
 * The answers of a subscription: each event of the source, completed. Every event has a request context of its own, so that no loader answers
 * from before it. A plain iterator, because a waiting generator cannot be stopped.
 */
export async function completedEvents(source: Source, given: Call, signal: AbortSignal | undefined, { begin, complete, sharing }: Completing): Promise<Stream | ExecutionResult> {
  const place = sharing.enter(given);
  const call = place ? { ...given, sharedBy: place.shared } : given;
  const eventRun = (): Run => begin({ ...call, request: { ...call.request } });
  const answerAlone = (event: ExecutionResult): Promise<ExecutionResult> => {
    const run = eventRun();
    source.absorb(run, event);
    return complete(run);
  };
  const answer = place ? (event: ExecutionResult) => place.shared.answer(event, answerAlone) : answerAlone;
  const broken = (error: unknown): ExecutionResult => {
    const run = eventRun();
    run.report(error, undefined, source.subgraph);
    return { errors: run.errors };
  };
  try {
    const opened = await source.open(call);
    if (!(Symbol.asyncIterator in opened)) {
      place?.leave();
      const run = eventRun();
      source.absorb(run, opened);
      return run.errors.length > 0 ? { errors: run.errors } : broken(new Error('a subscription gave neither a stream nor an error'));
    }
    return new Events(opened, answer, broken, signal, () => place?.leave());
  } catch (error) {
    place?.leave();
    return broken(error);
  }
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

type Result = IteratorResult<ExecutionResult, undefined>;

class Events implements AsyncIterableIterator<ExecutionResult, undefined> {
  readonly #source: Stream;
  readonly #answer: (event: ExecutionResult) => Promise<ExecutionResult>;
  readonly #broken: (error: unknown) => ExecutionResult;
  readonly #signal: AbortSignal | undefined;
  readonly #onEnd: () => void;
  /** Calls of next() that are not answered yet: return() answers them at once. */
  readonly #waiting = new Set<(result: Result) => void>();
  #isOver = false;
  /** Answers leave in the order of their events, also when next() is called ahead. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: Stream, answer: (event: ExecutionResult) => Promise<ExecutionResult>, broken: (error: unknown) => ExecutionResult, signal: AbortSignal | undefined, onEnd: () => void) {
    this.#source = source;
    this.#answer = answer;
    this.#broken = broken;
    this.#signal = signal;
    this.#onEnd = onEnd;
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted) this.#stop();
  }

  readonly #abort = (): void => this.#stop();

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#isOver) return Promise.resolve(done);
    const { promise, resolve } = Promise.withResolvers<Result>();
    this.#waiting.add(resolve);
    this.#last = this.#answerNext(this.#last, resolve);
    return promise;
  }

  async #answerNext(previous: Promise<unknown>, resolve: (result: Result) => void): Promise<void> {
    await previous;
    let result: Result = done;
    // All in one function: each that waits for an event holds a third of a KB of a stream that is idle.
    try {
      if (!this.#isOver) {
        const event = await this.#source.next();
        if (event.done) this.#over();
        else result = { done: false, value: await this.#answer(event.value) };
      }
    } catch (error) {
      if (!this.#isOver) {
        this.#over();
        this.#release();
        result = { done: false, value: this.#broken(error) };
      }
    }
    this.#waiting.delete(resolve);
    resolve(result);
  }

  return(): Promise<Result> {
    this.#stop();
    return Promise.resolve(done);
  }

  throw(): Promise<Result> {
    return this.return();
  }

  #stop(): void {
    if (this.#isOver) return;
    this.#over();
    this.#release();
    for (const answer of this.#waiting) answer(done);
    this.#waiting.clear();
  }

  #over(): void {
    this.#isOver = true;
    this.#onEnd();
    this.#signal?.removeEventListener('abort', this.#abort);
  }

  /** The source may be in the middle of an event; nobody waits for how its end goes. */
  #release(): void {
    this.#source.return?.().catch(() => undefined);
  }
}
