import type { Resolvers } from '../../schema/types/headshot.ts';
import { parseAccountId, parseTeamId } from '../ids.ts';
import { getCaller, payload } from '../schema.ts';
import type { Context, TeamModel } from './models.ts';

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Organization: {
    // Only the caller's own organization has teams here: another one is as if it were not there.
    __resolveReference: ({ id }, { caller }) => (caller && parseAccountId(id) === caller.accountId ? { id: caller.accountId } : null),
    teams: ({ id }, _, { teams }) => teams.list(id),
  },
  Team: {
    __resolveReference: ({ id }, context) => findTeam(context, id),
  },
  Mutation: {
    createTeam: (_, { name }, context) => payload(async () => changed(context, await context.teams.create(getCaller(context), name))),
    renameTeam: (_, { id, name }, context) => payload(async () => changed(context, await context.teams.rename(getCaller(context), id, name))),
    deleteTeam: (_, { id }, context) => payload(async () => ({ deletedId: await context.teams.delete(getCaller(context), id) })),
  },
};

async function findTeam({ loaders }: Context, id: string): Promise<TeamModel | null> {
  const teamId = parseTeamId(id);
  return teamId && loaders.team.load(teamId);
}

/** What was loaded before in this request is out of date. */
function changed({ loaders }: Context, team: TeamModel): { team: TeamModel } {
  loaders.team.clear(team.id).prime(team.id, team);
  return { team };
}
