import DataLoader from 'dataloader';
import type { BlobKey } from '../blobs.ts';
import type { AccountId, ClientId, GenerationId, ImageId, PictureId } from '../ids.ts';
import { createPageLoader } from '../page-loader.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { RequestContext } from '../subgraph.ts';
import type { StyleRow } from './style-store.ts';
import type { GenerationFilter, GenerationRow, ImageRow, PictureRow, Store } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;
export type Lists = ReturnType<typeof createLists>;

/** One statement for all rows of a kind that a request asks for. Rows of another account, and all of them without a caller, are null. */
export function createLoaders(store: Store, { caller }: RequestContext) {
  const accountId = caller?.accountId ?? null;
  return {
    generation: byId<GenerationId, GenerationRow>(accountId, store.findGenerations),
    image: byId<ImageId, ImageRow>(accountId, store.findImages),
    /** The account's own styles, also deleted ones. */
    style: byId<string, StyleRow>(accountId, store.findStyles),
    stylePreview: new DataLoader<string, BlobKey | null>(async (ids) => {
      const rows = accountId === null ? [] : await store.listStylePreviews(accountId, ids);
      return ids.map((id) => rows.find(({ styleId }) => styleId === id)?.blobKey ?? null);
    }),
    picture: byId<PictureId, PictureRow>(accountId, store.findPictures),
    generationsOf: createPageLoader<ClientId, GenerationRow>(async (ids, request) => (accountId === null ? [] : store.listGenerationsOfClients(accountId, ids, request)), ({ id }) => id),
    picturesOf: new DataLoader<GenerationId, PictureRow[]>(async (ids) => {
      const rows = accountId === null ? [] : await store.listPictures(accountId, ids);
      const groups = Map.groupBy(rows, (row) => row.generationId);
      return ids.map((id) => groups.get(id) ?? []);
    }),
  };
}

function byId<Id extends string, Row extends { id: Id }>(accountId: AccountId | null, find: (accountId: AccountId, ids: readonly Id[]) => Promise<Row[]>): DataLoader<Id, Row | null> {
  return new DataLoader<Id, Row | null>(async (ids) => {
    const rows = accountId === null ? [] : await find(accountId, ids);
    const known = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => known.get(id) ?? null);
  });
}

type Paging = { first: number; after?: string | null };

/** Pages of an account's rows, newest first. */
export function createLists(store: Store) {
  return {
    async generations(accountId: AccountId, filter: GenerationFilter, paging: Paging): Promise<CountedPage<GenerationRow>> {
      const request = pageRequest(paging, 10);
      return countedPage(await store.listGenerations(accountId, filter, request), request, ({ id }) => id, async () => store.countGenerations(accountId, filter));
    },
    /** What an account imported and did not delete. */
    styles: async (accountId: AccountId): Promise<StyleRow[]> => store.listStyles(accountId),
    async images(accountId: AccountId, paging: Paging): Promise<CountedPage<ImageRow>> {
      const request = pageRequest(paging, 20);
      return countedPage(await store.listImages(accountId, request), request, ({ id }) => id, async () => store.countImages(accountId));
    },
  };
}
