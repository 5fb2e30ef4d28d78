import { CamelCasePlugin, type Selectable, sql } from 'kysely';
import type { Connection } from '../database.ts';
import type { AccountId, TeamId } from '../ids.ts';
import type { Tables } from './tables.ts';

export type TeamRow = Selectable<Tables['team']>;
export type Store = ReturnType<typeof createStore>;

/** Every statement on the schema `headshot`. The tenant is always the first argument; rows of another one are not there. */
export function createStore(connection: Connection) {
  const tables = connection.store<Tables>('headshot');
  const database = () => tables().withPlugin(new CamelCasePlugin());
  const teamsOf = (accountId: AccountId) => database().selectFrom('team').selectAll().where('accountId', '=', accountId);
  return {
    /** By name. */
    listTeams: async (accountId: AccountId, limit: number): Promise<TeamRow[]> => teamsOf(accountId).orderBy(sql`lower(name)`).limit(limit).execute(),
    findTeams: async (accountId: AccountId, ids: readonly TeamId[]): Promise<TeamRow[]> => teamsOf(accountId).where('id', 'in', ids).execute(),
    /** Whatever the case of its letters. */
    findTeamByName: async (accountId: AccountId, name: string): Promise<TeamRow | null> =>
      (await teamsOf(accountId).where(sql`lower(name)`, '=', sql`lower(${name}::text)`).executeTakeFirst()) ?? null,
    /** Holds the account's teams to the end of the transaction, so that two who count and add wait for each other. */
    lockTeams: async (accountId: AccountId): Promise<void> => void (await teamsOf(accountId).forUpdate().execute()),
    countTeams: async (accountId: AccountId): Promise<number> =>
      Number((await database().selectFrom('team').select((eb) => eb.fn.countAll<number>().as('total')).where('accountId', '=', accountId).executeTakeFirstOrThrow()).total),
    /** Null: the name is taken. */
    insertTeam: async (accountId: AccountId, team: { id: TeamId; name: string }): Promise<TeamRow | null> =>
      (await database().insertInto('team').values({ ...team, accountId }).onConflict((conflict) => conflict.doNothing()).returningAll().executeTakeFirst()) ?? null,
    /** Null: no such team. Throws a unique violation when the name is taken. */
    renameTeam: async (accountId: AccountId, id: TeamId, name: string): Promise<TeamRow | null> =>
      (await database().updateTable('team').set({ name }).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirst()) ?? null,
    deleteTeam: async (accountId: AccountId, id: TeamId): Promise<boolean> =>
      (await database().deleteFrom('team').where('accountId', '=', accountId).where('id', '=', id).returning('id').executeTakeFirst()) !== undefined,
  };
}
