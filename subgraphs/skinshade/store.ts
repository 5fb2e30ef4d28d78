import { CamelCasePlugin, type Insertable, type Selectable, sql } from 'kysely';
import { type Connection, json, type Store as Database } from '../database.ts';
import type { AccountId, ClientId, ImageId, ReadingId } from '../ids.ts';
import type { OwnedRow } from '../page-loader.ts';
import type { PageRequest } from '../paging.ts';
import type { Tables } from './tables.ts';

export type ReadingRow = Selectable<Tables['reading']>;
export type NewReading = Omit<Insertable<Tables['reading']>, 'accountId'>;
export type Store = ReturnType<typeof createStore>;

// What is in a JSON column stays as it was written.
const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true });

/** Every statement on the schema `skinshade` that is about one account. The tenant is always the first argument; rows of another one are not there. */
export function createStore(connection: Connection) {
  const tables = connection.store<Tables>('skinshade');
  const database = () => tables().withPlugin(camelCase);
  return { ...readingStatements(database), ...traceStatements(database) };
}

function readingStatements(database: Database<Tables>) {
  const readingsOf = (accountId: AccountId) => database().selectFrom('reading').where('accountId', '=', accountId);
  return {
    insertReading: async (accountId: AccountId, reading: NewReading): Promise<ReadingRow> =>
      database().insertInto('reading').values({ ...reading, accountId, warnings: json(reading.warnings) }).returningAll().executeTakeFirstOrThrow(),
    findReadings: async (accountId: AccountId, ids: readonly ReadingId[]): Promise<ReadingRow[]> => readingsOf(accountId).selectAll().where('id', 'in', ids).execute(),
    listReadings: async (accountId: AccountId, { limit, after }: PageRequest): Promise<ReadingRow[]> => {
      const all = readingsOf(accountId).selectAll().orderBy('id', 'desc').limit(limit);
      return (after === null ? all : all.where(sql<boolean>`id < ${after}`)).execute();
    },
    countReadings: async (accountId: AccountId): Promise<number> =>
      Number((await readingsOf(accountId).select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total),
    /** A page of each client's readings, newest first, and how many each has in all. */
    listReadingsOfClients: async (accountId: AccountId, clientIds: readonly ClientId[], { limit, after, skip = 0 }: PageRequest): Promise<OwnedRow<ClientId, ReadingRow>[]> => {
      const { rows } = await sql<ReadingRow & { owner: ClientId; total: number }>`select owners.owner, owners.total, page.* from (
          select client_id as owner, count(*)::int as total from skinshade.reading where account_id = ${accountId} and client_id in (${sql.join(clientIds)}) group by client_id) owners
        left join lateral (
          select * from skinshade.reading where account_id = ${accountId} and client_id = owners.owner and (${after}::text is null or id < ${after})
          order by id desc offset ${skip}::bigint limit ${limit}) page on true`.execute(database());
      return rows.map(({ owner, total, ...row }) => ({ owner, total, row: row.id === null ? null : row }));
    },
    latestOfClients: async (accountId: AccountId, clientIds: readonly ClientId[]): Promise<ReadingRow[]> =>
      readingsOf(accountId).selectAll().distinctOn('clientId').where('clientId', 'in', clientIds).orderBy('clientId').orderBy('id', 'desc').execute(),
    latestOfImages: async (accountId: AccountId, imageIds: readonly ImageId[]): Promise<ReadingRow[]> =>
      readingsOf(accountId).selectAll().distinctOn('imageId').where('imageId', 'in', imageIds).orderBy('imageId').orderBy('id', 'desc').execute(),
  };
}

function traceStatements(database: Database<Tables>) {
  return {
    /** Photos that were read for nobody in particular, in order, behind `after`. */
    listUnnamedImages: async (accountId: AccountId, after: ImageId | null, limit: number): Promise<ImageId[]> => {
      const rows = await database().selectFrom('reading').select('imageId').distinct().where('accountId', '=', accountId).where('clientId', 'is', null).where('imageId', 'is not', null)
        .where((eb) => (after === null ? eb.val(true) : eb('imageId', '>', after))).orderBy('imageId').limit(limit).execute();
      return rows.flatMap(({ imageId }) => (imageId === null ? [] : [imageId]));
    },
    /** A client's readings, and those of these photos. Which there were. */
    deleteTraces: async (accountId: AccountId, clientId: ClientId, imageIds: readonly ImageId[]): Promise<ReadingId[]> => {
      const rows = await database().deleteFrom('reading').where('accountId', '=', accountId)
        .where((eb) => eb.or([eb('clientId', '=', clientId), ...imageIds.length === 0 ? [] : [eb('imageId', 'in', imageIds)]])).returning('id').execute();
      return rows.map(({ id }) => id);
    },
  };
}

/** What is nobody's: who got a key, and what is past its time. */
export function createGrants(connection: Connection) {
  const tables = connection.store<Tables>('skinshade');
  const database = () => tables().withPlugin(camelCase);
  return {
    /** Whether it is the first of that household in that month. Of two at once one waits for the other's commit. */
    claimGrant: async (household: string, month: string): Promise<boolean> =>
      (await database().insertInto('keyGrant').values({ household, month: sql`${month}::date` }).onConflict((conflict) => conflict.doNothing()).returning('household').executeTakeFirst()) !== undefined,
    /** Grants of earlier months; how many. */
    deletePast: async (month: string): Promise<number> => Number((await database().deleteFrom('keyGrant').where(sql<boolean>`month < ${month}::date`).executeTakeFirst()).numDeletedRows),
  };
}
export type Grants = ReturnType<typeof createGrants>;
