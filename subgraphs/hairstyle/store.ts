import { CamelCasePlugin, type Expression, type ExpressionBuilder, type Insertable, type Selectable, sql, type SqlBool } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import { type Connection, json, type Store as Database } from '../database.ts';
import type { AccountId, ClientId, GenerationId, ImageId, PictureId } from '../ids.ts';
import type { OwnedRow } from '../page-loader.ts';
import type { PageRequest } from '../paging.ts';
import { openStatuses, type Status } from './rules.ts';
import { styleStatements } from './style-store.ts';
import type { Tables } from './tables.ts';

export type ImageRow = Selectable<Tables['image']>;
export type GenerationRow = Selectable<Tables['generation']>;
export type PictureRow = Selectable<Tables['picture']>;
export type Advance = Partial<Pick<GenerationRow, 'status' | 'stage' | 'percent' | 'etaSeconds' | 'failure' | 'completedAt'>>;
export type GenerationFilter = { status?: Status | null | undefined; clientId?: ClientId | undefined };

// What is in a JSON column stays as it was written.
const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true });

export type Store = ReturnType<typeof createStore>;

/** Every statement on the schema `hairstyle`. The tenant is always the first argument; rows of another one are not there. */
export function createStore(connection: Connection) {
  const tables = connection.store<Tables>('hairstyle');
  const database = () => tables().withPlugin(camelCase);
  return { ...imageStatements(database), ...generationStatements(database), ...pictureStatements(database), ...traceStatements(database), ...styleStatements(database) };
}

/** What a statement gives that a page shows: newest first, strictly behind `after`. */
const behind = (after: string | null) => ({ eb }: ExpressionBuilder<Tables, 'image'> | ExpressionBuilder<Tables, 'generation'>) => (after === null ? eb.val(true) : sql<boolean>`id < ${after}`);

