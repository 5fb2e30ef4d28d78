import { type Insertable, sql } from 'kysely';
import type { BlobKey } from '../blobs.ts';
import { clientColumns, type ClientRow, type MediaSource } from '../clients.ts';
import { type Connection, isUniqueViolation, type Store as Database } from '../database.ts';
import type { AccountId, ClientId, KeyId, MediaId } from '../ids.ts';
import type { OwnedRow } from '../page-loader.ts';
import type { PageRequest } from '../paging.ts';
import { accountColumns, type AccountRow } from './account-rows.ts';
import { createKnownTotals, type KnownTotal } from './known-totals.ts';
import { peopleStatements } from './people-store.ts';
import type { Tables } from './tables.ts';

export type { AccountRow } from './account-rows.ts';
export type { LinkRow, MemberRow, MembershipRow, UserRow } from './people-store.ts';
export type WidgetRow = { id: number; accountId: AccountId; enabled: boolean; brandName: string };
export type MediaRow = { id: MediaId; clientId: ClientId; blobKey: BlobKey; fileName: string; source: MediaSource; createdAt: Date };
export type Store = ReturnType<typeof createStore>;

const mediaColumns = ['id', 'client_id as clientId', 'blob_key as blobKey', 'file_name as fileName', 'source', 'created_at as createdAt'] as const;

/** Every statement on accounts, people, widgets and clients; those on keys and credits stand with what all subgraphs share. The tenant is always an argument. */
export function createStore(connection: Connection) {
  const database = connection.store<Tables>('enterprise');
  return { ...accountStatements(database), ...peopleStatements(database), ...clientStatements(connection, database), ...mediaStatements(database) };
}

function accountStatements(database: Database<Tables>) {
  return {
    async insertAccount(account: Insertable<Tables['account']>): Promise<void> {
      await database().insertInto('account').values(account).execute();
    },
    /** Null: the slug is taken. */
    insertEnterprise: async (account: Insertable<Tables['account']>): Promise<AccountRow | null> =>
      (await database().insertInto('account').values(account).onConflict((conflict) => conflict.column('slug').doNothing()).returning(accountColumns).executeTakeFirst()) ?? null,
    /** Those that a partner created, newest first. */
    listEnterprises: async (partnerId: AccountId, { limit, after }: PageRequest): Promise<AccountRow[]> => {
      const own = database().selectFrom('account').select(accountColumns).where('partner_id', '=', partnerId).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit);
      // An id that is none of them has nothing behind it.
      return (after === null ? own : own.where(sql<boolean>`(created_at, id) < (select created_at, id from enterprise.account where partner_id = ${partnerId} and id::text = ${after})`)).execute();
    },
    /** Null: the partner created none of that id. */
    findEnterprise: async (partnerId: AccountId, id: AccountId): Promise<AccountRow | null> =>
      (await database().selectFrom('account').select(accountColumns).where('partner_id', '=', partnerId).where('id', '=', id).executeTakeFirst()) ?? null,
    countEnterprises: async (partnerId: AccountId): Promise<number> =>
      Number((await database().selectFrom('account').select((eb) => eb.fn.countAll<number>().as('total')).where('partner_id', '=', partnerId).executeTakeFirstOrThrow()).total),
    findAccount: async (accountId: AccountId): Promise<AccountRow | null> =>
      (await database().selectFrom('account').select(accountColumns).where('id', '=', accountId).executeTakeFirst()) ?? null,
    insertWidget: async (accountId: AccountId): Promise<number> =>
      (await database().insertInto('widget').values({ account_id: accountId, enabled: true }).returning('id').executeTakeFirstOrThrow()).id,
    listWidgets: async (accountIds: readonly AccountId[]): Promise<WidgetRow[]> =>
      database().selectFrom('widget').innerJoin('account', 'account.id', 'account_id').select(['widget.id', 'account_id as accountId', 'enabled', 'account.name as brandName'])
        .where('account_id', 'in', accountIds).orderBy('widget.id').execute(),
  };
}

