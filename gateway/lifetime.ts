import type { ExecutionResult } from 'graphql';
import { Failure } from '../schema/failures.ts';
import { refuse } from './errors.ts';

/** How long one operation may go on. */
export class Lifetime {
  /** Whether its answer is already given and nobody waits for the work. */
  isOver = false;
  readonly startedAt: number;
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #giveUp: (code: string, message: string) => void;
  #controller: AbortController | null = null;
  #end: Failure | null = null;

  constructor(startedAt: number, timeoutMs: number, outer: AbortSignal | undefined, giveUp: (code: string, message: string) => void) {
    this.startedAt = startedAt;
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#giveUp = giveUp;
  }

  /** Aborts when the work is to stop, with the Failure that says why. Made when it is first asked for: most work never looks at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#end || this.isOver) this.#controller.abort(this.#end ?? canceled());
    return this.#controller.signal;
  }

  /** Milliseconds until it is told to stop, at least 1. */
  get leftMs(): number {
    return Math.max(1, Math.floor(this.startedAt + this.#timeoutMs - performance.now()));
  }

  /** The caller has gone: the work is to stop, and nobody waits for it. */
  readonly cancel = (): void => {
    if (this.isOver) return;
    this.#stop(canceled());
    this.close();
    this.#giveUp('CANCELED', canceled().message);
  };

  /**
   * The work is to stop, and has `graceMs` to say how far it came: what was done is not to be called undone. Work that does not look at the
   * signal gets no grace.
   */
  expire(message: string, graceMs: number): void {
    if (this.isOver || this.#end) return;
    this.#stop(new Failure('UNAVAILABLE', message));
    const giveUp = (): void => {
      if (this.isOver) return;
      this.close();
      this.#giveUp('TIMEOUT', message);
    };
    if (this.#controller) setTimeout(giveUp, graceMs);
    else giveUp();
  }

  close(): void {
    this.isOver = true;
    this.#outer?.removeEventListener('abort', this.cancel);
  }

  #stop(end: Failure): void {
    this.#end ??= end;
    this.#controller?.abort(this.#end);
  }
}

const canceled = (): Failure => new Failure('UNAVAILABLE', 'The operation was canceled.');

/** Work that was told to stop ends within milliseconds, but for a commit that is under way. */
const longestGraceMs = 3_000;
/** Between two looks at the oldest operation, as a part of its time: a limit of 30 s is kept to the second. */
const looks = 30;

/** Answers operations in time, with or without their work: at the deadline, or when the caller goes away, the work is told to stop. */
export class Lifetimes {
  readonly #timeoutMs: number;
  /** In the order of their deadlines, for all have the same time. One timer looks at the oldest: a timer for each would cost more than a small operation. */
  readonly #running = new Set<Lifetime>();
  #timer: NodeJS.Timeout | null = null;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** `instead` makes the answer of what is given up. */
  run<Answer>(outer: AbortSignal | undefined, work: (lifetime: Lifetime) => Promise<Answer>, instead: (result: ExecutionResult) => Answer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const lifetime = new Lifetime(performance.now(), this.#timeoutMs, outer, (code, message) => {
        this.#running.delete(lifetime);
        resolve(instead({ errors: [refuse(code, message)], data: null }));
      });
      if (outer?.aborted) {
        lifetime.cancel();
        return;
      }
      outer?.addEventListener('abort', lifetime.cancel);
      this.#running.add(lifetime);
      this.#look();
      const settle = (): void => {
        this.#running.delete(lifetime);
        lifetime.close();
      };
      work(lifetime).finally(settle).then(resolve, reject);
    });
  }

  #look(): void {
    if (this.#timer === null && this.#running.size > 0) this.#timer = setTimeout(this.#sweep, this.#timeoutMs / looks).unref();
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    const bound = performance.now() - this.#timeoutMs;
    for (const lifetime of this.#running) {
      if (lifetime.startedAt > bound) break;
      // It is out of the line; whether it answers by itself or is given up, it answers once.
      this.#running.delete(lifetime);
      lifetime.expire(`The operation took longer than ${this.#timeoutMs / 1_000} s.`, Math.min(longestGraceMs, this.#timeoutMs));
    }
    this.#look();
  };
}
