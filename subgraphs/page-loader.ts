import DataLoader from 'dataloader';
import { type CountedPage, countedPage, type PageRequest } from './paging.ts';

/** One row of one owner's page, or `row` null for an owner whose page is empty; `total` is of the owner's whole list. */
export type OwnedRow<Id, Row> = { owner: Id; total: number; row: Row | null };

/** Pages of many owners' lists in one statement: those that a request asks for at once with equal arguments. Owners without rows have an empty list. */
export function createPageLoader<Id extends string, Row>(load: (owners: readonly Id[], request: PageRequest) => Promise<OwnedRow<Id, Row>[]>, position: (row: Row) => string) {
  const loaders = new Map<string, DataLoader<Id, CountedPage<Row>>>();
  const loaderOf = (request: PageRequest): DataLoader<Id, CountedPage<Row>> => new DataLoader(async (owners) => {
    const found = Map.groupBy(await load(owners, request), ({ owner }) => owner);
    return owners.map((owner) => {
      const rows = found.get(owner) ?? [];
      return countedPage(rows.flatMap(({ row }) => (row === null ? [] : [row])), request, position, async () => rows[0]?.total ?? 0);
    });
  });
  return async (owner: Id, request: PageRequest): Promise<CountedPage<Row>> => {
    const key = JSON.stringify(request);
    const loader = loaders.get(key) ?? loaderOf(request);
    loaders.set(key, loader);
    return loader.load(owner);
  };
}
