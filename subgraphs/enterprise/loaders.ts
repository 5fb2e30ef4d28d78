import DataLoader from 'dataloader';
import type { ClientRow } from '../clients.ts';
import type { Balance, Credits, LedgerRow } from '../credits.ts';
import type { AccountId, ClientId, GenerationId } from '../ids.ts';
import type { ApiKey, Keys } from '../keys.ts';
import type { RequestContext } from '../subgraph.ts';
import type { AccountRow, Store } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;
type Sources = { store: Store; keys: Keys; credits: Credits };

/** One statement for all rows of a kind that a request asks for. Whatever is not the caller's own is null or empty. */
export function createLoaders({ store, keys, credits }: Sources, { caller }: RequestContext) {
  const own = caller?.accountId ?? null;
  /** Of all accounts only the caller's own can be loaded, so each of these asks once at most. */
  const ofAccount = <Value>(load: (accountId: AccountId) => Promise<Value>, other: Value): DataLoader<AccountId, Value> => new DataLoader(async (ids) => {
    const value = own !== null && ids.includes(own) ? await load(own) : other;
    return ids.map((id) => (id === own ? value : other));
  });
  return {
    account: ofAccount<AccountRow | null>((id) => store.findAccount(id), null),
    keysOf: ofAccount<ApiKey[]>((id) => keys.list(id), []),
    balance: ofAccount<Balance>((id) => credits.balance(id), { available: 0, reserved: 0 }),
    client: new DataLoader<ClientId, ClientRow | null>(async (ids) => {
      const rows = own === null ? [] : await store.findClients(own, ids);
      return ids.map((id) => rows.find((row) => row.id === id) ?? null);
    }),
    charges: new DataLoader<GenerationId, LedgerRow[]>(async (ids) => {
      const rows = own === null ? [] : await credits.chargesOf(own, ids);
      return ids.map((id) => rows.filter(({ jobId }) => jobId === id));
    }),
  };
}
