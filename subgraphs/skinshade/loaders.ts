import DataLoader from 'dataloader';
import type { AccountId, ClientId, ImageId, ReadingId } from '../ids.ts';
import { createPageLoader } from '../page-loader.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { RequestContext } from '../subgraph.ts';
import type { ReadingRow, Store } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;

/** One statement for all rows of a kind that a request asks for. Rows of another account, and all of them without a caller, are null. */
export function createLoaders(store: Store, { caller }: RequestContext) {
  const accountId = caller?.accountId ?? null;
  /** `of` tells what a row was asked for by. */
  const byKey = <Key extends string>(find: (accountId: AccountId, keys: readonly Key[]) => Promise<ReadingRow[]>, of: (row: ReadingRow) => string | null): DataLoader<Key, ReadingRow | null> =>
    new DataLoader(async (keys) => {
      const rows = new Map((accountId === null ? [] : await find(accountId, keys)).map((row) => [of(row), row]));
      return keys.map((key) => rows.get(key) ?? null);
    });
  return {
    reading: byKey<ReadingId>(store.findReadings, ({ id }) => id),
    latestOfClient: byKey<ClientId>(store.latestOfClients, ({ clientId }) => clientId),
    latestOfImage: byKey<ImageId>(store.latestOfImages, ({ imageId }) => imageId),
    readingsOf: createPageLoader<ClientId, ReadingRow>(async (ids, request) => (accountId === null ? [] : store.listReadingsOfClients(accountId, ids, request)), ({ id }) => id),
  };
}

/** An account's readings, newest first. */
export async function pageOfReadings(store: Store, accountId: AccountId, paging: { first: number; after?: string | null }): Promise<CountedPage<ReadingRow>> {
  const request = pageRequest(paging, 10);
  return countedPage(await store.listReadings(accountId, request), request, ({ id }) => id, async () => store.countReadings(accountId));
}