/** What a part of an e-mail address is found by. */
const pattern = (search: string): string => `%${search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;

type NewClient = Omit<Insertable<Tables['client']>, 'account_id' | 'number' | 'created_by'>;

function clientStatements(connection: Connection, database: Database<Tables>) {
  const totals = createKnownTotals();
  return {
    /** Null: it exists already; see `findTwin`. */
    insertClient: async (accountId: AccountId, keyId: KeyId, client: NewClient): Promise<ClientRow | null> => connection.transaction(async () => {
      const number = (await lockClients(database, accountId)) + 1;
      const inserted = await database().insertInto('client')
        .values(({ selectFrom }) => ({ ...client, account_id: accountId, number, created_by: selectFrom('api_key').select('user_id').where('account_id', '=', accountId).where('id', '=', keyId) }))
        .onConflict((conflict) => conflict.doNothing()).returning(clientColumns).executeTakeFirst();
      if (inserted) await countAdded(database, accountId, number);
      return inserted ?? null;
    }),
    /** Whether there was one. */
    deleteClient: async (accountId: AccountId, clientId: ClientId): Promise<boolean> => connection.transaction(async () => {
      await lockClients(database, accountId);
      const gone = await database().deleteFrom('client').where('account_id', '=', accountId).where('id', '=', clientId).returning('number').executeTakeFirst();
      if (!gone) return false;
      await countRemoved(database, accountId, gone.number);
      // They are sealed: which of them tell of the client is not seen.
      await sql`delete from enterprise.kept_answer where account_id = ${accountId}`.execute(database());
      return true;
    }),
    /** The client with that e-mail address, else the one with that number. */
    findTwin: async (accountId: AccountId, emailKey: string | null, phoneKey: string | null): Promise<ClientRow | null> =>
      (await database().selectFrom('client').select(clientColumns).where('account_id', '=', accountId)
        .where((eb) => eb.or([eb('email_key', '=', emailKey), eb('phone_key', '=', phoneKey)]))
        .orderBy(sql`email_key is not distinct from ${emailKey} desc`).limit(1).executeTakeFirst()) ?? null,
    findClients: async (accountId: AccountId, ids: readonly ClientId[]): Promise<ClientRow[]> =>
      database().selectFrom('client').select(clientColumns).where('account_id', '=', accountId).where('id', 'in', ids).execute(),
    /** A page, newest first, and how many there are in all. */
    listClients: async (accountId: AccountId, search: string | null, request: PageRequest): Promise<{ rows: ClientRow[]; total: number }> => {
      const { rows } = await (search === null ? clientPage(accountId, request) : foundPage(accountId, search, request, totals.of(accountId, search))).execute(database());
      const [total, state] = [rows[0]?.total ?? 0, rows[0]?.state ?? null];
      if (search !== null && state !== null) totals.remember(accountId, search, { state, total });
      return { rows: rows.flatMap(({ total: _total, state: _state, ...row }) => (total === 0 || row.id === null ? [] : [row])), total };
    },
  };
}

/** The last number that was given. Whoever else adds or removes a client of the account waits for the end of this transaction. */
async function lockClients(database: Database<Tables>, accountId: AccountId): Promise<number> {
  const { last } = await database().insertInto('client_count').values({ account_id: accountId, total: 0, last: 0 })
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet(({ ref }) => ({ total: ref('client_count.total') }))).returning('last').executeTakeFirstOrThrow();
  return last;
}

/** How many numbers stand in one row of `client_block`. */
const blockSize = 500;

async function countAdded(database: Database<Tables>, accountId: AccountId, number: number): Promise<void> {
  await sql`with counted as (update enterprise.client_count set total = total + 1, last = ${number} where account_id = ${accountId})
    insert into enterprise.client_block as present (account_id, block, clients) values (${accountId}, ${number}::integer / ${blockSize}::integer, 1)
    on conflict (account_id, block) do update set clients = present.clients + 1`.execute(database());
}

async function countRemoved(database: Database<Tables>, accountId: AccountId, number: number): Promise<void> {
  await sql`with counted as (update enterprise.client_count set total = total - 1 where account_id = ${accountId})
    update enterprise.client_block set clients = clients - 1 where account_id = ${accountId} and block = ${number}::integer / ${blockSize}::integer`.execute(database());
}

const clientFields = sql`id, account_id as "accountId", email, name, phone_number as "phoneNumber", source, created_by as "createdBy", created_at as "createdAt"`;
type CountedClient = ClientRow & { total: number; state?: string | null };

/** Whoever stood at the cursor may be erased: then it goes on with those who were created before. */
function behind(accountId: AccountId, after: string | null) {
  return after === null ? sql`` : sql`and number < coalesce((select number from enterprise.client where account_id = ${accountId} and id = ${after}),
    (select max(number) + 1 from enterprise.client where account_id = ${accountId} and id < ${after}))`;
}

/** From the newest on, or from the block in which the page begins and as many of it as stand before the page. */
function clientPage(accountId: AccountId, { limit, after, skip = 0 }: PageRequest) {
  const start = skip === 0 ? sql`(select null::integer as below, 0::bigint as before)` : sql`(select (block + 1) * ${blockSize}::integer as below, ${skip}::bigint - (through - clients) as before
    from (select block, clients, sum(clients) over (order by block desc) as through from enterprise.client_block where account_id = ${accountId}) counted where through > ${skip}::bigint order by block desc limit 1)`;
  return sql<CountedClient>`select count.total, page.* from (select coalesce((select total from enterprise.client_count where account_id = ${accountId}), 0) as total) count
    left join ${start} start on true left join lateral (
    select ${clientFields} from enterprise.client where account_id = ${accountId} ${behind(accountId, after)} ${skip === 0 ? sql`` : sql`and number < start.below`}
    order by number desc offset start.before limit ${limit}) page on true`;
}

/**
 * Everything before the page is read, and everything behind it is counted, unless the page is the last one or all was counted in the same state. A
 * state is told by the transaction that was last to add or remove a client, and by the numbers, for it may have done more.
 */
function foundPage(accountId: AccountId, search: string, { limit, after, skip = 0 }: PageRequest, known: KnownTotal | null) {
  const found = sql`from enterprise.client where account_id = ${accountId} and email_key like ${pattern(search)}`;
  const isLast = after === null ? sql`seen.rows < ${limit} and (seen.rows > 0 or ${skip}::bigint = 0)` : sql`false`;
  return sql<CountedClient>`with page as materialized (select ${clientFields} ${found} ${behind(accountId, after)} order by number desc offset ${skip}::bigint limit ${limit}),
    seen as (select count(*)::int as rows from page),
    now as (select (select concat_ws(' ', xmin, total, last) from enterprise.client_count where account_id = ${accountId}) as state)
    select case when ${isLast} then (${skip}::bigint + seen.rows)::int when now.state = ${known?.state ?? null}::text then ${known?.total ?? null}::int
      else (select count(*)::int ${found}) end as total, now.state, page.* from seen cross join now left join page on true`;
}

function mediaStatements(database: Database<Tables>) {
  return {
    /** Null: the account has no such client. */
    insertMedia: async (accountId: AccountId, media: Omit<Insertable<Tables['client_media']>, 'account_id'>): Promise<MediaRow | null> =>
      (await database().insertInto('client_media').columns(['id', 'account_id', 'client_id', 'blob_key', 'file_name', 'source'])
        .expression(({ selectFrom, val }) => selectFrom('client').where('account_id', '=', accountId).where('id', '=', media.client_id).forKeyShare()
          .select([val(media.id).as('id'), 'account_id', 'id as client_id', val(media.blob_key).as('blob_key'), val(media.file_name).as('file_name'), val(media.source).as('source')]))
        .returning(mediaColumns).executeTakeFirst()) ?? null,
    findMedia: async (accountId: AccountId, ids: readonly MediaId[]): Promise<MediaRow[]> =>
      database().selectFrom('client_media').select(mediaColumns).where('account_id', '=', accountId).where('id', 'in', ids).execute(),
    listMediaFiles: async (accountId: AccountId, clientId: ClientId): Promise<BlobKey[]> =>
      (await database().selectFrom('client_media').select('blob_key').where('account_id', '=', accountId).where('client_id', '=', clientId).execute()).map((row) => row.blob_key),
    /** Gives where each came from. */
    deleteMedia: async (accountId: AccountId, clientId: ClientId): Promise<Pick<MediaRow, 'id' | 'source'>[]> =>
      database().deleteFrom('client_media').where('account_id', '=', accountId).where('client_id', '=', clientId).returning(['id', 'source']).execute(),
    /** A page of each client's media, newest first, and how many each has in all. */
    listMedia: async (accountId: AccountId, clientIds: readonly ClientId[], { limit, after, skip = 0 }: PageRequest): Promise<OwnedRow<ClientId, MediaRow>[]> => {
      const { rows } = await sql<MediaRow & { owner: ClientId; total: number }>`select owners.owner, owners.total, page.* from (
          select client_id as owner, count(*)::int as total from enterprise.client_media where account_id = ${accountId} and client_id in (${sql.join(clientIds)}) group by client_id) owners
        left join lateral (
          select id, client_id as "clientId", blob_key as "blobKey", file_name as "fileName", source, created_at as "createdAt" from enterprise.client_media
          where account_id = ${accountId} and client_id = owners.owner and (${after}::text is null or id < ${after}) order by id desc offset ${skip}::bigint limit ${limit}) page on true`.execute(database());
      return rows.map(({ owner, total, ...row }) => ({ owner, total, row: row.id === null ? null : row }));
    },
  };
}

/** Whether an account was refused because another one has its slug. */
export const isSlugTaken = (error: unknown): boolean => isUniqueViolation(error, 'account_slug_key');
