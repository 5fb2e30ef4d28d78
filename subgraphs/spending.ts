import type { Connection } from './database.ts';
import type { KeyId } from './ids.ts';

/** What keys have left of a budget that fills up again evenly over a minute, as all processes on one database spend it. */
export type Spending = {
  /** Takes what each key has spent and gives what each has left; below 0: more was spent than there was. */
  take(spent: ReadonlyMap<KeyId, number>): Promise<Map<KeyId, number>>;
  /** Forgets keys that have spent nothing for so long that their budgets are full. */
  trim(): Promise<void>;
};

/**
 * One statement of PostgreSQL for all keys that a process tells of. The table is not logged: a crash of the database fills all budgets. Null for who owns the database alone:
 * what it counts itself is all there is.
 */
export function createSpending(connection: Connection, { perMinute }: { perMinute: number }): Spending | null {
  if (connection.kind === 'pglite') return null;
  return {
    async take(spent) {
      // In the order of the keys: two processes that tell of the same ones never wait for each other in a circle.
      const keys = [...spent.keys()].sort();
      const rows = await connection.detached(() => connection.execute(
        `insert into enterprise.spending as kept (key_id, remaining, at) select key_id, $3::float8 - spent, clock_timestamp() from unnest($1::text[], $2::float8[]) as told (key_id, spent) order by key_id
         on conflict (key_id) do update set at = greatest(kept.at, excluded.at),
           remaining = least($3, kept.remaining + greatest(0, extract(epoch from excluded.at - kept.at)) * $3 / 60) + excluded.remaining - $3
         returning key_id as "keyId", remaining`, [keys, keys.map((key) => spent.get(key)), perMinute]));
      return new Map(rows.map(({ keyId, remaining }) => [keyId as KeyId, Number(remaining)]));
    },
    trim: async () => void (await connection.execute("delete from enterprise.spending where at < now() - interval '10 minutes'")),
  };
}
