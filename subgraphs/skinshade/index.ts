import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import type { Context } from './models.ts';
import { resolvers } from './resolvers.ts';

/** The subgraph of skin shades and the colors that suit them. */
export async function createSkinshade(): Promise<Subgraph> {
  return buildSubgraph<Context>('skinshade', resolvers, (request) => request);
}
