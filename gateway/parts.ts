import type { ExecutionResult } from 'graphql';

const over: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Answers that are handed over as they are made, in order, to one reader. */
export class Parts implements AsyncIterableIterator<ExecutionResult, undefined> {
  readonly #made: ExecutionResult[] = [];
  readonly #waiting: ((result: IteratorResult<ExecutionResult, undefined>) => void)[] = [];
  readonly #onReturn: () => void;
  #isOver = false;

  /** `onReturn`: the reader wants no more. */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  push(part: ExecutionResult): void {
    const next = this.#waiting.shift();
    if (next) next({ done: false, value: part });
    else this.#made.push(part);
  }

  end(): void {
    this.#isOver = true;
    for (const next of this.#waiting.splice(0)) next(over);
  }

  next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const part = this.#made.shift();
    if (part) return Promise.resolve({ done: false, value: part });
    return this.#isOver ? Promise.resolve(over) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#isOver) this.#onReturn();
    this.#made.length = 0;
    this.end();
    return Promise.resolve(over);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
