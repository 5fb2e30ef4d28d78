import { Worker } from 'node:worker_threads';
import { EngineFault, EngineRefusal } from './engine.ts';
import type { Answer, Finished, Order, Progress } from './worker.ts';

/** Room for what is soon forgotten. Left to itself it grows for a thousand photos, to 400 MB a thread instead of 270, and saves no time. */
const YOUNG_MB = 24;
/** Photos whose analysis a thread keeps: those of two jobs that alternate; 20 MB each. */
const PHOTOS_KEPT = 2;

/** Something for a thread to do. */
export type Task = {
  order: Order;
  signal: AbortSignal | undefined;
  onProgress(progress: Progress): void;
};

type Current = { task: Task; timeoutMs: number; deadline: NodeJS.Timeout | undefined; resolve(answer: Finished): void; reject(reason: unknown): void };

/** One thread of the pool, which does one task at a time. Stopping a task ends the thread: nothing else interrupts running wasm. */
export class Seat {
  /** The thread is gone or going; it takes no further task. */
  isOver = false;
  /** It finished something, so its models are in memory. */
  isLoaded = false;
  readonly #worker: Worker;
  #current: Current | null = null;
  #photoKeys: string[] = [];
  #selfieKey = '';

  constructor() {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { photosKept: PHOTOS_KEPT }, stdout: true, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    // The decoder of HEIC prints what is wrong with a file; the answer says so.
    this.#worker.stdout.resume();
    this.#worker.on('message', (answer: Answer) => this.#receive(answer));
    const onLost = (cause: unknown): void => {
      this.isOver = true;
      this.#current?.reject(new EngineFault('UNAVAILABLE', 'the thread that worked on the photo ended', { cause }));
    };
    this.#worker.once('error', onLost);
    this.#worker.once('exit', onLost);
  }

  get isIdle(): boolean {
    return this.#current === null && !this.isOver;
  }

  /** Is the analysis of this photo at hand here? */
  keeps({ order }: Task): boolean {
    if (order.kind === 'headshot') return this.#selfieKey === order.request.photoKey;
    return order.kind === 'generate' && this.#photoKeys.includes(order.request.photoKey);
  }

  /**
   * Rejects with the signal's reason, with EngineFault TIMEOUT or UNAVAILABLE, or with what the work itself threw.
   * The start of the thread does not count as time of the task.
   */
  async work(task: Task, timeoutMs: number): Promise<Finished> {
    const { promise, resolve, reject } = Promise.withResolvers<Finished>();
    const current: Current = { task, timeoutMs, deadline: undefined, resolve, reject };
    const onAbort = (): void => this.#stop(current, task.signal?.reason);
    task.signal?.addEventListener('abort', onAbort, { once: true });
    this.#current = current;
    // Only a thread at work keeps the process alive.
    this.#worker.ref();
    this.#worker.postMessage(task.order);
    try {
      return await promise;
    } finally {
      clearTimeout(current.deadline);
      task.signal?.removeEventListener('abort', onAbort);
      this.#current = null;
      this.#worker.unref();
    }
  }

  /** Resolves when the thread is gone; its task, if any, is rejected with UNAVAILABLE. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.#worker.terminate();
  }

  #stop({ reject }: Current, reason: unknown): void {
    this.isOver = true;
    reject(reason);
  }

  #receive(answer: Answer): void {
    if (!this.#current) return;
    const { task, timeoutMs, resolve, reject } = this.#current;
    if (answer.kind === 'progress') task.onProgress(answer.progress);
    else if (answer.kind === 'begun') this.#limit(this.#current, timeoutMs);
    else if (answer.kind === 'refused') reject(new EngineRefusal(answer.code, answer.message));
    else if (answer.kind === 'failed') reject(answer.error);
    else {
      this.isLoaded = true;
      if (task.order.kind === 'headshot') this.#selfieKey = task.order.request.photoKey;
      if (task.order.kind === 'generate') this.#remember(task.order.request.photoKey);
      resolve(answer);
    }
  }

  #limit(current: Current, timeoutMs: number): void {
    current.deadline = setTimeout(() => this.#stop(current, new EngineFault('TIMEOUT', `not finished within ${timeoutMs} ms`)), timeoutMs);
  }

  #remember(photoKey: string): void {
    this.#photoKeys = [photoKey, ...this.#photoKeys.filter((key) => key !== photoKey)].slice(0, PHOTOS_KEPT);
  }
}
