import { type Insertable, sql } from 'kysely';
import type { BusinessType } from '../../schema/types/enterprise.ts';
import { clientColumns, type ClientRow } from '../clients.ts';
import { type Connection, isUniqueViolation } from '../database.ts';
import type { AccountId, ClientId } from '../ids.ts';
import type { PageRequest } from '../paging.ts';
import type { AccountKind } from '../subgraph.ts';
import type { Tables } from './tables.ts';

export type AccountRow = { id: AccountId; kind: AccountKind; name: string; slug: string | null; businessType: BusinessType | null; website: string | null; createdAt: Date };
export type Store = ReturnType<typeof createStore>;

const accountColumns = ['id', 'kind', 'name', 'slug', 'business_type as businessType', 'website', 'created_at as createdAt'] as const;

/** Every statement on accounts and clients; those on keys and credits stand with what all subgraphs share. The tenant is always an argument. */
export function createStore(connection: Connection) {
  const database = connection.store<Tables>('enterprise');
  const matching = (accountId: AccountId, search: string | null) => {
    const clients = database().selectFrom('client').where('account_id', '=', accountId);
    return search === null ? clients : clients.where('email_key', 'like', `%${search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`);
  };
  return {
    async insertAccount(account: Insertable<Tables['account']>): Promise<void> {
      await database().insertInto('account').values(account).execute();
    },
    findAccount: async (accountId: AccountId): Promise<AccountRow | null> =>
      (await database().selectFrom('account').select(accountColumns).where('id', '=', accountId).executeTakeFirst()) ?? null,
    /** Null: it exists already; see `findTwin`. */
    async insertClient(accountId: AccountId, client: Omit<Insertable<Tables['client']>, 'account_id'>): Promise<ClientRow | null> {
      const inserted = await database().insertInto('client').values({ ...client, account_id: accountId }).onConflict((conflict) => conflict.doNothing())
        .returning(clientColumns).executeTakeFirst();
      return inserted ?? null;
    },
    /** The client with that e-mail address, else the one with that number. */
    findTwin: async (accountId: AccountId, emailKey: string | null, phoneKey: string | null): Promise<ClientRow | null> =>
      (await database().selectFrom('client').select(clientColumns).where('account_id', '=', accountId)
        .where((eb) => eb.or([eb('email_key', '=', emailKey), eb('phone_key', '=', phoneKey)]))
        .orderBy(sql`email_key is not distinct from ${emailKey} desc`).limit(1).executeTakeFirst()) ?? null,
    findClients: async (accountId: AccountId, ids: readonly ClientId[]): Promise<ClientRow[]> =>
      database().selectFrom('client').select(clientColumns).where('account_id', '=', accountId).where('id', 'in', ids).execute(),
    listClients: async (accountId: AccountId, search: string | null, { limit, after }: PageRequest): Promise<ClientRow[]> => {
      const clients = matching(accountId, search).select(clientColumns).orderBy('id', 'desc').limit(limit);
      return (after === null ? clients : clients.where('id', '<', after as ClientId)).execute();
    },
    countClients: async (accountId: AccountId, search: string | null): Promise<number> =>
      (await matching(accountId, search).select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total,
  };
}

/** Whether an account was refused because another one has its slug. */
export const isSlugTaken = (error: unknown): boolean => isUniqueViolation(error, 'account_slug_key');
