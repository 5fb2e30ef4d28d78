import type { AccountId } from '../ids.ts';
import type { RequestContext } from '../subgraph.ts';
import type { Loaders } from './loaders.ts';
import type { TeamRow } from './store.ts';
import type { Teams } from './team.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & { teams: Teams; loaders: Loaders };

export type OrganizationModel = { id: AccountId };
export type TeamModel = TeamRow;
