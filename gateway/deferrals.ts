import {
  type DirectiveNode, type DocumentNode, GraphQLError, type InlineFragmentNode, Kind, type SelectionNode, type SelectionSetNode, type ValueNode, visit,
} from 'graphql';

/** Which deferred fragment a selection stands in: its directive, made anew for every place where the fragment is written out. Null: none. */
export type Mark = DirectiveNode | null;

/** A fragment whose fields may be sent later, with the one that it stands in. */
export type Deferral = { mark: DirectiveNode; label: string | null; parent: Deferral | null };

/** Whether @defer stands anywhere in a document. */
export function hasDeferral(document: DocumentNode): boolean {
  let found = false;
  visit(document, { Directive: ({ name }) => {
    found ||= name.value === 'defer';
  } });
  return found;
}

/** The mark of a fragment that is deferred; null where it is not, or not now. */
export function markOf(directives: readonly DirectiveNode[] | undefined, decided: ReadonlyMap<string, boolean>): Mark {
  const defer = directives?.find(({ name }) => name.value === 'defer');
  const condition = defer && argumentOf(defer, 'if');
  const isOff = condition?.kind === Kind.BOOLEAN && !condition.value || condition?.kind === Kind.VARIABLE && decided.get(condition.name.value) === false;
  return defer && !isOff ? { ...defer } : null;
}

/** The mark of a fragment that was written out. */
export function markedBy({ directives }: InlineFragmentNode): Mark {
  return directives?.[0] ?? null;
}

/** Deferred fragments, outer ones before those in them. */
export function deferralsIn({ selections }: SelectionSetNode, parent: Deferral | null = null): Deferral[] {
  return selections.flatMap((node) => {
    if (node.kind === Kind.FRAGMENT_SPREAD || !node.selectionSet) return [];
    const mark = node.kind === Kind.INLINE_FRAGMENT ? markedBy(node) : null;
    if (!mark) return deferralsIn(node.selectionSet, parent);
    const label = argumentOf(mark, 'label');
    const deferral: Deferral = { mark, label: label?.kind === Kind.STRING ? label.value : null, parent };
    return [deferral, ...deferralsIn(node.selectionSet, deferral)];
  });
}

/** The same selections as a planner may see them, who does not know the directive. */
export function withoutMarks({ selections }: SelectionSetNode): SelectionSetNode {
  return { kind: Kind.SELECTION_SET, selections: selections.flatMap((node): SelectionNode[] => {
    if (node.kind === Kind.FRAGMENT_SPREAD || !node.selectionSet) return [node];
    const selectionSet = withoutMarks(node.selectionSet);
    if (node.kind === Kind.FIELD) return [{ ...node, selectionSet }];
    return node.typeCondition ? [{ kind: Kind.INLINE_FRAGMENT, typeCondition: node.typeCondition, selectionSet }] : [...selectionSet.selections];
  }) };
}

/** Paths of response keys that are selected, by the deferred fragment that they stand in. */
export function pathsByMark(set: SelectionSetNode): ReadonlyMap<Mark, ReadonlySet<string>> {
  const paths = new Map<Mark, Set<string>>([[null, new Set()]]);
  const walk = ({ selections }: SelectionSetNode, prefix: string, mark: Mark): void => {
    const found = paths.get(mark) ?? new Set<string>();
    paths.set(mark, found);
    for (const node of selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) walk(node.selectionSet, prefix, markedBy(node) ?? mark);
      if (node.kind !== Kind.FIELD) continue;
      const path = pathBelow(prefix, node.alias?.value ?? node.name.value);
      found.add(path);
      if (node.selectionSet) walk(node.selectionSet, path, mark);
    }
  };
  walk(set, '', null);
  return paths;
}

/** Names have no dots. */
export const pathBelow = (prefix: string, key: string): string => (prefix === '' ? key : `${prefix}.${key}`);

/** What the specification asks of labels: clients find their fragments by them. */
export function labelErrors(document: DocumentNode): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const known = new Set<string>();
  visit(document, {
    Directive(node) {
      const label = node.name.value === 'defer' ? argumentOf(node, 'label') : undefined;
      if (label?.kind === Kind.VARIABLE) errors.push(new GraphQLError('The label of @defer must be a text, not a variable.', { nodes: label }));
      if (label?.kind !== Kind.STRING) return;
      if (known.has(label.value)) errors.push(new GraphQLError(`The label "${label.value}" of @defer stands twice in the document.`, { nodes: label }));
      known.add(label.value);
    },
  });
  return errors;
}

function argumentOf({ arguments: given }: DirectiveNode, name: string): ValueNode | undefined {
  return given?.find((argument) => argument.name.value === name)?.value;
}
