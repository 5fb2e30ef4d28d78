import { type Generated, sql } from 'kysely';
import { Failure } from '../schema/failures.ts';
import type { Connection } from './database.ts';
import type { Caller } from './subgraph.ts';

/** How often something may be done. A window begins with a full hour, day or month of UTC. */
export type Quota = { name: string; limit: number; window: QuotaWindow };
export type QuotaWindow = 'HOUR' | 'DAY' | 'MONTH';
/** Detections of skin shades of each key, as documented. */
export const skinShadeQuota = { name: 'skin-shades', limit: 100, window: 'MONTH' } as const satisfies Quota;
export type QuotaState = Quota & { remaining: number; resetsAt: Date };

/** Counters that hold across all processes. What is limited is named by a `subject`, which should not tell who it is about. */
export type Quotas = {
  /** Counts one more, in the running transaction. @throws Failure RATE_LIMITED with `retryAfterSeconds`, and then nothing is counted. */
  take(quota: Quota, subject: string, message: string, now?: Date): Promise<void>;
  /** The same without words. How many there are then; null, and nothing is counted: there were as many already. */
  count(quota: Quota, subject: string, now?: Date): Promise<number | null>;
  /** How many were counted. */
  used(quota: Quota, subject: string, now?: Date): Promise<number>;
  /** Lets `statesOf` tell of a quota. `subjectOf`: what is counted of a caller; null: the quota does not hold for this one. */
  tell(quota: Quota, subjectOf: (caller: Caller) => Promise<string | null>): void;
  /** Of all quotas that hold for the caller. */
  statesOf(caller: Caller, now?: Date): Promise<QuotaState[]>;
  /** Forgets windows that are over. */
  trim(now?: Date): Promise<void>;
};

type QuotaTables = { quota: { name: string; subject: string; ends_at: Date; used: Generated<number> } };

export function createQuotas(connection: Connection): Quotas {
  const store = connection.store<QuotaTables>('enterprise');
  const told: { quota: Quota; subjectOf: (caller: Caller) => Promise<string | null> }[] = [];
  const used = async ({ name, window }: Quota, subject: string, now = new Date()): Promise<number> =>
    (await store().selectFrom('quota').select('used').where('name', '=', name).where('subject', '=', subject).where('ends_at', '=', windowEnd(window, now)).executeTakeFirst())?.used ?? 0;
  const count = async ({ name, limit, window }: Quota, subject: string, now = new Date()): Promise<number | null> => {
    // Of two at once one waits for the other's commit and then sees what is left.
    const { rows: [row] } = await sql<{ used: number }>`insert into enterprise.quota as counted (name, subject, ends_at, used) values (${name}, ${subject}, ${windowEnd(window, now)}, 1)
      on conflict (name, subject, ends_at) do update set used = counted.used + 1 where counted.used < ${limit} returning used`.execute(store());
    return row?.used ?? null;
  };
  const stateOf = async (quota: Quota, subject: string, now: Date): Promise<QuotaState> => ({ ...quota, remaining: Math.max(0, quota.limit - (await used(quota, subject, now))), resetsAt: windowEnd(quota.window, now) });
  return {
    count, used,
    async take(quota, subject, message, now = new Date()) {
      if ((await count(quota, subject, now)) !== null) return;
      const retryAfterSeconds = Math.max(1, Math.ceil((windowEnd(quota.window, now).getTime() - now.getTime()) / 1000));
      throw new Failure('RATE_LIMITED', `${message} Please try again in ${Math.ceil(retryAfterSeconds / 60)} minutes.`, { retryAfterSeconds });
    },
    tell: (quota, subjectOf) => void told.push({ quota, subjectOf }),
    async statesOf(caller, now = new Date()) {
      const states = await Promise.all(told.map(async ({ quota, subjectOf }) => {
        const subject = await subjectOf(caller);
        return subject === null ? null : stateOf(quota, subject, now);
      }));
      return states.filter((state) => state !== null);
    },
    async trim(now = new Date()) {
      await store().deleteFrom('quota').where('ends_at', '<=', now).execute();
    },
  };
}

function windowEnd(window: QuotaWindow, now: Date): Date {
  const month = [now.getUTCFullYear(), now.getUTCMonth()] as const;
  if (window === 'MONTH') return new Date(Date.UTC(month[0], month[1] + 1));
  if (window === 'DAY') return new Date(Date.UTC(...month, now.getUTCDate() + 1));
  return new Date(Date.UTC(...month, now.getUTCDate(), now.getUTCHours() + 1));
}
