/** A source that the test feeds, as a plain iterator. */
export class Feed {
  readonly #queue: unknown[] = [];
  readonly #waiting: ((result: IteratorResult<unknown>) => void)[] = [];
  isOpen = true;
  readonly closed = Promise.withResolvers<void>();

  push(value: unknown): void {
    const next = this.#waiting.shift();
    if (next) next({ done: false, value });
    else this.#queue.push(value);
  }

  end(): void {
    this.isOpen = false;
    for (const next of this.#waiting.splice(0)) next({ done: true, value: undefined });
    this.closed.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<unknown> {
    return {
      next: () => {
        if (this.#queue.length > 0) return Promise.resolve({ done: false as const, value: this.#queue.shift() });
        if (!this.isOpen) return Promise.resolve({ done: true as const, value: undefined });
        return new Promise((resolve) => this.#waiting.push(resolve));
      },
      return: () => {
        this.end();
        return Promise.resolve({ done: true as const, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
