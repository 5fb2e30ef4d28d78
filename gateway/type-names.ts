import { type DocumentNode, type FieldNode, getNamedType, type GraphQLNamedType, isAbstractType, Kind, type SelectionNode, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { Supergraph } from './supergraph.ts';

export const typeNameField: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

const isTypeName = (node: SelectionNode): node is FieldNode => node.kind === Kind.FIELD && node.name.value === '__typename';
const saysOnlyType = (node: SelectionNode): boolean => isTypeName(node) || node.kind === Kind.INLINE_FRAGMENT && node.selectionSet.selections.every(saysOnlyType);

/**
 * The selections on an object as the planner (0.0.38) is asked for them: to it, a type's name is a field that must be planned like any other and
 * that nobody @provides. Every fetch of an abstract type says it all the same (`withTypeNames`), and of an object type it is known. Only where a
 * subgraph may call objects by an interface must it be asked for.
 */
export function withoutTypeNames(selections: SelectionNode[], type: GraphQLNamedType, { mayHideTypes, satisfies, schema }: Supergraph): SelectionNode[] {
  if (mayHideTypes(type.name)) return selections;
  const objects = isAbstractType(type) ? schema.getPossibleTypes(type).map(({ name }) => name) : [type.name];
  const asksOfAll = (node: SelectionNode): boolean => node.kind === Kind.FIELD ||
    node.kind === Kind.INLINE_FRAGMENT && objects.every((name) => satisfies(name, node.typeCondition?.name.value ?? name)) && node.selectionSet.selections.some(asksOfAll);
  const others = selections.filter((node) => !saysOnlyType(node));
  return others.some(asksOfAll) ? others : selections;
}

/** An operation of a plan, with the type name of every object whose type is abstract. The same one when it has them. */
export function withTypeNames(document: DocumentNode, { schema, mayHideTypes }: Supergraph): DocumentNode {
  const types = new TypeInfo(schema);
  return visit(document, visitWithTypeInfo(types, {
    Field: {
      leave(node) {
        const selections = node.selectionSet?.selections;
        const type = types.getType();
        if (!selections || !type || !isAbstractType(getNamedType(type)) || mayHideTypes(getNamedType(type).name) || selections.some((inner) => isTypeName(inner) && !inner.alias)) return undefined;
        return { ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: [typeNameField, ...selections] } };
      },
    },
  }));
}
