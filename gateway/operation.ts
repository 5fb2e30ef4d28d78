import {
  type DirectiveNode, type DocumentNode, type FieldNode, type FragmentDefinitionNode, getNamedType, type GraphQLNamedType, type GraphQLSchema, isAbstractType,
  isInterfaceType, isObjectType, Kind, type OperationDefinitionNode, OperationTypeNode, type SelectionNode, type SelectionSetNode, visit,
} from 'graphql';
import type { Requirement } from './authorization.ts';
import { type Mark, markedBy, markOf } from './deferrals.ts';
import type { PlanKeys } from './plan-keys.ts';
import type { Supergraph } from './supergraph.ts';
import { typeNameField, withoutTypeNames } from './type-names.ts';

/** Names of the variables that decide over @skip, @include and @defer anywhere in a document. */
export function conditionVariables(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: given }) {
      if (name.value !== 'skip' && name.value !== 'include' && name.value !== 'defer') return;
      for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

/**
 * The selections of an operation with all fragments written in place and every @skip and @include decided, so that neither the plan nor the
 * answer's shape depends on variables. Selection sets may become empty. With `marked`, deferred fragments keep their directive, but those at the root
 * of a mutation: their fields are called in turn.
 */
export function specialise(document: DocumentNode, operation: OperationDefinitionNode, decided: ReadonlyMap<string, boolean> | null, marked = false): SelectionSetNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  const inSet = (set: SelectionSetNode, mayMark: boolean): SelectionSetNode => ({ kind: Kind.SELECTION_SET, selections: set.selections.flatMap((node) => one(node, mayMark)) });
  const one = (node: SelectionNode, mayMark: boolean): SelectionNode[] => {
    if (!isIncluded(node.directives, decided)) return [];
    if (node.kind === Kind.FIELD) return [fieldOf(node, node.selectionSet && inSet(node.selectionSet, marked))];
    const fragment = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node;
    if (!fragment) throw new Error('a fragment that validation let pass is missing');
    const selectionSet = inSet(fragment.selectionSet, mayMark);
    const mark = mayMark && decided ? markOf(node.directives, decided) : null;
    if (!fragment.typeCondition && !mark) return [...selectionSet.selections];
    if (selectionSet.selections.length === 0) return [];
    return [{ kind: Kind.INLINE_FRAGMENT, selectionSet, ...fragment.typeCondition && { typeCondition: fragment.typeCondition }, ...mark && { directives: [mark] } }];
  };
  return inSet(operation.selectionSet, marked && operation.operation === OperationTypeNode.QUERY);
}

/** An alias that is the field's own name is none: the planner (0.0.38) ends the process over such a difference. */
function fieldOf({ name, alias, arguments: given }: FieldNode, selectionSet: SelectionSetNode | undefined): FieldNode {
  return { kind: Kind.FIELD, name, ...alias && alias.value !== name.value && { alias }, ...given && { arguments: given }, ...selectionSet && { selectionSet } };
}

function isIncluded(directives: readonly DirectiveNode[] | undefined, decided: ReadonlyMap<string, boolean> | null): boolean {
  for (const { name, arguments: given } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = given?.[0]?.value;
    if (value?.kind === Kind.VARIABLE && !decided) continue;
    const truth = value?.kind === Kind.VARIABLE ? decided?.get(value.name.value) ?? false : value?.kind === Kind.BOOLEAN && value.value;
    if (truth === (name.value === 'skip')) return false;
  }
  return true;
}

/** What both the planned text and the shape of the answer are made from. */
export type Selected = {
  schema: GraphQLSchema;
  supergraph: Supergraph;
  rootType: string;
  selectionSet: SelectionSetNode;
  /** Fields that this caller may not read. */
  denied: ReadonlyMap<FieldNode, Requirement>;
  planKeys: PlanKeys;
  /** Marks of the fragments that leave later; all others leave at once. */
  deferred: ReadonlySet<Mark>;
};

/**
 * Whether objects under a selection of this type look different by their concrete type, so that it must be asked for. Not asked for without
 * need: on an object that another subgraph calls by its interface, it costs a call of its own.
 */
export function needsConcreteType({ schema, supergraph }: Selected, type: GraphQLNamedType, sets: readonly SelectionSetNode[]): boolean {
  if (!isAbstractType(type)) return false;
  const selections = sets.flatMap(unwrapped);
  if (selections.some((node) => node.kind !== Kind.FIELD || node.name.value === '__typename')) return true;
  const whole = supergraph.schema.getType(type.name);
  if (isAbstractType(whole) && supergraph.schema.getPossibleTypes(whole).some(({ name }) => !schema.getType(name))) return true;
  if (!isInterfaceType(type)) return true;
  const names = selections.flatMap((node) => node.kind === Kind.FIELD ? [node.name.value] : []);
  return schema.getPossibleTypes(type).some((object) => names.some((name) => String(object.getFields()[name]?.type) !== String(type.getFields()[name]?.type)));
}

/** Fragments without a type condition say nothing about types. */
function unwrapped({ selections }: SelectionSetNode): SelectionNode[] {
  return selections.flatMap((node) => node.kind === Kind.INLINE_FRAGMENT && !node.typeCondition ? unwrapped(node.selectionSet) : [node]);
}

/** What the planner is asked for instead: without what the gateway answers itself or denies, with the concrete types it needs. Null: nothing. Marks stay. */
export function plannedSelections(selected: Selected): SelectionSetNode | null {
  const { schema, supergraph, denied } = selected;
  const inSet = (set: SelectionSetNode, parent: GraphQLNamedType, isRoot: boolean): SelectionNode[] => set.selections.flatMap((node): SelectionNode[] => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return [];
    if (node.kind === Kind.INLINE_FRAGMENT) {
      const type = schema.getType(node.typeCondition?.name.value ?? parent.name) ?? parent;
      const selections = inSet(node.selectionSet, type, isRoot);
      // There is only one root type.
      if (isRoot && !markedBy(node)) return selections;
      return selections.length > 0 ? [{ ...node, selectionSet: { kind: Kind.SELECTION_SET, selections: withoutTypeNames(selections, type, supergraph) } }] : [];
    }
    if (denied.has(node) || isRoot && node.name.value.startsWith('__')) return [];
    const type = fieldType(parent, node.name.value);
    const planKey = selected.planKeys.get(node);
    const planned = planKey === undefined ? node : { ...node, alias: { kind: Kind.NAME, value: planKey } as const };
    if (!node.selectionSet || !type) return [planned];
    const selections = inSet(node.selectionSet, type, false);
    if (selections.length === 0 || needsConcreteType(selected, type, [node.selectionSet])) selections.unshift(typeNameField);
    return [{ ...planned, selectionSet: { kind: Kind.SELECTION_SET, selections: withoutTypeNames(selections, type, supergraph) } }];
  });
  const root = schema.getType(selected.rootType);
  const selections = root ? inSet(selected.selectionSet, root, true) : [];
  return selections.length > 0 ? { kind: Kind.SELECTION_SET, selections } : null;
}

/** Null for `__typename`. */
export function fieldType(parent: GraphQLNamedType, name: string): GraphQLNamedType | null {
  const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
  return field ? getNamedType(field.type) : null;
}
