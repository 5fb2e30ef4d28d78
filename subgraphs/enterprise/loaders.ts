import DataLoader from 'dataloader';
import type { ClientRow } from '../clients.ts';
import type { Balance, Credits, LedgerRow } from '../credits.ts';
import type { AccountId, ClientId, DeliveryId, EndpointId, GenerationId, KeyId, MediaId, UserId } from '../ids.ts';
import type { ApiKey, Keys } from '../keys.ts';
import { createPageLoader } from '../page-loader.ts';
import type { RequestContext } from '../subgraph.ts';
import type { AttemptRow, DeliveryRow, EndpointRow, EndpointStore } from './endpoint-store.ts';
import type { AccountRow, MediaRow, MembershipRow, Store, UserRow } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;
type Sources = { store: Store; endpoints: EndpointStore; keys: Keys; credits: Credits };

/** One statement for all rows of a kind that a request asks for. Whatever is not the caller's own is null or empty. */
export function createLoaders({ store, endpoints, keys, credits }: Sources, { caller }: RequestContext) {
  const own = caller?.accountId ?? null;
  /** Of all accounts only the caller's own can be loaded, so each of these asks once at most. */
  const ofAccount = <Value>(load: (accountId: AccountId) => Promise<Value>, other: Value): DataLoader<AccountId, Value> => new DataLoader(async (ids) => {
    const value = own !== null && ids.includes(own) ? await load(own) : other;
    return ids.map((id) => (id === own ? value : other));
  });
  const byId = <Id extends string, Row extends { id: Id }>(find: (accountId: AccountId, ids: readonly Id[]) => Promise<Row[]>): DataLoader<Id, Row | null> => new DataLoader(async (ids) => {
    const rows = new Map((own === null ? [] : await find(own, ids)).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id) ?? null);
  });
  /** For accounts that the caller may see: its own, and those that it created. */
  const ofSeen = <Row extends { accountId: AccountId }>(find: (ids: readonly AccountId[]) => Promise<Row[]>): DataLoader<AccountId, Row[]> => new DataLoader(async (ids) => {
    const rows = Map.groupBy(await find(ids), ({ accountId }) => accountId);
    return ids.map((id) => rows.get(id) ?? []);
  });
  return {
    account: ofAccount<AccountRow | null>((id) => store.findAccount(id), null),
    keysOf: ofAccount<ApiKey[]>((id) => keys.list(id), []),
    balance: ofAccount<Balance>((id) => credits.balance(id), { available: 0, reserved: 0 }),
    ownerOf: ofSeen(store.findOwners),
    widgetsOf: ofSeen(store.listWidgets),
    client: byId<ClientId, ClientRow>(store.findClients),
    ...createPeopleLoaders({ store, keys }, own),
    ...createWebhookLoaders(endpoints, own),
    media: byId<MediaId, MediaRow>(store.findMedia),
    mediaOf: createPageLoader<ClientId, MediaRow>(async (ids, request) => (own === null ? [] : store.listMedia(own, ids, request)), ({ id }) => id),
    charges: new DataLoader<GenerationId, LedgerRow[]>(async (ids) => {
      const rows = own === null ? [] : await credits.chargesOf(own, ids);
      return ids.map((id) => rows.filter(({ jobId }) => jobId === id));
    }),
  };
}

function createPeopleLoaders({ store, keys }: Pick<Sources, 'store' | 'keys'>, own: AccountId | null) {
  type Wanted = { id: UserId } | { emailKey: string };
  // Whom a page of clients names, by id and by address, is one statement.
  const people = new DataLoader<Wanted, UserRow | null, string>(async (wanted) => {
    const [ids, emailKeys] = [wanted.flatMap((one) => ('id' in one ? [one.id] : [])), wanted.flatMap((one) => ('emailKey' in one ? [one.emailKey] : []))];
    const rows = own === null ? [] : await store.findPeople(own, { ids, emailKeys });
    return wanted.map((one) => rows.find((row) => ('id' in one ? row.id === one.id : row.emailKey === one.emailKey)) ?? null);
  }, { cacheKeyFn: (one) => ('id' in one ? one.id : one.emailKey) });
  return {
    user: { load: (id: UserId) => people.load({ id }) },
    /** Those who have shown that the address is theirs. */
    userOfAddress: { load: (emailKey: string) => people.load({ emailKey }) },
    credential: new DataLoader<KeyId, ApiKey | null>(async (ids) => Promise.all(ids.map(async (id) => (own === null ? null : keys.findCredential(own, id))))),
    membershipsOf: new DataLoader<UserId, MembershipRow[]>(async (ids) => Promise.all(ids.map(async (id) => store.listMemberships(id)))),
  };
}

function createWebhookLoaders(endpoints: EndpointStore, own: AccountId | null) {
  return {
    endpoint: new DataLoader<EndpointId, EndpointRow | null>(async (ids) => {
      const rows = own === null ? [] : await endpoints.listEndpoints(own);
      return ids.map((id) => rows.find((row) => row.id === id) ?? null);
    }),
    attempts: new DataLoader<DeliveryId, AttemptRow[]>(async (ids) => {
      const rows = own === null ? [] : await endpoints.listAttempts(own, ids);
      return ids.map((id) => rows.filter(({ deliveryId }) => deliveryId === id));
    }),
    /** The newest 100 of each. */
    deliveriesAbout: new DataLoader<GenerationId, DeliveryRow[]>(async (ids) => Promise.all(ids.map(async (id) => (own === null ? [] : endpoints.listDeliveries(own, { subjectIds: [id] }, { first: 100, limit: 100, after: null }))))),
  };
}
