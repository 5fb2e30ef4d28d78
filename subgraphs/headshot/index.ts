import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { createLoaders } from './loaders.ts';
import { teams as teamsTable } from './migrations/001-teams.ts';
import type { Context } from './models.ts';
import { resolvers } from './resolvers.ts';
import { createStore } from './store.ts';
import { createTeams } from './team.ts';

/** The subgraph of organizations' teams. */
export async function createHeadshot({ connection }: Platform): Promise<Subgraph> {
  await migrate(connection, 'headshot', { '001_teams': teamsTable });
  const store = createStore(connection);
  const teams = createTeams(connection, store);
  return buildSubgraph<Context>('headshot', resolvers, (request) => ({ ...request, teams, loaders: createLoaders(store, request) }));
}
