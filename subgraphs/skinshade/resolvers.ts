import type { Resolvers } from '../../schema/types/skinshade.ts';
import { fitOf } from './rules.ts';

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  HairColor: {
    suits: ({ hex }, { skinShade }) => fitOf(skinShade, hex),
  },
};