function imageStatements(database: Database<Tables>) {
  return {
    insertImage: async (accountId: AccountId, image: Omit<Insertable<Tables['image']>, 'accountId'>): Promise<ImageRow> =>
      database().insertInto('image').values({ ...image, accountId, issues: json(image.issues) }).returningAll().executeTakeFirstOrThrow(),
    findImages: async (accountId: AccountId, ids: readonly ImageId[]): Promise<ImageRow[]> =>
      database().selectFrom('image').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    /** The newest of that name. */
    findImageByName: async (accountId: AccountId, name: string): Promise<ImageRow | null> =>
      (await database().selectFrom('image').selectAll().where('accountId', '=', accountId).where('name', '=', name).orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null,
    listImages: async (accountId: AccountId, { limit, after }: PageRequest): Promise<ImageRow[]> =>
      database().selectFrom('image').selectAll().where('accountId', '=', accountId).where(behind(after)).orderBy('id', 'desc').limit(limit).execute(),
    countImages: async (accountId: AccountId): Promise<number> =>
      count(database().selectFrom('image').select((eb) => eb.fn.countAll<number>().as('total')).where('accountId', '=', accountId)),
  };
}

const count = async (statement: { executeTakeFirstOrThrow(): Promise<{ total: number }> }): Promise<number> => Number((await statement.executeTakeFirstOrThrow()).total);

function generationStatements(database: Database<Tables>) {
  const matching = (accountId: AccountId, { status, clientId }: GenerationFilter) => ({ eb, and }: ExpressionBuilder<Tables, 'generation'>) =>
    and([eb('accountId', '=', accountId), ...(status ? [eb('status', '=', status)] : []), ...(clientId ? [eb('clientId', '=', clientId)] : [])]);
  return {
    insertGeneration: async (accountId: AccountId, generation: Omit<Insertable<Tables['generation']>, 'accountId'>): Promise<GenerationRow> =>
      database().insertInto('generation').values({ ...generation, accountId, styleIds: json(generation.styleIds) }).returningAll().executeTakeFirstOrThrow(),
    findGenerations: async (accountId: AccountId, ids: readonly GenerationId[]): Promise<GenerationRow[]> =>
      database().selectFrom('generation').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    findGeneration: async (accountId: AccountId, id: GenerationId): Promise<GenerationRow | null> =>
      (await database().selectFrom('generation').selectAll().where('accountId', '=', accountId).where('id', '=', id).executeTakeFirst()) ?? null,
    /** Holds the row to the end of the transaction: of two that want to change a generation, one waits here. Null: final, or not this tenant's. */
    lockOpenGeneration: async (accountId: AccountId, id: GenerationId): Promise<GenerationRow | null> =>
      (await database().selectFrom('generation').selectAll().where('accountId', '=', accountId).where('id', '=', id).where('status', 'in', openStatuses).forUpdate().executeTakeFirst()) ?? null,
    /** The percentage never falls, and a final generation never changes: null then. */
    advanceGeneration: async (accountId: AccountId, id: GenerationId, { percent, failure, ...fields }: Advance): Promise<GenerationRow | null> =>
      (await database().updateTable('generation')
        .set((eb) => ({
          ...fields, lastSeq: eb('lastSeq', '+', 1), updatedAt: new Date(),
          ...(percent !== undefined && { percent: sql<number>`greatest(percent, ${percent}::integer)` }), ...(failure && { failure: json(failure) }),
        }))
        .where('accountId', '=', accountId).where('id', '=', id).where('status', 'in', openStatuses).returningAll().executeTakeFirst()) ?? null,
    listGenerations: async (accountId: AccountId, filter: GenerationFilter, { limit, after }: PageRequest): Promise<GenerationRow[]> =>
      database().selectFrom('generation').selectAll().where(matching(accountId, filter)).where(behind(after)).orderBy('id', 'desc').limit(limit).execute(),
    countGenerations: async (accountId: AccountId, filter: GenerationFilter): Promise<number> =>
      count(database().selectFrom('generation').select((eb) => eb.fn.countAll<number>().as('total')).where(matching(accountId, filter))),
    /** A page of each client's generations, newest first, and how many each has in all. */
    listGenerationsOfClients: async (accountId: AccountId, clientIds: readonly ClientId[], { limit, after, skip = 0 }: PageRequest): Promise<OwnedRow<ClientId, GenerationRow>[]> => {
      const { rows } = await sql<GenerationRow & { owner: ClientId; total: number }>`select owners.owner, owners.total, page.* from (
          select client_id as owner, count(*)::int as total from hairstyle.generation where account_id = ${accountId} and client_id in (${sql.join(clientIds)}) group by client_id) owners
        left join lateral (
          select * from hairstyle.generation where account_id = ${accountId} and client_id = owners.owner and (${after}::text is null or id < ${after})
          order by id desc offset ${skip}::bigint limit ${limit}) page on true`.execute(database());
      return rows.map(({ owner, total, ...row }) => ({ owner, total, row: row.id === null ? null : row }));
    },
    findLatestGeneration: async (accountId: AccountId): Promise<GenerationRow | null> =>
      (await database().selectFrom('generation').selectAll().where('accountId', '=', accountId).orderBy('updatedAt', 'desc').limit(1).executeTakeFirst()) ?? null,
  };
}

function pictureStatements(database: Database<Tables>) {
  return {
    /** Null: that position is there already. */
    insertPicture: async (accountId: AccountId, picture: Omit<Insertable<Tables['picture']>, 'accountId'>): Promise<PictureRow | null> =>
      (await database().insertInto('picture').values({ ...picture, accountId })
        .onConflict((conflict) => conflict.columns(['generationId', 'position']).doNothing()).returningAll().executeTakeFirst()) ?? null,
    findPictures: async (accountId: AccountId, ids: readonly PictureId[]): Promise<PictureRow[]> =>
      database().selectFrom('picture').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    /** In the order of the styles. */
    listPictures: async (accountId: AccountId, generationIds: readonly GenerationId[]): Promise<PictureRow[]> =>
      database().selectFrom('picture').selectAll().where('accountId', '=', accountId).where('generationId', 'in', generationIds).orderBy('generationId').orderBy('position').execute(),
    /** Gives the blobs that nobody points to any more. */
    deletePictures: async (accountId: AccountId, generationId: GenerationId): Promise<BlobKey[]> =>
      (await database().deleteFrom('picture').where('accountId', '=', accountId).where('generationId', '=', generationId).returning('blobKey').execute()).map((row) => row.blobKey),
  };
}

/** What is kept of a client: its generations and those of its photos that are nobody's else, and these photos. A photo is also that of whom it is said to show. */
export type Traces = { generationIds: readonly GenerationId[]; imageIds: readonly ImageId[] };

function traceStatements(database: Database<Tables>) {
  const generationIds = async (accountId: AccountId, of: (eb: ExpressionBuilder<Tables, 'generation'>) => Expression<SqlBool>) =>
    database().selectFrom('generation').select(['id', 'sourceId']).where('accountId', '=', accountId).where(of).orderBy('id').execute();
  const imagesOf = async (accountId: AccountId, of: (eb: ExpressionBuilder<Tables, 'imageClient'>) => Expression<SqlBool>): Promise<ImageId[]> =>
    (await database().selectFrom('imageClient').select('imageId').distinct().where('accountId', '=', accountId).where(of).execute()).map(({ imageId }) => imageId);
  return {
    findTraces: async (accountId: AccountId, clientId: ClientId): Promise<Traces> => {
      const own = await generationIds(accountId, (eb) => eb('clientId', '=', clientId));
      const shown = await imagesOf(accountId, (eb) => eb('clientId', '=', clientId));
      const sources = [...new Set([...own.map(({ sourceId }) => sourceId), ...shown])];
      if (sources.length === 0) return { generationIds: [], imageIds: [] };
      const others = new Set([
        ...(await generationIds(accountId, (eb) => eb.and([eb('sourceId', 'in', sources), eb('clientId', '!=', clientId)]))).map(({ sourceId }) => sourceId),
        ...await imagesOf(accountId, (eb) => eb.and([eb('imageId', 'in', sources), eb('clientId', '!=', clientId)])),
      ]);
      const imageIds = sources.filter((id) => !others.has(id));
      const unnamed = imageIds.length === 0 ? [] : await generationIds(accountId, (eb) => eb.and([eb('sourceId', 'in', imageIds), eb('clientId', 'is', null)]));
      return { generationIds: [...own, ...unnamed].map(({ id }) => id), imageIds };
    },
    /** Blobs of the pictures and photos. */
    listFiles: async (accountId: AccountId, { generationIds: generations, imageIds }: Traces): Promise<BlobKey[]> => {
      const pictures = generations.length === 0 ? [] : await database().selectFrom('picture').select('blobKey').where('accountId', '=', accountId).where('generationId', 'in', generations).execute();
      const images = imageIds.length === 0 ? [] : await database().selectFrom('image').select('blobKey').where('accountId', '=', accountId).where('id', 'in', imageIds).execute();
      return [...pictures, ...images].map(({ blobKey }) => blobKey);
    },
    /** How many rows there were. Fails when a photo was used again meanwhile. */
    deleteTraces: async (accountId: AccountId, clientId: ClientId, { generationIds: generations, imageIds }: Traces): Promise<number> => {
      // Photos that stay, for they show somebody else as well. The note of one that goes is a part of it and does not count.
      await database().deleteFrom('imageClient').where('accountId', '=', accountId).where('clientId', '=', clientId).execute();
      const gone: { numDeletedRows: bigint }[] = [];
      if (generations.length > 0) {
        gone.push(await database().deleteFrom('picture').where('accountId', '=', accountId).where('generationId', 'in', generations).executeTakeFirstOrThrow());
        const rows = await database().deleteFrom('generation').where('accountId', '=', accountId).where('id', 'in', generations).returning('id').execute();
        gone.push({ numDeletedRows: BigInt(rows.length) });
        if (rows.length > 0) await sql`delete from hairstyle.event_stream where name in (${sql.join(rows.map(({ id }) => id))})`.execute(database());
      }
      if (imageIds.length > 0) gone.push(await database().deleteFrom('image').where('accountId', '=', accountId).where('id', 'in', imageIds).executeTakeFirstOrThrow());
      return Number(gone.reduce((sum, { numDeletedRows }) => sum + numDeletedRows, 0n));
    },
  };
}
