import { type Insertable, type Selectable, sql } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import type { Store as Database } from '../database.ts';
import type { AccountId, ModelId, PhotoId, TeamId } from '../ids.ts';
import type { OwnedRow } from '../page-loader.ts';
import type { PageRequest } from '../paging.ts';
import type { LikedStatus, PhotoStatus } from './rules.ts';
import type { Tables } from './tables.ts';

export type PhotoRow = Selectable<Tables['photo']>;
export type PhotoFilter = { status: PhotoStatus; liked?: LikedStatus | null | undefined };
export type FavoriteFilter = { teamId?: TeamId | null | undefined };
/** Photos of one model are listed by this: the best comes first. */
export const placeOf = ({ position }: PhotoRow): string => String(position).padStart(4, '0');

/** Every statement on photos. Who adds one to a model, or chooses its favorite, holds the model's row. */
export function photoStatements(database: Database<Tables>) {
  const ofModel = (accountId: AccountId, modelId: ModelId) => database().selectFrom('photo').where('accountId', '=', accountId).where('modelId', '=', modelId);
  const one = (accountId: AccountId, id: PhotoId) => database().selectFrom('photo').selectAll().where('accountId', '=', accountId).where('id', '=', id);
  return {
    /** Null: that position is there already. */
    insertPhoto: async (accountId: AccountId, photo: Omit<Insertable<Tables['photo']>, 'accountId' | 'status' | 'likedStatus' | 'deletedAt'>): Promise<PhotoRow | null> =>
      (await database().insertInto('photo').values({ ...photo, accountId, status: 'ACTIVE', likedStatus: 'NONE', deletedAt: null })
        .onConflict((conflict) => conflict.columns(['modelId', 'position']).doNothing()).returningAll().executeTakeFirst()) ?? null,
    /** Of all photos that were ever made for a model. */
    listPositions: async (accountId: AccountId, modelId: ModelId): Promise<number[]> => (await ofModel(accountId, modelId).select('position').execute()).map(({ position }) => position),
    findPhotos: async (accountId: AccountId, ids: readonly PhotoId[]): Promise<PhotoRow[]> => database().selectFrom('photo').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    /** Holds the row to the end of the transaction. */
    lockPhoto: async (accountId: AccountId, id: PhotoId): Promise<PhotoRow | null> => (await one(accountId, id).forUpdate().executeTakeFirst()) ?? null,
    /** A page of each model's photos, the best first, and how many each has in all; `after` is the `placeOf` one. */
    listPhotosOf: async (accountId: AccountId, modelIds: readonly ModelId[], { status, liked = null }: PhotoFilter, { limit, after, skip = 0 }: PageRequest): Promise<OwnedRow<ModelId, PhotoRow>[]> => {
      const where = sql`account_id = ${accountId} and status = ${status} and (${liked}::text is null or liked_status = ${liked})`;
      const { rows } = await sql<PhotoRow & { owner: ModelId; total: number }>`select owners.owner, owners.total, page.* from (
          select model_id as owner, count(*)::int as total from headshot.photo where model_id in (${sql.join(modelIds)}) and ${where} group by model_id) owners
        left join lateral (
          select * from headshot.photo where model_id = owners.owner and ${where} and position > ${after === null ? -1 : Number(after)}
          order by position offset ${skip}::bigint limit ${limit}) page on true`.execute(database());
      return rows.map(({ owner, total, ...row }) => ({ owner, total, row: row.id === null ? null : row }));
    },
    ratePhoto: async (accountId: AccountId, id: PhotoId, likedStatus: LikedStatus): Promise<PhotoRow> =>
      database().updateTable('photo').set({ likedStatus }).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirstOrThrow(),
    /** Null: none is the favorite any more. */
    setFavorite: async (accountId: AccountId, modelId: ModelId, favoriteId: PhotoId | null): Promise<void> =>
      void (await database().updateTable('model').set({ favoriteId }).where('accountId', '=', accountId).where('id', '=', modelId).execute()),
    /** What people chose of themselves, the newest photo first. */
    listFavorites: async (accountId: AccountId, filter: FavoriteFilter, { limit, after, skip = 0 }: PageRequest): Promise<PhotoRow[]> =>
      favorites(database, accountId, filter).selectAll('photo').where(after === null ? sql<boolean>`true` : sql<boolean>`photo.id < ${after}`).orderBy('photo.id', 'desc').offset(skip).limit(limit).execute(),
    countFavorites: async (accountId: AccountId, filter: FavoriteFilter): Promise<number> =>
      Number((await favorites(database, accountId, filter).select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total),
    ...fileStatements(database),
  };
}

function favorites(database: Database<Tables>, accountId: AccountId, { teamId }: FavoriteFilter) {
  const all = database().selectFrom('photo').innerJoin('model', 'model.favoriteId', 'photo.id').where('photo.accountId', '=', accountId).where('model.accountId', '=', accountId).where('photo.status', '=', 'ACTIVE');
  return teamId ? all.where('model.teamId', '=', teamId) : all;
}

/** Photos go in three steps, of which each may be the last before a crash: they are marked, then their files are deleted, then their rows forget these. */
function fileStatements(database: Database<Tables>) {
  return {
    /** Photos that are marked already do not count. */
    markPhotosDeleted: async (accountId: AccountId, modelId: ModelId, ids: readonly PhotoId[] | null = null): Promise<number> => {
      const marking = database().updateTable('photo').set({ status: 'DELETED', deletedAt: new Date() }).where('accountId', '=', accountId).where('modelId', '=', modelId).where('status', '=', 'ACTIVE');
      return Number((await (ids === null ? marking : marking.where('id', 'in', ids)).executeTakeFirst()).numUpdatedRows);
    },
    /** Files of a model's photos that are marked and still have them. */
    listDeletedFiles: async (accountId: AccountId, modelId: ModelId): Promise<BlobKey[]> => {
      const rows = await database().selectFrom('photo').select(['blobKey', 'originalBlobKey']).where('accountId', '=', accountId).where('modelId', '=', modelId).where('status', '=', 'DELETED').where('blobKey', 'is not', null).execute();
      return rows.flatMap(({ blobKey, originalBlobKey }) => [blobKey, originalBlobKey]).filter((key) => key !== null);
    },
    forgetFiles: async (accountId: AccountId, modelId: ModelId): Promise<void> =>
      void (await database().updateTable('photo').set({ blobKey: null, originalBlobKey: null }).where('accountId', '=', accountId).where('modelId', '=', modelId).where('status', '=', 'DELETED').execute()),
  };
}
