import { type FieldNode, Kind, type OperationDefinitionNode, OperationTypeNode, print, type SelectionNode, type SelectionSetNode, visit } from 'graphql';
import { withoutMarks } from './deferrals.ts';

/** An operation as the planner is asked for it. */
export type PlannedOperation = { text: string; /** The client's name of a variable of `text`. */ clientVariable: (name: string) => string };

/**
 * The operations to plan for a client's one. More than one only for a mutation with several root fields: each is completed, other subgraphs'
 * parts included, before the next begins, which a single plan of them would not do.
 */
export function plannedOperations(selections: SelectionSetNode | null, operation: OperationDefinitionNode): PlannedOperation[] {
  if (!selections) return [];
  const planned = withoutMarks(selections);
  const sets = operation.operation === OperationTypeNode.MUTATION ? byResponseKey(planned) : [planned];
  return sets.map((set) => plannedOperation(set, operation));
}

function plannedOperation(selectionSet: SelectionSetNode, { operation, variableDefinitions = [] }: OperationDefinitionNode): PlannedOperation {
  const used = new Set<string>();
  visit(selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  const definitions = variableDefinitions.filter(({ variable }) => used.has(variable.name.value)).map((definition) => ({ ...definition, directives: [] }));
  const clientNames = new Map<string, string>();
  const plannedNames = new Map<string, string>();
  for (const name of used) {
    // The planner takes such names for its own variables.
    if (name !== 'representations' && !name.startsWith('__')) continue;
    let planned = `client_${name}`;
    while (used.has(planned)) planned += '_';
    plannedNames.set(name, planned);
    clientNames.set(planned, name);
  }
  const document = { kind: Kind.DOCUMENT, definitions: [{ kind: Kind.OPERATION_DEFINITION, operation, variableDefinitions: definitions, selectionSet }] } as const;
  const renamed = plannedNames.size === 0 ? document : visit(document, {
    Variable: (node) => ({ ...node, name: { ...node.name, value: plannedNames.get(node.name.value) ?? node.name.value } }),
  });
  return { text: print(renamed), clientVariable: (name) => clientNames.get(name) ?? name };
}

function byResponseKey(set: SelectionSetNode): SelectionSetNode[] {
  const groups = new Map<string, SelectionNode[]>();
  for (const node of set.selections) {
    const key = node.kind === Kind.FIELD ? responseKey(node) : '';
    const group = groups.get(key);
    if (group) group.push(node);
    else groups.set(key, [node]);
  }
  return [...groups.values()].map((selections) => ({ kind: Kind.SELECTION_SET, selections }));
}

function responseKey({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}
