import type { Connection } from './database.ts';
import type { KeyId } from './ids.ts';

/** The documented APIs whose routes share a limit. */
export const familyNames = ['hairstyles', 'enterprise', 'partner', 'headshot'] as const;
export type RateFamily = (typeof familyNames)[number];

/** What the headshot API documents. The others document no limit: theirs is for abuse. */
const headshotPerMinute = 300;

/** After a request was counted. `count` may be over the limit; a second is never 0. */
export type RateState = { limit: number; count: number; resetSeconds: number; resetsAt: Date };

/** Counts requests of keys by the minute of the database, across all processes. */
export type Rates = {
  /** Counts one more. */
  count(family: RateFamily, keyId: KeyId): Promise<RateState>;
  /** Of all families, without counting. */
  statesOf(keyId: KeyId): Promise<({ family: RateFamily } & RateState)[]>;
  /** Forgets minutes that are over. */
  trim(): Promise<void>;
};

type Minute = { used: number; endsAt: Date; leftMs: number };
type Waiting = { resolve: (minute: Minute) => void; reject: (error: unknown) => void };

/** `perMinute`: of each key at each API that documents no limit of its own. */
export function createRates(connection: Connection, { perMinute }: { perMinute: number }): Rates {
  const stateOf = (family: RateFamily, { endsAt, leftMs, used }: Minute): RateState =>
    ({ limit: family === 'headshot' ? headshotPerMinute : perMinute, count: used, resetsAt: endsAt, resetSeconds: Math.max(1, Math.ceil(leftMs / 1000)) });
  const counter = connection.kind === 'pglite' ? countedHere() : countedThere(connection);
  return {
    count: async (family, keyId) => stateOf(family, await counter.count(family, keyId)),
    statesOf: async (keyId) => Promise.all(familyNames.map(async (family) => ({ family, ...stateOf(family, await counter.find(family, keyId)) }))),
    trim: () => counter.trim(),
  };
}

type Counter = { count(family: RateFamily, keyId: KeyId): Promise<Minute>; find(family: RateFamily, keyId: KeyId): Promise<Minute>; trim(): Promise<void> };

const minuteMs = 60_000;

/** Who owns the database alone answers everybody, and counts without it. */
function countedHere(): Counter {
  const counts = new Map<string, number>();
  let present = 0;
  const minute = (used: number): Minute => ({ used, endsAt: new Date((present + 1) * minuteMs), leftMs: (present + 1) * minuteMs - Date.now() });
  const look = (): void => {
    const now = Math.floor(Date.now() / minuteMs);
    if (now !== present) counts.clear();
    present = now;
  };
  return {
    async count(family, keyId) {
      look();
      const used = (counts.get(`${family} ${keyId}`) ?? 0) + 1;
      counts.set(`${family} ${keyId}`, used);
      return minute(used);
    },
    async find(family, keyId) {
      look();
      return minute(counts.get(`${family} ${keyId}`) ?? 0);
    },
    trim: async () => {},
  };
}

/**
 * One statement of PostgreSQL for a request, and one for all that one key sends while it runs: each is told its own number, and none is counted twice or missed. The
 * table is not logged: it costs no write to the disk, and a crash of the database forgets one minute.
 */
function countedThere(connection: Connection): Counter {
  const lines = new Map<string, Waiting[]>();
  const left = 'extract(epoch from ends_at - clock_timestamp())::float8 * 1000 as "leftMs"';
  const present = "date_trunc('minute', clock_timestamp()) + interval '1 minute'";
  const add = async (family: RateFamily, keyId: KeyId, amount: number): Promise<Minute> => {
    const [row] = await connection.detached(() => connection.execute(`insert into enterprise.rate as counted (family, key_id, ends_at, used) values ($1, $2, ${present}, $3)
      on conflict (family, key_id, ends_at) do update set used = counted.used + excluded.used returning used, ends_at as "endsAt", ${left}`, [family, keyId, amount]));
    return row as Minute;
  };
  const drain = async (family: RateFamily, keyId: KeyId, line: string, waiting: readonly Waiting[]): Promise<void> => {
    try {
      const minute = await add(family, keyId, waiting.length);
      for (const [index, { resolve }] of waiting.entries()) resolve({ ...minute, used: minute.used - waiting.length + index + 1 });
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    const next = lines.get(line) ?? [];
    if (next.length === 0) return void lines.delete(line);
    lines.set(line, []);
    return drain(family, keyId, line, next);
  };
  return {
    async count(family, keyId) {
      const line = `${family} ${keyId}`;
      const { promise, resolve, reject } = Promise.withResolvers<Minute>();
      const waiting = lines.get(line);
      if (waiting) waiting.push({ resolve, reject });
      else {
        lines.set(line, []);
        void drain(family, keyId, line, [{ resolve, reject }]);
      }
      return promise;
    },
    async find(family, keyId) {
      const [row] = await connection.execute(`select coalesce((select used from enterprise.rate where family = $1 and key_id = $2 and rate.ends_at = present.ends_at), 0) as used, ends_at as "endsAt", ${left}
        from (select ${present} as ends_at) present`, [family, keyId]);
      return row as Minute;
    },
    trim: async () => void (await connection.execute("delete from enterprise.rate where ends_at < now() - interval '1 minute'")),
  };
}
