import DataLoader from 'dataloader';
import type { TeamId } from '../ids.ts';
import type { RequestContext } from '../subgraph.ts';
import type { Store, TeamRow } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;

/** One statement for all teams that a request refers to. Another account's, and all of them without a caller, are null. */
export function createLoaders(store: Store, { caller }: RequestContext) {
  return {
    team: new DataLoader<TeamId, TeamRow | null>(async (ids) => {
      const rows = caller ? await store.findTeams(caller.accountId, ids) : [];
      const known = new Map(rows.map((row) => [row.id, row]));
      return ids.map((id) => known.get(id) ?? null);
    }),
  };
}
