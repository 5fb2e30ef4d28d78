import { type FieldNode, Kind, print, type SelectionSetNode } from 'graphql';

/** The response keys that fields are planned under instead of the client's. */
export type PlanKeys = ReadonlyMap<FieldNode, string>;

/**
 * Objects of different types at one place may have different fields, or one field with different arguments, under one response key. The planner (0.0.38)
 * ends the process when it merges fetches of such, so it is given a key of its own for each.
 */
export function planKeysIn(selectionSet: SelectionSetNode): PlanKeys {
  const keys = new Map<FieldNode, string>();
  separate([selectionSet], keys);
  return keys;
}

function separate(sets: readonly SelectionSetNode[], keys: Map<FieldNode, string>): void {
  const byKey = new Map<string, Map<string, FieldNode[]>>();
  for (const set of sets) collect(set, byKey);
  for (const [key, variants] of byKey) {
    let number = 1;
    for (const nodes of variants.values()) {
      if (number > 1) {
        let planned = `${key}_${number}`;
        while (byKey.has(planned)) planned += '_';
        for (const node of nodes) keys.set(node, planned);
      }
      number += 1;
      separate(nodes.flatMap((node) => node.selectionSet ?? []), keys);
    }
  }
}

/** Fields by response key, then by what they ask for. */
function collect(set: SelectionSetNode, byKey: Map<string, Map<string, FieldNode[]>>): void {
  for (const node of set.selections) {
    if (node.kind === Kind.INLINE_FRAGMENT) collect(node.selectionSet, byKey);
    if (node.kind !== Kind.FIELD) continue;
    const key = node.alias?.value ?? node.name.value;
    const asks = `${node.name.value}(${(node.arguments ?? []).map(print).sort().join()})`;
    const variants = byKey.get(key) ?? new Map<string, FieldNode[]>();
    byKey.set(key, variants.set(asks, [...variants.get(asks) ?? [], node]));
  }
}
