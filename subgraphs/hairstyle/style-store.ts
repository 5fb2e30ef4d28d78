import { type Insertable, type Selectable, sql } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import { json, type Store as Database } from '../database.ts';
import type { AccountId, ClientId, ImageId } from '../ids.ts';
import type { StyleFileTable, Tables } from './tables.ts';

export type StyleRow = Selectable<Tables['style']>;
type Fresh = Omit<Insertable<Tables['style']>, 'accountId' | 'deletedAt'>;

/** Statements on imported styles; a part of the store. */
export function styleStatements(database: Database<Tables>) {
  const files = async (accountId: AccountId, ids: readonly string[]): Promise<BlobKey[]> =>
    ids.length === 0 ? [] : (await database().selectFrom('styleFile').select('blobKey').where('accountId', '=', accountId).where('styleId', 'in', ids).execute()).map(({ blobKey }) => blobKey);
  /** The id stays, for generations name it. */
  const forget = async (accountId: AccountId, ids: readonly string[]): Promise<StyleRow[]> => {
    if (ids.length === 0) return [];
    await database().deleteFrom('styleFile').where('accountId', '=', accountId).where('styleId', 'in', ids).execute();
    return database().updateTable('style')
      .set({ deletedAt: new Date(), description: 'Deleted style', tags: json([]), about: null, clientId: null, sourceId: null })
      .where('accountId', '=', accountId).where('id', 'in', ids).where('deletedAt', 'is', null).returningAll().execute();
  };
  return {
    /** Null: somebody has the id. */
    insertStyle: async (accountId: AccountId, style: Fresh, { hair, preview }: { hair: BlobKey; preview: BlobKey }): Promise<StyleRow | null> => {
      const row = await database().insertInto('style').values({ ...style, accountId, tags: json(style.tags), about: json(style.about), deletedAt: null })
        .onConflict((conflict) => conflict.doNothing()).returningAll().executeTakeFirst();
      if (!row) return null;
      const kept = [{ kind: 'hair' as const, blobKey: hair }, { kind: 'preview' as const, blobKey: preview }];
      await database().insertInto('styleFile').values(kept.map((file) => ({ ...file, styleId: row.id, accountId }))).execute();
      return row;
    },
    /** Deleted ones too. */
    findStyles: async (accountId: AccountId, ids: readonly string[]): Promise<StyleRow[]> =>
      database().selectFrom('style').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    /** Without those that were deleted. */
    listStyles: async (accountId: AccountId): Promise<StyleRow[]> =>
      database().selectFrom('style').selectAll().where('accountId', '=', accountId).where('deletedAt', 'is', null).execute(),
    /** Of two that count the styles of an account and then add one, one waits here to the end of the other's transaction. */
    lockStyles: async (accountId: AccountId): Promise<void> => void (await sql`select pg_advisory_xact_lock(hashtextextended(${`styles of ${accountId}`}, 0))`.execute(database())),
    countStyles: async (accountId: AccountId): Promise<number> =>
      Number((await database().selectFrom('style').select((eb) => eb.fn.countAll<number>().as('total')).where('accountId', '=', accountId).where('deletedAt', 'is', null).executeTakeFirstOrThrow()).total),
    findStyleFile: async (accountId: AccountId, styleId: string, kind: StyleFileTable['kind']): Promise<BlobKey | null> =>
      (await database().selectFrom('styleFile').select('blobKey').where('accountId', '=', accountId).where('styleId', '=', styleId).where('kind', '=', kind).executeTakeFirst())?.blobKey ?? null,
    listStylePreviews: async (accountId: AccountId, ids: readonly string[]): Promise<{ styleId: string; blobKey: BlobKey }[]> =>
      database().selectFrom('styleFile').select(['styleId', 'blobKey']).where('accountId', '=', accountId).where('styleId', 'in', ids).where('kind', '=', 'preview').execute(),
    /** With the files that nobody points to any more. Null: not the account's, or deleted before. */
    deleteStyle: async (accountId: AccountId, id: string): Promise<{ row: StyleRow; files: BlobKey[] } | null> => {
      const found = await files(accountId, [id]);
      const [row] = await forget(accountId, [id]);
      return row ? { row, files: found } : null;
    },
    /** Those that are a client's, or were made of these photos. */
    findStyleTraces: async (accountId: AccountId, clientId: ClientId, imageIds: readonly ImageId[]): Promise<string[]> =>
      (await database().selectFrom('style').select('id').where('accountId', '=', accountId).where('deletedAt', 'is', null)
        .where((eb) => eb.or([eb('clientId', '=', clientId), ...(imageIds.length > 0 ? [eb('sourceId', 'in', imageIds)] : [])])).execute()).map(({ id }) => id),
    listStyleFiles: files,
    /** How many there were. */
    forgetStyles: async (accountId: AccountId, ids: readonly string[]): Promise<number> => (await forget(accountId, ids)).length,
  };
}
