import {
  type ASTNode, type FieldNode, getNamedType, type GraphQLSchema, isAbstractType, isInterfaceType, isObjectType, Kind, type SelectionSetNode,
} from 'graphql';
import { type Alternatives, declaredScopes, hasScopes } from '../subgraphs/scopes.ts';
import type { Caller } from '../subgraphs/subgraph.ts';
import type { Supergraph } from './supergraph.ts';

/** What a caller must bring to read a field: to be known, and for each list of alternatives all scopes of at least one. */
export type Requirement = {
  /** Equal requirements have equal keys. */
  key: string;
  scopes: readonly Alternatives[];
};

/** The protections that @authenticated and @requiresScopes put on the supergraph. */
export type Protection = {
  /** Null when everybody may read the field. On an interface: what reading it on every implementing type takes. */
  requirementOf(typeName: string, fieldName: string): Requirement | null;
};

export function isAllowed(requirement: Requirement, caller: Caller | null): boolean {
  return caller !== null && requirement.scopes.every((alternatives) => hasScopes(alternatives, caller.scopes));
}

/** Reads the protections once; each field's requirement is computed when it is first asked for. */
export function readProtection(supergraph: Supergraph): Protection {
  const known = new Map<string, Requirement | null>();
  return {
    requirementOf(typeName, fieldName) {
      const place = `${typeName}.${fieldName}`;
      const found = known.get(place);
      if (found !== undefined) return found;
      const requirement = combine(partsOf(supergraph.schema, typeName, fieldName));
      known.set(place, requirement);
      return requirement;
    },
  };
}

/** The requirement of every field of an operation that has one. */
export function requirementsIn(protection: Protection, schema: GraphQLSchema, rootType: string, set: SelectionSetNode): Map<FieldNode, Requirement> {
  const found = new Map<FieldNode, Requirement>();
  const walk = (typeName: string, selectionSet: SelectionSetNode): void => {
    const type = schema.getType(typeName);
    for (const node of selectionSet.selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) walk(node.typeCondition?.name.value ?? typeName, node.selectionSet);
      if (node.kind !== Kind.FIELD) continue;
      const requirement = protection.requirementOf(typeName, node.name.value);
      if (requirement) found.set(node, requirement);
      const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[node.name.value] : undefined;
      if (field && node.selectionSet) walk(getNamedType(field.type).name, node.selectionSet);
    }
  };
  walk(rootType, set);
  return found;
}

function combine(parts: readonly Alternatives[]): Requirement | null {
  if (parts.length === 0) return null;
  const unique = new Map(parts.map((part) => [JSON.stringify(part), part]));
  return { key: [...unique.keys()].sort().join('&'), scopes: [...unique.values()] };
}

function partsOf(schema: GraphQLSchema, typeName: string, fieldName: string): Alternatives[] {
  const type = schema.getType(typeName);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const field = type.getFields()[fieldName];
  if (!field) return [];
  const parts = [...declaredScopes(type), ...declaredScopes(field), ...declaredScopes(getNamedType(field.type))];
  // An interface's field is every implementing type's field: one that is protected on one of them must not be read around its protection.
  if (isAbstractType(type)) for (const object of schema.getPossibleTypes(type)) parts.push(...partsOf(schema, object.name, fieldName));
  else if (isFromInterfaceObject(field.astNode)) {
    for (const parent of type.getInterfaces()) {
      const inherited = parent.getFields()[fieldName];
      if (inherited) parts.push(...declaredScopes(inherited));
    }
  }
  return parts;
}

/** A field that no subgraph gives to the object itself carries a `@join__field` without a graph. */
function isFromInterfaceObject(node: ASTNode | null | undefined): boolean {
  if (node?.kind !== Kind.FIELD_DEFINITION) return false;
  return node.directives?.some(({ name, arguments: given }) => name.value === 'join__field' && !given?.some((argument) => argument.name.value === 'graph')) ?? false;
}
