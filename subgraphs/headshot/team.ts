import { Failure } from '../../schema/failures.ts';
import { type Connection, isUniqueViolation } from '../database.ts';
import { type AccountId, newTeamId, parseTeamId, type TeamId } from '../ids.ts';
import type { Caller } from '../subgraph.ts';
import { checkOrganization, checkTeamName, mostTeams } from './rules.ts';
import type { Store, TeamRow } from './store.ts';

export type Teams = ReturnType<typeof createTeams>;

/** The teams of organizations: created, renamed, deleted. All refuse with FORBIDDEN who is no organization. */
export function createTeams(connection: Connection, store: Store) {
  return {
    list: async (accountId: AccountId): Promise<TeamRow[]> => store.listTeams(accountId, mostTeams),
    /** Refuses with VALIDATION or CONFLICT. */
    async create(caller: Caller, name: string): Promise<TeamRow> {
      checkOrganization(caller);
      const { accountId } = caller;
      const checked = checkTeamName(name);
      return connection.transaction(async () => {
        await store.lockTeams(accountId);
        if ((await store.countTeams(accountId)) >= mostTeams) throw new Failure('VALIDATION', `An organization has at most ${mostTeams} teams`);
        return (await store.insertTeam(accountId, { id: newTeamId(), name: checked })) ?? Promise.reject(await taken(store, accountId, checked));
      });
    },
    /** Refuses with VALIDATION, CONFLICT or NOT_FOUND. */
    async rename(caller: Caller, id: string, name: string): Promise<TeamRow> {
      checkOrganization(caller);
      const checked = checkTeamName(name);
      const teamId = parseTeamId(id);
      try {
        return (teamId && (await store.renameTeam(caller.accountId, teamId, checked))) ?? unknown();
      } catch (error) {
        throw isUniqueViolation(error) ? await taken(store, caller.accountId, checked) : error;
      }
    },
    /** Refuses with NOT_FOUND. */
    async delete(caller: Caller, id: string): Promise<TeamId> {
      checkOrganization(caller);
      const teamId = parseTeamId(id);
      return teamId && (await store.deleteTeam(caller.accountId, teamId)) ? teamId : unknown();
    },
  };
}

function unknown(): never {
  throw new Failure('NOT_FOUND', 'No such team', { path: ['id'] });
}

async function taken(store: Store, accountId: AccountId, name: string): Promise<Failure> {
  const existing = await store.findTeamByName(accountId, name);
  return new Failure('CONFLICT', 'A team of this name exists already', { path: ['name'], ...(existing && { existingId: existing.id }) });
}
