import type { EventReader, Snapshot, StoredEvent } from './events.ts';

const batchSize = 256;
/** A subscriber that takes nothing keeps this many events at most; it reads the others again when it comes to them. */
const mostBuffered = 1024;

export type SubscriberOptions<Body> = {
  stream: string;
  afterSeq?: number | undefined;
  snapshot: () => Promise<Snapshot<Body>>;
  reader: EventReader<Body>;
  /** Resolves when the process hears of new events. */
  ready: Promise<unknown>;
  onEnd: (subscriber: Subscriber<Body>) => void;
};

type Result<Body> = IteratorResult<StoredEvent<Body>, undefined>;

/**
 * One subscription as a plain iterator. It takes what is offered as long as that follows without a gap; otherwise it is behind, and reads
 * for itself when it has given out what it has.
 */
export class Subscriber<Body> implements AsyncIterableIterator<StoredEvent<Body>, undefined> {
  readonly #options: SubscriberOptions<Body>;
  readonly #started: Promise<void>;
  readonly #buffer: StoredEvent<Body>[] = [];
  #position = -1;
  #isBehind = true;
  #isEnded = false;
  #last: Promise<unknown> = Promise.resolve();
  #wake = (): void => {};
  #abandon = (): void => {};

  constructor(options: SubscriberOptions<Body>) {
    this.#options = options;
    // Begun now, so that the snapshot is of the moment of subscribing; a failure is for the first next().
    this.#started = this.#start();
    this.#started.catch(() => {});
  }

  /** Number of the last event it has or has given out; -1 while it does not know where it stands. */
  get position(): number {
    return this.#position;
  }

  /** Events that were read for all subscribers of the stream, in order. */
  offer(events: readonly StoredEvent<Body>[]): void {
    // Before it knows where it stands it will read anyway.
    if (!this.#isEnded && this.#position >= 0) this.#take(events);
  }

  next(): Promise<Result<Body>> {
    const next = this.#last.then(() => this.#next(), () => this.#next());
    this.#last = next;
    return next;
  }

  async return(): Promise<Result<Body>> {
    this.#stop();
    return { value: undefined, done: true };
  }

  async throw(error: unknown): Promise<Result<Body>> {
    this.#stop();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #start(): Promise<void> {
    const { stream, afterSeq, reader, ready } = this.#options;
    await ready;
    if (afterSeq === undefined) return this.#present(false);
    const { lastSeq, trimmedSeq, terminal } = await reader.state(stream);
    if (afterSeq < trimmedSeq) return this.#present(true);
    if (terminal && afterSeq >= lastSeq) this.#end();
    this.#position = afterSeq;
  }

  async #present(gap: boolean): Promise<void> {
    const { seq, body, terminal } = await this.#options.snapshot();
    this.#buffer.push({ stream: this.#options.stream, seq, at: new Date(), kind: 'SNAPSHOT', body, terminal, gap });
    this.#position = seq;
  }

  async #catchUp(): Promise<void> {
    this.#isBehind = false;
    const events = await this.#options.reader.after(this.#options.stream, this.#position, batchSize);
    const [first] = events;
    // It was so slow that what comes next is no longer kept.
    if (first && first.seq > this.#position + 1) {
      this.#isBehind = true;
      return this.#present(true);
    }
    if (events.length === batchSize) this.#isBehind = true;
    this.#take(events);
  }

  #take(events: readonly StoredEvent<Body>[]): void {
    for (const event of events) {
      if (event.seq <= this.#position) continue;
      if (event.seq !== this.#position + 1 || this.#buffer.length >= mostBuffered) {
        this.#isBehind = true;
        break;
      }
      this.#position = event.seq;
      this.#buffer.push(event);
    }
    this.#wake();
  }

  #next(): Promise<Result<Body>> {
    return new Promise((resolve, reject) => {
      this.#abandon = () => resolve({ value: undefined, done: true });
      this.#step().then(resolve, (error: unknown) => {
        reject(error);
        this.#stop();
      });
    });
  }

  async #step(): Promise<Result<Body>> {
    // Once it ended, also by a failure to start, it stays ended.
    if (!this.#isEnded) await this.#started;
    for (;;) {
      const event = this.#buffer.shift();
      if (event) {
        if (event.terminal) this.#end();
        return { value: event, done: false };
      }
      if (this.#isEnded) return { value: undefined, done: true };
      if (this.#isBehind) await this.#catchUp();
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnd(this);
  }

  /** Ends at once, whatever a `next()` waits for. */
  #stop(): void {
    this.#end();
    this.#buffer.length = 0;
    this.#abandon();
    this.#wake();
  }
}
