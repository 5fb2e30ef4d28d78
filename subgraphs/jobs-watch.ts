import type { Connection } from './database.ts';
import type { Logger } from './log.ts';
import { type Metrics, secondsSince } from './metrics.ts';
import { beginTrace, readTrace, spanned, type Trace, traceIdOf, type Tracer, withinTrace } from './traces.ts';

/** How an attempt ended. `stopping`: handed back, for the process ends; `lost`: another process took the job over. */
export type JobOutcome = 'completed' | 'failed' | 'canceled' | 'stopping' | 'deadline' | 'lost';

/** Who looks on while jobs run. */
export type JobWatch = (job: { queue: string; id: string; attempt: number; trace: Trace | null }, work: () => Promise<JobOutcome>) => Promise<void>;

/** Nobody; what runs is a part of the trace that enqueued it all the same. */
export const unwatched: JobWatch = async ({ trace }, work) => void (await (trace ? withinTrace(trace, work) : work()));

/** Counts and measures every attempt, logs a line for each, and makes it a span of the trace that enqueued it. */
export function watchJobs({ metrics, tracer, log }: { metrics: Metrics; tracer: Tracer | null; log: Logger }): JobWatch {
  return async ({ queue, id, attempt, trace }, work) => {
    const startedAt = performance.now();
    // What nobody asked for, as by the clock, begins a trace of its own.
    const parent = trace ?? (tracer ? null : beginTrace(id));
    metrics.jobsRunning.inc({ queue });
    try {
      await spanned(tracer, `job ${queue}`, { kind: 'consumer', parent, attributes: { 'messaging.destination.name': queue, 'lookgraph.job.attempt': attempt } }, async (own) => {
        const outcome = await work();
        metrics.jobs.observe({ queue, outcome }, secondsSince(startedAt));
        log.info({ queue, job: id, attempt, outcome, durationMs: Math.round(performance.now() - startedAt), ...own && { traceId: traceIdOf(own) } }, 'job');
      });
    } finally {
      metrics.jobsRunning.dec({ queue });
    }
  };
}

/** A job's data with the trace that it belongs to. */
export const withTrace = (data: object, trace: Trace | null): object => (trace === null ? data : { ...data, traceparent: trace });

/** What `withTrace` put together. */
export function takeTrace(data: object): { data: object; trace: Trace | null } {
  if (!('traceparent' in data)) return { data, trace: null };
  const { traceparent, ...rest } = data;
  return { data: rest, trace: readTrace(traceparent) };
}

const statement = `select name, case when state in ('created', 'retry') and start_after > now() then 'delayed' when state in ('created', 'retry') then 'ready' else state::text end as state,
  count(*)::int as jobs, extract(epoch from now() - min(start_after))::float8 as age from jobs.job where state in ('created', 'retry', 'active', 'failed') and name not like '\\_\\_pgboss%' group by 1, 2`;

/** Asks the database how long the queues are. What it does not tell in time is left out, not wrong. */
export async function measureQueues(connection: Connection, metrics: Metrics, timeoutMs = 2_000): Promise<void> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), timeoutMs);
  const rows = await Promise.race([connection.execute(statement).catch(() => null), late.promise]).finally(() => clearTimeout(timer));
  metrics.queueJobs.reset();
  metrics.queueAge.reset();
  metrics.databaseUp.set(rows === null ? 0 : 1);
  for (const { name, state, jobs, age } of rows ?? []) {
    const queue = String(name);
    metrics.queueJobs.set({ queue, state: String(state) }, Number(jobs));
    if (state === 'ready') metrics.queueAge.set({ queue }, Math.max(0, Number(age)));
  }
}
