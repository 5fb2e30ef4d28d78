import DataLoader from 'dataloader';
import type { AccountId, ClientId, InviteId, MemberId, ModelId, PhotoId, PictureId, TeamId } from '../ids.ts';
import { createPageLoader } from '../page-loader.ts';
import { type CountedPage, countedPage, type PageRequest } from '../paging.ts';
import type { RequestContext } from '../subgraph.ts';
import { type FavoriteFilter, type PhotoFilter, type PhotoRow, placeOf } from './photo-store.ts';
import { offsetRequest } from './rules.ts';
import type { InviteFilter, InviteRow, MemberFilter, MemberRow, ModelFilter, ModelRow, Store, TeamRow } from './store.ts';

export type Loaders = ReturnType<typeof createLoaders>;
export type Lists = ReturnType<typeof createLists>;

/** One statement for all rows of a kind that a request refers to. Another account's, and all of them without a caller, are null. */
export function createLoaders(store: Store, { caller }: RequestContext) {
  const accountId = caller?.accountId ?? null;
  return {
    team: byId<TeamId, TeamRow>(accountId, store.findTeams),
    member: byId<MemberId, MemberRow>(accountId, store.findMembers),
    invite: byId<InviteId, InviteRow>(accountId, store.findInvites),
    model: byId<ModelId, ModelRow>(accountId, store.findModels),
    modelOf: new DataLoader<MemberId, ModelRow | null>(async (ids) => {
      const rows = accountId === null ? [] : await store.findModelsOfMembers(accountId, ids);
      const known = new Map(rows.map((row) => [row.memberId, row]));
      return ids.map((id) => known.get(id) ?? null);
    }),
    photo: byId<PhotoId, PhotoRow>(accountId, store.findPhotos),
    modelsOfTeam: createPageLoader<TeamId, ModelRow>(async (ids, request) => (accountId === null ? [] : store.listModelsOf(accountId, 'team_id', ids, request)), ({ id }) => id),
    modelsOfClient: createPageLoader<ClientId, ModelRow>(async (ids, request) => (accountId === null ? [] : store.listModelsOf(accountId, 'client_id', ids, request)), ({ id }) => id),
    modelsOfPicture: createPageLoader<PictureId, ModelRow>(async (ids, request) => (accountId === null ? [] : store.listModelsOf(accountId, 'picture_id', ids, request)), ({ id }) => id),
    photosOf: photoLoader(store, accountId),
    membersOf: createPageLoader<TeamId, MemberRow>(async (ids, request) => (accountId === null ? [] : store.listMembersOfTeams(accountId, ids, request)), ({ id }) => id),
  };
}

/** Photos of many models in one statement, as far as they are asked for alike. */
function photoLoader(store: Store, accountId: AccountId | null) {
  const known = new Map<string, ReturnType<typeof createPageLoader<ModelId, PhotoRow>>>();
  return async (modelId: ModelId, filter: PhotoFilter, request: PageRequest): Promise<CountedPage<PhotoRow>> => {
    const asked = `${filter.status} ${filter.liked ?? ''}`;
    const load = known.get(asked) ?? createPageLoader<ModelId, PhotoRow>(async (ids, page) => (accountId === null ? [] : store.listPhotosOf(accountId, ids, filter, page)), placeOf);
    known.set(asked, load);
    return load(modelId, request);
  };
}

function byId<Id extends string, Row extends { id: Id }>(accountId: AccountId | null, find: (accountId: AccountId, ids: readonly Id[]) => Promise<Row[]>): DataLoader<Id, Row | null> {
  return new DataLoader<Id, Row | null>(async (ids) => {
    const rows = accountId === null ? [] : await find(accountId, ids);
    const known = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => known.get(id) ?? null);
  });
}

type Paging = { first: number; after?: string | null; offset?: number | null };

/** Pages of an account's rows, newest first. */
export function createLists(store: Store) {
  return {
    async members(accountId: AccountId, filter: MemberFilter, paging: Paging): Promise<CountedPage<MemberRow>> {
      const request = offsetRequest(paging, 50);
      return countedPage(await store.listMembers(accountId, filter, request), request, ({ id }) => id, async () => store.countMembers(accountId, filter));
    },
    async invites(accountId: AccountId, filter: InviteFilter, paging: Paging): Promise<CountedPage<InviteRow>> {
      const request = offsetRequest(paging, 50);
      return countedPage(await store.listInvites(accountId, filter, request), request, ({ id }) => id, async () => store.countInvites(accountId, filter));
    },
    async favorites(accountId: AccountId, filter: FavoriteFilter, paging: Paging): Promise<CountedPage<PhotoRow>> {
      const request = offsetRequest(paging, 50);
      return countedPage(await store.listFavorites(accountId, filter, request), request, ({ id }) => id, async () => store.countFavorites(accountId, filter));
    },
    async models(accountId: AccountId, filter: ModelFilter, paging: Paging): Promise<CountedPage<ModelRow>> {
      const request = offsetRequest(paging, 50);
      return countedPage(await store.listModels(accountId, filter, request), request, ({ id }) => id, async () => store.countModels(accountId, filter));
    },
  };
}
