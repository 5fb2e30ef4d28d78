import type { AccountId } from '../ids.ts';

/** How many clients a search found while the account's clients were in that state. */
export type KnownTotal = { state: string; total: number };

const atMost = 2_000;

/**
 * What searches found lately, in this process: who turns the pages of one search has all of it counted once. An entry is of use for as long as nobody added
 * or removed a client of the account, which the statement that would use it sees for itself; so nothing has to be told, here or to other processes.
 */
export function createKnownTotals() {
  const known = new Map<string, KnownTotal>();
  const keyOf = (accountId: AccountId, search: string): string => `${accountId} ${search}`;
  return {
    of: (accountId: AccountId, search: string): KnownTotal | null => known.get(keyOf(accountId, search)) ?? null,
    /** The one that was counted longest ago makes room. */
    remember(accountId: AccountId, search: string, total: KnownTotal): void {
      const key = keyOf(accountId, search);
      known.delete(key);
      known.set(key, total);
      const [oldest] = known.keys();
      if (known.size > atMost && oldest !== undefined) known.delete(oldest);
    },
  };
}
