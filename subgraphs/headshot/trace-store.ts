import { sql } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import type { Store as Database } from '../database.ts';
import type { AccountId, ClientId, ModelId, PictureId } from '../ids.ts';
import type { Tables } from './tables.ts';

/** Statements on what is kept of a person: for its erasure. */
export function traceStatements(database: Database<Tables>) {
  return {
    listModelsOfClient: async (accountId: AccountId, clientId: ClientId): Promise<ModelId[]> =>
      (await database().selectFrom('model').select('id').where('accountId', '=', accountId).where('clientId', '=', clientId).orderBy('id').execute()).map(({ id }) => id),
    /** Models that were started from a look and are said to be nobody's, in the order of their ids. */
    listUnnamed: async (accountId: AccountId, after: ModelId | null, limit: number): Promise<{ id: ModelId; pictureId: PictureId }[]> => {
      const all = database().selectFrom('model').select(['id', 'pictureId']).where('accountId', '=', accountId).where('clientId', 'is', null).where('pictureId', 'is not', null);
      const rows = await (after === null ? all : all.where('id', '>', after)).orderBy('id').limit(limit).execute();
      return rows.flatMap(({ id, pictureId }) => (pictureId === null ? [] : [{ id, pictureId }]));
    },
    /** Of selfies and photos. */
    listFilesOf: async (accountId: AccountId, ids: readonly ModelId[]): Promise<BlobKey[]> => {
      if (ids.length === 0) return [];
      const selfies = await database().selectFrom('selfie').select('blobKey').where('accountId', '=', accountId).where('modelId', 'in', ids).execute();
      const photos = await database().selectFrom('photo').select(['blobKey', 'originalBlobKey']).where('accountId', '=', accountId).where('modelId', 'in', ids).execute();
      return [...selfies.map(({ blobKey }) => blobKey), ...photos.flatMap(({ blobKey, originalBlobKey }) => [blobKey, originalBlobKey])].filter((key) => key !== null);
    },
    /** How many rows there are of models and of everything that is theirs. */
    countModelRows: async (accountId: AccountId, ids: readonly ModelId[]): Promise<number> => {
      if (ids.length === 0) return 0;
      const counts = await Promise.all([
        ...(['selfie', 'photo'] as const).map((table) => database().selectFrom(table).select(rows).where('accountId', '=', accountId).where('modelId', 'in', ids).executeTakeFirstOrThrow()),
        database().selectFrom('model').select(rows).where('accountId', '=', accountId).where('id', 'in', ids).executeTakeFirstOrThrow(),
      ]);
      return counts.reduce((sum, count) => sum + count.rows, 0);
    },
    /** With everything that is theirs. */
    deleteModels: async (accountId: AccountId, ids: readonly ModelId[]): Promise<void> => {
      if (ids.length === 0) return;
      for (const table of ['selfie', 'photo'] as const) await database().deleteFrom(table).where('accountId', '=', accountId).where('modelId', 'in', ids).execute();
      const gone = await database().deleteFrom('model').where('accountId', '=', accountId).where('id', 'in', ids).returning('id').execute();
      if (gone.length > 0) await sql`delete from headshot.event_stream where name in (${sql.join(gone.map(({ id }) => id))})`.execute(database());
    },
  };
}

const rows = sql<number>`count(*)::int`.as('rows');
