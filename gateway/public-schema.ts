import { buildASTSchema, type GraphQLScalarType, type GraphQLSchema, isScalarType, isSpecifiedScalarType, parse, valueFromASTUntyped } from 'graphql';
import type { Reachable } from './transport.ts';

/**
 * The schema that clients see. Its custom scalars accept what the subgraphs' accept, so that bad input is refused before anything is
 * fetched; values are sent on as they were given.
 */
export function buildPublicSchema(apiSdl: string, subgraphs: readonly Reachable[]): GraphQLSchema {
  const schema = buildASTSchema(parse(apiSdl), { assumeValidSDL: true });
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isScalarType(type) || isSpecifiedScalarType(type)) continue;
    const owner = subgraphs.map((subgraph) => subgraph.schema.getType(type.name)).find(isScalarType);
    if (owner) checkLike(type, owner);
  }
  return schema;
}

function checkLike(scalar: GraphQLScalarType, owner: GraphQLScalarType): void {
  scalar.parseValue = (value) => {
    owner.parseValue(value);
    return value;
  };
  scalar.parseLiteral = (node, variables) => {
    owner.parseLiteral(node, variables);
    return valueFromASTUntyped(node, variables);
  };
}
