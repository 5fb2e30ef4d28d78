import { EngineFault } from './engine.ts';
import { Seat } from './seat.ts';
import type { Task } from './seat.ts';
import type { Finished } from './worker.ts';

export type PoolOptions = {
  /** Threads at most; each is started when there is work for it. */
  size: number;
  /** Longest time a thread may work on one task; waiting does not count. */
  timeoutMs: number;
};

type Waiting = { task: Task; overtaken: number; start(seat: Seat): void; refuse(reason: unknown): void };

const isQuick = ({ task }: Waiting): boolean => task.order.kind !== 'generate' && task.order.kind !== 'headshot';

/** How often later pictures may go first because a thread has their photo at hand. */
const PATIENCE = 4;

/** Threads that look at photos and draw. Idle ones do not keep the process alive. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #seats = new Set<Seat>();
  readonly #waiting: Waiting[] = [];
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Has a thread finished anything, so that its models are in memory? */
  get isLoaded(): boolean {
    return [...this.#seats].some((seat) => seat.isLoaded && !seat.isOver);
  }

  /** What looks goes before what draws. Rejects with the signal's reason, with EngineRefusal or with EngineFault. */
  async run(task: Task): Promise<Finished> {
    task.signal?.throwIfAborted();
    if (this.#isClosed) throw new EngineFault('UNAVAILABLE', 'the engine is closed');
    const { promise, resolve, reject } = Promise.withResolvers<Finished>();
    const onAbort = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      reject(task.signal?.reason);
    };
    const start = (seat: Seat): void => {
      task.signal?.removeEventListener('abort', onAbort);
      resolve(this.#work(seat, task));
    };
    const waiting: Waiting = { task, overtaken: 0, start, refuse: reject };
    task.signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.push(waiting);
    this.#assign();
    return promise;
  }

  /** Ends all threads; what runs or waits is rejected with UNAVAILABLE. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { refuse } of this.#waiting.splice(0)) refuse(new EngineFault('UNAVAILABLE', 'the engine is closing'));
    for (const seat of this.#seats) this.#dismiss(seat);
    await Promise.all(this.#ending);
  }

  async #work(seat: Seat, task: Task): Promise<Finished> {
    try {
      return await seat.work(task, this.#options.timeoutMs);
    } finally {
      if (seat.isOver) this.#dismiss(seat);
      this.#assign();
    }
  }

  #dismiss(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    const ending = seat.end().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Gives waiting tasks to free threads until one or the other runs out. */
  #assign(): void {
    while (this.#waiting.length > 0) {
      const seat = this.#freeSeat(this.#firstInLine());
      if (!seat) return;
      const chosen = this.#chooseFor(seat);
      this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
      chosen.start(seat);
    }
  }

  /** A thread that keeps the photo, else one that runs already, else a new one; null when all are at work. */
  #freeSeat({ task }: Waiting): Seat | null {
    for (const seat of this.#seats) if (seat.isOver) this.#dismiss(seat);
    const idle = [...this.#seats].filter((seat) => seat.isIdle);
    const present = idle.find((seat) => seat.keeps(task)) ?? idle[0];
    if (present) return present;
    if (this.#isClosed || this.#seats.size >= this.#options.size) return null;
    const seat = new Seat();
    this.#seats.add(seat);
    return seat;
  }

  #firstInLine(): Waiting {
    const first = this.#waiting.find(isQuick) ?? this.#waiting[0];
    if (!first) throw new Error('nothing waits');
    return first;
  }

  /** The first in line, unless the thread keeps the photo of a later one and the first has patience left. */
  #chooseFor(seat: Seat): Waiting {
    const first = this.#firstInLine();
    if (isQuick(first) || first.overtaken >= PATIENCE || seat.keeps(first.task)) return first;
    const suited = this.#waiting.find(({ task }) => seat.keeps(task));
    if (!suited) return first;
    first.overtaken += 1;
    return suited;
  }
}
