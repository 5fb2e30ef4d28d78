import type { KeyId } from '../subgraphs/ids.ts';
import { RecentlyUsed } from './recently-used.ts';

/** What is left of a key's budget. */
export type Spent = { remaining: number; /** Null when it was spent; else nothing was. */ retryAfterSeconds: number | null };

/** Cost that keys may spend. */
export type Budgets = { spend(keyId: KeyId, cost: number): Spent };

type Bucket = { level: number; at: number };
/** Who was forgotten has a full budget again: more keys than this at once are no attack of one. */
const keptKeys = 50_000;
const minuteMs = 60_000;

/** Each key has `perMinute`, filled up again evenly over a minute. Counted by this process: each replica gives its own. */
export function createBudgets(perMinute: number, now: () => number = () => performance.now()): Budgets {
  const buckets = new RecentlyUsed<Bucket>(keptKeys);
  return {
    spend(keyId, cost) {
      const at = now();
      const known = buckets.get(keyId);
      const level = known ? Math.min(perMinute, known.level + (at - known.at) / minuteMs * perMinute) : perMinute;
      const isEnough = cost <= level;
      const left = isEnough ? level - cost : level;
      if (known) Object.assign(known, { level: left, at });
      else buckets.set(keyId, { level: left, at });
      return { remaining: Math.floor(left), retryAfterSeconds: isEnough ? null : Math.ceil((Math.min(cost, perMinute) - level) / perMinute * 60) };
    },
  };
}
