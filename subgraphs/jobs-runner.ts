import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { type Connection, isSaidByDatabase } from './database.ts';
import { type JobOutcome, type JobWatch, takeTrace } from './jobs-watch.ts';

/** Why a job's signal is aborted. `stopping`: the process ends, and another attempt that is not counted follows at once. */
export type InterruptionKind = 'canceled' | 'stopping' | 'deadline' | 'lost';

/** The reason of a job's aborted signal; its name is TimeoutError for the deadline, else AbortError. */
export class Interruption extends Error {
  readonly kind: InterruptionKind;

  constructor(kind: InterruptionKind) {
    super({ canceled: 'the job was canceled', stopping: 'the process stops', deadline: 'the job took too long', lost: 'another process took the job over' }[kind]);
    this.name = kind === 'deadline' ? 'TimeoutError' : 'AbortError';
    this.kind = kind;
  }
}

/** Why a job was interrupted. Null: it was not. */
export function interruptionOf(signal: AbortSignal): InterruptionKind | null {
  return signal.aborted && signal.reason instanceof Interruption ? signal.reason.kind : null;
}

/** What is no fault of the job and passes: no database, no room on the disk. Such an attempt does not count, and is followed by another. */
export const isOutage = (error: unknown): boolean => isSaidByDatabase(error) || (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT'));

export type JobRun<Data> = { id: string; data: Data; attempt: number; lastAttempt: boolean; signal: AbortSignal };
export type QueueOptions<Data> = {
  /** Jobs of this queue that one process runs at once. */
  concurrency: number;
  /** Attempts after the first one. */
  retryLimit: number;
  /** One attempt; then its signal is aborted, and the attempt counts as failed when it ends. */
  deadlineSeconds: number;
  /** Grows with every attempt, with some chance. */
  retryDelaySeconds?: number;
  /** Jobs of one tenant that one process runs at once; by default so many that others still find a place, at most 4. */
  tenantLimit?: number;
  /** Cron, UTC: at these times a job without data is enqueued, once whatever the number of processes. */
  schedule?: string;
  /** The name that the queue had before; what is not done there comes along. */
  formerly?: string;
  /** Called at least once for a job that failed for good, also when it could not say so itself because its process was killed. */
  exhausted?: (data: Data) => Promise<void>;
};
/** `run` null: not in this process. */
export type Definition = { queue: string; options: QueueOptions<object>; run: RunnableDefinition['run'] | null };
export type RunnableDefinition = { queue: string; options: QueueOptions<object>; run: (job: JobRun<object>) => Promise<void> };

const pollMs = 1000;
const heartbeatMs = 4000;
const stuckAfterMs = 30_000;
const outagePauseMs = 1000;

type Running = { job: JobWithMetadata; interrupt: (kind: InterruptionKind) => void; ended: Promise<void> };
export type RunnerParts = { boss: PgBoss; connection: Connection; definition: RunnableDefinition; onError: (error: unknown) => void; watch: JobWatch };

/** The jobs of one queue that this process runs. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #queue: string;
  readonly #running = new Map<string, Running>();
  readonly #timers: NodeJS.Timeout[] = [];
  #isStopping = false;
  #filling: Promise<void> | null = null;
  #isWoken = false;
  #lookedAtMs = Date.now();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#queue = parts.definition.queue;
  }

  start(): void {
    const beat = (): void => void this.#beat().catch(this.#parts.onError);
    this.#timers.push(setInterval(() => this.wake(), pollMs).unref(), setInterval(beat, heartbeatMs).unref());
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    if (this.#isStopping || this.#filling) return;
    this.#filling = this.#parts.connection.detached(() => this.#fill()).then(() => {
      this.#filling = null;
      // Woken after the last look.
      return this.#isWoken ? this.wake() : undefined;
    });
  }

  /** Throws when it could not look for jobs for half a minute. */
  check(): void {
    const sinceMs = Date.now() - this.#lookedAtMs;
    if (sinceMs > stuckAfterMs) throw new Error(`nobody looked at ${this.#queue} for ${Math.round(sinceMs / 1000)} s`);
  }

  cancel(id: string): void {
    this.#running.get(id)?.interrupt('canceled');
  }

  /** Interrupts what runs, waits for it, and hands back what does not end in time. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    this.#timers.forEach((timer) => clearInterval(timer));
    for (const { interrupt } of this.#running.values()) interrupt('stopping');
    const deadline = delay(timeoutMs);
    await Promise.race([this.#filling, deadline.promise]);
    await Promise.race([Promise.all([...this.#running.values()].map(({ ended }) => ended)), deadline.promise]);
    deadline.clear();
    for (const { job } of this.#running.values()) await this.#handBack(job);
  }

  /** Takes jobs until there are none or no place. Only one of it runs at a time, so that the limit of a tenant is exact. */
  async #fill(): Promise<void> {
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        while (this.#hasPlace()) {
          const [job] = await this.#parts.boss.fetch<object>(this.#queue, { includeMetadata: true, ignoreGroups: this.#fullTenants() });
          if (!job) break;
          this.#launch(job);
        }
      }
      this.#lookedAtMs = Date.now();
    } catch (error) {
      // The next poll is soon enough to try again.
      this.#isWoken = false;
      this.#parts.onError(error);
    }
  }

  #hasPlace(): boolean {
    return !this.#isStopping && this.#running.size < this.#parts.definition.options.concurrency;
  }

  #fullTenants(): string[] {
    const { concurrency, tenantLimit = Math.min(4, Math.max(1, concurrency - 1)) } = this.#parts.definition.options;
    const tenants = [...this.#running.values()].flatMap(({ job }) => job.groupId ?? []);
    return [...new Set(tenants)].filter((tenant) => tenants.filter((other) => other === tenant).length >= tenantLimit);
  }

  #launch(job: JobWithMetadata): void {
    const controller = new AbortController();
    const interrupt = (kind: InterruptionKind): void => {
      if (!controller.signal.aborted) controller.abort(new Interruption(kind));
    };
    const deadline = setTimeout(() => interrupt('deadline'), this.#parts.definition.options.deadlineSeconds * 1000);
    const { data, trace } = takeTrace(job.data);
    const ended = this.#parts.watch({ queue: this.#queue, id: job.id, attempt: job.retryCount + 1, trace }, () => this.#perform({ ...job, data }, controller.signal)).catch(this.#parts.onError).finally(() => {
      clearTimeout(deadline);
      this.#running.delete(job.id);
      this.wake();
    });
    this.#running.set(job.id, { job, interrupt, ended });
    // Taken in the very moment of stopping.
    if (this.#isStopping) interrupt('stopping');
  }

  async #perform(job: JobWithMetadata, signal: AbortSignal): Promise<JobOutcome> {
    const { boss, definition } = this.#parts;
    const attempt = { id: job.id, retryCount: job.retryCount };
    try {
      await definition.run({ id: job.id, data: job.data, attempt: job.retryCount + 1, lastAttempt: job.retryCount >= job.retryLimit, signal });
    } catch (error) {
      const kind = interruptionOf(signal);
      if (kind === 'stopping') await this.#handBack(job);
      else if (kind === null && isOutage(error)) await this.#handBackLater(job, error);
      else if (kind !== 'canceled' && kind !== 'lost') await boss.fail(this.#queue, attempt, describe(error));
      return kind ?? 'failed';
    }
    await boss.complete(this.#queue, attempt);
    return 'completed';
  }

  /** After a while, and then as often as it takes: while there is no database it cannot be said either. */
  async #handBackLater(job: JobWithMetadata, cause: unknown): Promise<void> {
    this.#parts.onError(cause);
    for (let isHanded = false; !isHanded && !this.#isStopping; ) {
      await delay(outagePauseMs).promise;
      isHanded = await this.#handBack(job).then(() => true, () => false);
    }
  }

  /** As if it had not been taken: the attempt does not count. */
  async #handBack({ id, retryCount }: JobWithMetadata): Promise<void> {
    const { connection } = this.#parts;
    await connection.execute(`update jobs.job set state = 'created', started_on = null, heartbeat_on = null, start_after = now()
      where name = $1 and id = $2 and state = 'active' and retry_count = $3`, [this.#queue, id, retryCount]);
    await connection.notify('jobs', `wake ${this.#queue}`);
  }

  /** Who holds a job says so; who finds out that it does not hold it any more, stops. */
  async #beat(): Promise<void> {
    if (this.#running.size === 0) return;
    const jobs = [...this.#running.values()].map(({ job: { id, retryCount } }) => ({ id, retryCount }));
    await this.#parts.boss.touch(this.#queue, jobs);
    const rows = await this.#parts.connection.execute('select id, state::text, retry_count from jobs.job where name = $1 and id = any($2::uuid[])', [this.#queue, jobs.map(({ id }) => id)]);
    for (const { id, retryCount } of jobs) {
      const row = rows.find((candidate) => candidate['id'] === id);
      if (row?.['state'] === 'cancelled') this.#running.get(id)?.interrupt('canceled');
      else if (row?.['state'] !== 'active' || row['retry_count'] !== retryCount) this.#running.get(id)?.interrupt('lost');
    }
  }
}

function delay(milliseconds: number): { promise: Promise<void>; clear(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  return { promise, clear: () => clearTimeout(timer) };
}

/** What is kept of an error in the list of failed jobs. */
function describe(error: unknown): object {
  return error instanceof Error ? { name: error.name, message: error.message, stack: error.stack } : { message: String(error) };
}
