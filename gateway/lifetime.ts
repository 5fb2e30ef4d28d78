import type { ExecutionResult } from 'graphql';
import { refuse } from './errors.ts';

/** How long one operation may go on. */
export class Lifetime {
  /** Whether its answer is already given and nobody waits for the work. */
  isOver = false;
  readonly startedAt: number;
  readonly #outer: AbortSignal | undefined;
  readonly #stop: (code: string, message: string) => void;
  #controller: AbortController | null = null;

  constructor(startedAt: number, outer: AbortSignal | undefined, stop: (code: string, message: string) => void) {
    this.startedAt = startedAt;
    this.#outer = outer;
    this.#stop = stop;
  }

  /** Aborts when the operation is over before its work is done. Made when it is first asked for: most work never looks at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  readonly cancel = (): void => this.end('CANCELED', 'The operation was canceled.');

  end(code: string, message: string): void {
    if (this.isOver) return;
    this.close();
    this.#stop(code, message);
    this.#controller?.abort();
  }

  close(): void {
    this.isOver = true;
    this.#outer?.removeEventListener('abort', this.cancel);
  }
}

/** Answers operations in time, with or without their work: at the deadline, or when the caller goes away, the work is let go. */
export class Lifetimes {
  readonly #timeoutMs: number;
  /** In the order of their deadlines, for all have the same time. One timer looks at the oldest: a timer for each would cost more than a small operation. */
  readonly #running = new Set<Lifetime>();
  #timer: NodeJS.Timeout | null = null;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  run(outer: AbortSignal | undefined, work: (lifetime: Lifetime) => Promise<ExecutionResult>): Promise<ExecutionResult> {
    return new Promise((resolve, reject) => {
      const lifetime = new Lifetime(performance.now(), outer, (code, message) => {
        this.#running.delete(lifetime);
        resolve({ errors: [refuse(code, message)], data: null });
      });
      if (outer?.aborted) {
        lifetime.cancel();
        return;
      }
      outer?.addEventListener('abort', lifetime.cancel);
      this.#running.add(lifetime);
      if (this.#timer === null) this.#timer = setTimeout(this.#sweep, this.#timeoutMs / 4).unref();
      const settle = (): void => {
        this.#running.delete(lifetime);
        lifetime.close();
      };
      work(lifetime).finally(settle).then(resolve, reject);
    });
  }

  readonly #sweep = (): void => {
    this.#timer = null;
    const bound = performance.now() - this.#timeoutMs;
    for (const lifetime of this.#running) {
      if (lifetime.startedAt > bound) break;
      lifetime.end('TIMEOUT', `The operation took longer than ${this.#timeoutMs / 1_000} s.`);
    }
    if (this.#running.size > 0) this.#timer = setTimeout(this.#sweep, this.#timeoutMs / 4).unref();
  };
}
