import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { PgBoss } from 'pg-boss';
import { type Connection, racing } from './database.ts';
import { type JobWatch, unwatched, withTrace } from './jobs-watch.ts';
import { type Definition, Interruption, type InterruptionKind, interruptionOf, isOutage, type JobRun, type QueueOptions, Runner } from './jobs-runner.ts';
import { isRunHere, prepareQueues, takeOver, withExhausted } from './jobs-queues.ts';
import { currentTrace } from './traces.ts';

export { Interruption, interruptionOf, isOutage };
export type { InterruptionKind, JobRun, QueueOptions };

export type JobsOptions = { onError: (error: unknown) => void; /** Looks on while jobs run. */ watch?: JobWatch };

/** A job that failed for good. `reason` is what its last attempt threw. */
export type FailedJob = { id: string; data: unknown; attempts: number; reason: unknown; failedAt: Date };

export type StartOptions = {
  work: boolean;
  /** Whose queues, by the part of their names before the dot, must all be defined here; those of others may have no definition. Null: all. */
  owners?: readonly string[] | null;
};

/** Work that has a store of its own beside the queues. */
export type Companion = { start(): Promise<void>; rest(): Promise<void>; forget(subjectIds: readonly string[]): Promise<void> };
export type EnqueueOptions = { jobKey?: string; tenant?: string; startAfter?: Date };

/**
 * Durable jobs. A job becomes visible with the commit of the transaction it was enqueued in. It runs at least once: whatever it does must
 * be safe to be done twice. Of one tenant's jobs each comes behind all that other tenants have waited with as long a line.
 */
export type Jobs = {
  /** Before `start()`. Null: other processes run these jobs, and what is enqueued here waits for them; may be said again, with what to run. */
  define<Data extends object>(queue: string, options: QueueOptions<Data>, run: ((job: JobRun<Data>) => Promise<void>) | null): void;
  /** In the running transaction. A second one with the same `jobKey` changes nothing, also after the job's end. */
  enqueue(queue: string, data: object, options?: EnqueueOptions): Promise<void>;
  /** Removes the job when it waits, and aborts its signal in whichever process runs it. In the running transaction. */
  cancel(queue: string, jobKey: string): Promise<void>;
  /** Removes what is kept of jobs, and of the work beside them, about these subjects (`generationId` or `subjectId` of their data), but for those that run. In the running transaction. */
  forget(subjectIds: readonly string[]): Promise<void>;
  /** The last 100. */
  failed(queue: string): Promise<FailedJob[]>;
  /** Gives a failed job one more attempt. */
  retry(queue: string, id: string): Promise<void>;
  /** `work: false` only enqueues. @throws Error when a queue that exists has no definition. */
  start(options: StartOptions): Promise<void>;
  /** Lets other work begin and rest wherever, and as long as, jobs run. Before `start()`. */
  accompany(work: Companion): void;
  /** Rejects when jobs cannot be enqueued, or are not looked for where they should run. */
  check(): Promise<void>;
  /** Begins nothing more here, interrupts what runs, waits for it until the deadline, and hands back what did not end. Jobs may still be enqueued. */
  rest(options?: { timeoutMs?: number }): Promise<void>;
  /** Rests, if it does not already, and closes. */
  stop(options?: { timeoutMs?: number }): Promise<void>;
};

const schema = 'jobs';
const channel = 'jobs';

export function createJobs(connection: Connection, options: JobsOptions): Jobs {
  return new JobQueues(connection, options);
}

class JobQueues implements Jobs {
  readonly #connection: Connection;
  readonly #onError: (error: unknown) => void;
  readonly #watch: JobWatch;
  /** Nobody else can work on this database. */
  readonly #isAlone: boolean;
  readonly #boss: PgBoss;
  readonly #definitions = new Map<string, Definition>();
  readonly #runners = new Map<string, Runner>();
  readonly #companions: Companion[] = [];
  #resting: Promise<void> | null = null;
  #isWorking = false;
  #stopListening = async (): Promise<void> => {};

  constructor(connection: Connection, { onError, watch = unwatched }: JobsOptions) {
    this.#connection = connection;
    this.#onError = onError;
    this.#watch = watch;
    this.#isAlone = connection.kind === 'pglite';
    this.#boss = createBoss(connection, this.#isAlone);
    this.#boss.on('error', onError);
  }

