import type { KeyId } from '../subgraphs/ids.ts';
import type { Spending } from '../subgraphs/spending.ts';
import { RecentlyUsed } from './recently-used.ts';

/** What is left of a key's budget. */
export type Spent = { remaining: number; /** Null when it was spent; else nothing was. */ retryAfterSeconds: number | null };

/** Cost that keys may spend. */
export type Budgets = { spend(keyId: KeyId, cost: number): Spent };

type Bucket = { level: number; at: number };
/** Who was forgotten has a full budget again: more keys than this at once are no attack of one. */
const keptKeys = 50_000;
const minuteMs = 60_000;
/** For so long a key may spend what other processes have given it already. */
const toldEveryMs = 200;

type Options = { /** Where other processes spend from the same budgets; null: there are none. */ spending?: Spending | null; now?: () => number };

/**
 * Each key has `perMinute`, filled up again evenly over a minute. Counted here, so that no request waits for it; what was spent is told to the other processes a moment later, all
 * keys in one statement, and what they have spent is taken off. Together they can be ahead by what they spend in that moment, and then wait for it.
 */
export function createBudgets(perMinute: number, { spending = null, now = () => performance.now() }: Options = {}): Budgets {
  const buckets = new RecentlyUsed<Bucket>(keptKeys);
  const keep = (keyId: KeyId, known: Bucket | undefined, bucket: Bucket): void => {
    if (known) Object.assign(known, bucket);
    else buckets.set(keyId, bucket);
  };
  const tell = spending && teller(spending, (keyId, level) => keep(keyId, buckets.get(keyId), { level, at: now() }));
  return {
    spend(keyId, cost) {
      const at = now();
      const known = buckets.get(keyId);
      const level = known ? Math.min(perMinute, known.level + (at - known.at) / minuteMs * perMinute) : perMinute;
      const isEnough = cost <= level;
      const left = isEnough ? level - cost : level;
      keep(keyId, known, { level: left, at });
      if (isEnough) tell?.(keyId, cost);
      return { remaining: Math.max(0, Math.floor(left)), retryAfterSeconds: isEnough ? null : Math.ceil((Math.min(cost, perMinute) - level) / perMinute * 60) };
    },
  };
}

/** Collects what was spent and tells of it, and `learn`s what is left: less what was spent while it was told. */
function teller(spending: Spending, learn: (keyId: KeyId, remaining: number) => void): (keyId: KeyId, cost: number) => void {
  let [spent, isTelling] = [new Map<KeyId, number>(), false];
  const tell = async (): Promise<void> => {
    const told = spent;
    spent = new Map();
    // A database that is away is told nothing of this moment: then each process gives its own.
    const left = await spending.take(told).catch(() => new Map<KeyId, number>());
    for (const [keyId, remaining] of left) learn(keyId, remaining - (spent.get(keyId) ?? 0));
    isTelling = false;
    if (spent.size > 0) begin(toldEveryMs);
  };
  const begin = (waitMs: number): void => {
    isTelling = true;
    setTimeout(() => void tell(), waitMs).unref();
  };
  return (keyId, cost) => {
    spent.set(keyId, (spent.get(keyId) ?? 0) + cost);
    if (!isTelling) begin(0);
  };
}
