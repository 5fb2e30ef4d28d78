import { type Insertable, sql } from 'kysely';
import type { Store as Database } from '../database.ts';
import type { AccountId, LinkId, UserId } from '../ids.ts';
import { accountColumns, type AccountRow } from './account-rows.ts';
import type { Role, Tables } from './tables.ts';

export type UserRow = { id: UserId; email: string; emailKey: string; createdAt: Date };
export type MemberRow = { user: UserRow; roles: Role[]; since: Date };
export type MembershipRow = { account: AccountRow; roles: Role[] };
export type LinkRow = { id: LinkId; emailKey: string };

const userColumns = ['user.id', 'user.email', 'user.email_key as emailKey', 'user.created_at as createdAt'] as const;

/** Every statement on people: users, what they may do, and the links that they sign in with. */
export function peopleStatements(database: Database<Tables>) {
  return { ...userStatements(database), ...memberStatements(database), ...linkStatements(database) };
}

function userStatements(database: Database<Tables>) {
  return {
    /** The user with that address, who is new when there was none. */
    getUserByEmail: async (user: Pick<Insertable<Tables['user']>, 'id' | 'email' | 'email_key'>): Promise<UserRow> => {
      await database().insertInto('user').values(user).onConflict((conflict) => conflict.column('email_key').doNothing()).execute();
      return database().selectFrom('user').select(userColumns).where('email_key', '=', user.email_key).executeTakeFirstOrThrow();
    },
    /** Whoever opens sessions for the same person, or changes what they may do, waits for the end of the running transaction. */
    lockUser: async (userId: UserId): Promise<void> => {
      await database().selectFrom('user').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
    },
    markSignedIn: async (userId: UserId): Promise<void> => {
      await database().updateTable('user').set({ signed_in_at: new Date() }).where('id', '=', userId).execute();
    },
    /**
     * Those who have to do with the account: by their ids its members and who owns its keys or added its clients, by their addresses its clients
     * who have signed in.
     */
    findPeople: async (accountId: AccountId, { ids, emailKeys }: { ids: readonly UserId[]; emailKeys: readonly string[] }): Promise<UserRow[]> => {
      const named = (table: 'membership' | 'client' | 'api_key', column: 'user_id' | 'created_by') =>
        sql<boolean>`exists (select from enterprise.${sql.table(table)} named where named.account_id = ${accountId} and named.${sql.ref(column)} = "user".id)`;
      const isClient = sql<boolean>`signed_in_at is not null and exists (select from enterprise.client where client.account_id = ${accountId} and client.email_key = "user".email_key)`;
      return database().selectFrom('user').select(userColumns).where(({ or, and, eb, val }) => or([
        ids.length === 0 ? val(false) : and([eb('id', 'in', ids), or([named('membership', 'user_id'), named('api_key', 'user_id'), named('client', 'created_by')])]),
        emailKeys.length === 0 ? val(false) : and([eb('email_key', 'in', emailKeys), isClient]),
      ])).execute();
    },
  };
}

function memberStatements(database: Database<Tables>) {
  const members = (accountId: AccountId) => database().selectFrom('membership').innerJoin('user', 'user.id', 'user_id').where('account_id', '=', accountId)
    .select([...userColumns, sql<Role[]>`array_agg(role order by role)`.as('roles'), (eb) => eb.fn.min('membership.created_at').as('since')]).groupBy('user.id');
  const member = ({ roles, since, ...user }: UserRow & { roles: Role[]; since: Date }): MemberRow => ({ user, roles, since });
  return {
    insertMemberships: async (accountId: AccountId, userId: UserId, roles: readonly Role[]): Promise<void> => {
      await database().insertInto('membership').values(roles.map((role) => ({ account_id: accountId, user_id: userId, role }))).execute();
    },
    deleteMemberships: async (accountId: AccountId, userId: UserId): Promise<void> => {
      await database().deleteFrom('membership').where('account_id', '=', accountId).where('user_id', '=', userId).execute();
    },
    /** Who came first stands first. */
    listMembers: async (accountId: AccountId): Promise<MemberRow[]> => (await members(accountId).orderBy('since').orderBy('user.id').execute()).map(member),
    findMember: async (accountId: AccountId, userId: UserId): Promise<MemberRow | null> => {
      const row = await members(accountId).where('user_id', '=', userId).executeTakeFirst();
      return row ? member(row) : null;
    },
    /** Whoever else adds members to the account waits for the end of the running transaction. How many it has. */
    lockMembers: async (accountId: AccountId): Promise<number> => {
      await database().selectFrom('account').select('id').where('id', '=', accountId).forNoKeyUpdate().execute();
      const { total } = await database().selectFrom('membership').select(sql<number>`count(distinct user_id)::int`.as('total')).where('account_id', '=', accountId).executeTakeFirstOrThrow();
      return total;
    },
    findOwners: async (accountIds: readonly AccountId[]): Promise<(UserRow & { accountId: AccountId })[]> =>
      database().selectFrom('membership').innerJoin('user', 'user.id', 'user_id').select([...userColumns, 'account_id as accountId'])
        .where('account_id', 'in', accountIds).where('role', '=', 'business_owner').execute(),
    /** The accounts that a person acts for, the oldest membership first. */
    listMemberships: async (userId: UserId): Promise<MembershipRow[]> => {
      const rows = await database().selectFrom('membership').innerJoin('account', 'account.id', 'account_id').where('membership.user_id', '=', userId)
        .select([...accountColumns, sql<Role[]>`array_agg(role order by role)`.as('roles')]).groupBy('account.id')
        .orderBy((eb) => eb.fn.min('membership.created_at')).orderBy('account.id').execute();
      return rows.map(({ roles, ...account }) => ({ account, roles }));
    },
  };
}

function linkStatements(database: Database<Tables>) {
  return {
    insertLink: async (link: Insertable<Tables['sign_in_link']>): Promise<void> => {
      await database().insertInto('sign_in_link').values(link).execute();
    },
    /** Null: used, expired, or none. */
    findLink: async (given: { id: LinkId } | { tokenSha256: string }, now: Date): Promise<LinkRow | null> => {
      const live = database().selectFrom('sign_in_link').select(['id', 'email_key as emailKey']).where('expires_at', '>', now);
      return (await ('id' in given ? live.where('id', '=', given.id) : live.where('token_sha256', '=', given.tokenSha256)).executeTakeFirst()) ?? null;
    },
    /** Uses a link up, if the transaction commits; whether it was still there. */
    takeLink: async (id: LinkId): Promise<boolean> => (await database().deleteFrom('sign_in_link').where('id', '=', id).returning('id').executeTakeFirst()) !== undefined,
    deleteLinks: async (emailKey: string): Promise<void> => {
      await database().deleteFrom('sign_in_link').where('email_key', '=', emailKey).execute();
    },
    trimLinks: async (now: Date): Promise<void> => {
      await database().deleteFrom('sign_in_link').where('expires_at', '<=', now).execute();
    },
  };
}
