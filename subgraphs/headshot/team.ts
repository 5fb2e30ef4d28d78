import { Failure } from '../../schema/failures.ts';
import { isUniqueViolation } from '../database.ts';
import { type AccountId, newTeamId, parseTeamId, type TeamId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { checkEmails, checkOrganization, checkTeamName, emailKeyOf, mostTeams } from './rules.ts';
import type { Store, TeamRow } from './store.ts';

export type Teams = ReturnType<typeof createTeams>;

/** The teams of organizations: created, renamed, deleted, and who is in them. All refuse with FORBIDDEN who is no organization. */
export function createTeams({ connection, requests }: Pick<Platform, 'connection' | 'requests'>, store: Store) {
  return {
    list: async (accountId: AccountId): Promise<TeamRow[]> => store.listTeams(accountId, mostTeams),
    /** Refuses with VALIDATION, CONFLICT or IDEMPOTENCY_CONFLICT. */
    async create(caller: Caller, name: string, keyed: Keyed | null): Promise<TeamRow> {
      checkOrganization(caller);
      const { accountId } = caller;
      const checked = checkTeamName(name);
      const id = newTeamId();
      const work = async (): Promise<TeamRow> => {
        await store.lockAccount(accountId);
        if ((await store.countTeams(accountId)) >= mostTeams) throw new Failure('VALIDATION', `An organization has at most ${mostTeams} teams`);
        return (await store.insertTeam(accountId, { id, name: checked })) ?? Promise.reject(await taken(store, accountId, checked));
      };
      return requests.once(accountId, keyed, id, { work, replay: async (earlier) => (await store.findTeams(accountId, [earlier]))[0] ?? null });
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
    /** Moves members into a team, all or none. Refuses with VALIDATION or NOT_FOUND. */
    async addMembers(caller: Caller, id: string, emails: readonly string[]): Promise<TeamRow> {
      checkOrganization(caller);
      const { accountId } = caller;
      const keys = checkEmails(emails, ['emails']).map(emailKeyOf);
      const teamId = parseTeamId(id);
      return connection.transaction(async () => {
        if (!teamId || !(await store.holdTeam(accountId, teamId))) return unknown('teamId');
        const members = new Map((await store.findMembersByEmail(accountId, keys)).map((member) => [member.emailKey, member.id]));
        const missing = keys.find((key) => !members.has(key));
        if (missing !== undefined) throw new Failure('NOT_FOUND', `No member has the e-mail address ${missing}`, { path: ['emails', String(emails.findIndex((email) => emailKeyOf(email) === missing))] });
        await store.moveMembers(accountId, [...members.values()], teamId);
        const [team] = await store.findTeams(accountId, [teamId]);
        return team ?? unknown('teamId');
      });
    },
  };
}

function unknown(field = 'id'): never {
  throw new Failure('NOT_FOUND', 'No such team', { path: [field] });
}

async function taken(store: Store, accountId: AccountId, name: string): Promise<Failure> {
  const existing = await store.findTeamByName(accountId, name);
  return new Failure('CONFLICT', 'A team of this name exists already', { path: ['name'], ...(existing && { existingId: existing.id }) });
}