  define<Data extends object>(queue: string, options: QueueOptions<Data>, run: ((job: JobRun<Data>) => Promise<void>) | null): void {
    assert(!this.#definitions.get(queue)?.run, `queue ${queue} is defined twice`);
    // The data of a job is what was enqueued with it, as JSON; that both are of one type is for the definer to see to.
    this.#definitions.set(queue, { queue, options, run } as unknown as Definition);
  }

  async enqueue(queue: string, data: object, { jobKey, tenant, startAfter }: EnqueueOptions = {}): Promise<void> {
    assert(this.#definitions.has(queue), `queue ${queue} is not defined`);
    const id = jobKey === undefined ? null : idOf(queue, jobKey);
    if (id !== null && (await this.#connection.execute(`select 1 from ${schema}.job where name = $1 and id = $2`, [queue, id])).length > 0) return;
    const waiting = tenant === undefined ? 0 : await countOf(this.#connection, queue, tenant);
    await this.#boss.send(queue, withTrace(data, currentTrace()), {
      priority: -Math.min(waiting, 1000),
      ...(id === null ? {} : { id }), ...(tenant === undefined ? {} : { group: { id: tenant } }), ...(startAfter ? { startAfter } : {}),
    });
    await this.#signal(`wake ${queue}`);
  }

  async cancel(queue: string, jobKey: string): Promise<void> {
    const id = idOf(queue, jobKey);
    await this.#boss.cancel(queue, id);
    await this.#signal(`cancel ${queue} ${id}`);
  }

  async forget(subjectIds: readonly string[]): Promise<void> {
    for (const companion of this.#companions) await companion.forget(subjectIds);
    await this.#connection.execute(`delete from ${schema}.job where state <> 'active' and coalesce(data->>'generationId', data->>'subjectId') in (select jsonb_array_elements_text($1::jsonb))`, [JSON.stringify(subjectIds)]);
  }

  async failed(queue: string): Promise<FailedJob[]> {
    const rows = await this.#connection.execute(`select id, data, retry_count + 1 as attempts, output as reason, completed_on as "failedAt"
      from ${schema}.job where name = $1 and state = 'failed' order by completed_on desc limit 100`, [queue]);
    return rows as FailedJob[];
  }

  async retry(queue: string, id: string): Promise<void> {
    await this.#boss.retry(queue, id);
    await this.#signal(`wake ${queue}`);
  }

  start({ work, owners = null }: StartOptions): Promise<void> {
    return this.#connection.detached(async () => {
      await racing(() => this.#boss.start());
      const isDefinedHere = (queue: string): boolean => owners === null || owners.includes(queue.split('.', 1)[0] ?? '');
      const [boss, connection, definitions] = [this.#boss, this.#connection, [...this.#definitions.values()]];
      await racing(() => prepareQueues({ boss, connection, definitions, heartbeatSeconds: this.#isAlone ? 60 : 10, isDefinedHere }));
      if (work) await this.#startWorking();
    });
  }

  async #startWorking(): Promise<void> {
    const parts = { boss: this.#boss, connection: this.#connection, onError: this.#onError, watch: this.#watch };
    const { boss, connection } = parts;
    const definitions = [...this.#definitions.values()].flatMap(withExhausted).filter(isRunHere);
    if (this.#isAlone) await takeOver(connection, boss, definitions.map(({ queue }) => queue));
    for (const definition of definitions) this.#runners.set(definition.queue, new Runner({ ...parts, definition }));
    this.#stopListening = await connection.listen(channel, (payload) => this.#hear(payload), () => this.#runners.forEach((runner) => runner.wake()));
    for (const runner of this.#runners.values()) runner.start();
    this.#isWorking = true;
    for (const companion of this.#companions) await companion.start();
  }

  accompany = (work: Companion): void => void this.#companions.push(work);

  async check(): Promise<void> {
    const queues = [...this.#definitions.keys()];
    const [row] = await this.#connection.execute(`select count(*)::int as n from ${schema}.queue where name = any($1::text[])`, [queues]);
    if (row?.['n'] !== queues.length) throw new Error('a queue is missing');
    await this.#connection.execute(`select 1 from ${schema}.job limit 1`);
    for (const runner of this.#runners.values()) runner.check();
  }

  rest({ timeoutMs = 5_000 }: { timeoutMs?: number } = {}): Promise<void> {
    return this.#resting ??= (async () => {
      await this.#stopListening();
      const others = this.#isWorking ? this.#companions.map((companion) => companion.rest()) : [];
      await Promise.all([...others, ...[...this.#runners.values()].map((runner) => runner.stop(timeoutMs))]);
      this.#runners.clear();
    })();
  }

  async stop(options?: { timeoutMs?: number }): Promise<void> {
    await this.rest(options);
    await this.#boss.stop({ graceful: false });
  }

  /** After the commit: here at once, and in other processes, if there can be any, by a notification. */
  async #signal(payload: string): Promise<void> {
    this.#connection.afterCommit(() => this.#hear(payload));
    if (!this.#isAlone) await this.#connection.notify(channel, payload);
  }

  #hear(payload: string): void {
    const [verb, queue = '', id = ''] = payload.split(' ');
    if (verb === 'wake') this.#runners.get(queue)?.wake();
    else this.#runners.get(queue)?.cancel(id);
  }
}

function createBoss(connection: Connection, isAlone: boolean): PgBoss {
  // Where nobody else can die, nobody's jobs have to be looked after every two seconds.
  const seconds = isAlone ? 60 : 2;
  return new PgBoss({
    db: { executeSql: async (text, values) => ({ rows: await connection.execute(text, values) }) },
    schema,
    backend: isAlone ? 'pglite' : 'postgres',
    superviseIntervalSeconds: seconds,
    monitorIntervalSeconds: seconds,
    reindex: false,
    monitorVacuum: false,
  });
}

async function countOf(connection: Connection, queue: string, tenant: string): Promise<number> {
  const [row] = await connection.execute(`select count(*)::int as n from ${schema}.job where name = $1 and group_id = $2 and state < 'completed'`, [queue, tenant]);
  return Number(row?.['n'] ?? 0);
}

/** The same key is always the same job: what a second enqueue and a cancel go by. */
function idOf(queue: string, jobKey: string): string {
  const hex = createHash('sha256').update(`${queue} ${jobKey}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
