import { type FieldNode, Kind, print, type SelectionSetNode } from 'graphql';
import type { References } from './join-directives.ts';

/** The response keys that fields are planned under instead of the client's. */
export type PlanKeys = ReadonlyMap<FieldNode, string>;

/**
 * Objects of different types at one place may have different fields, or one field with different arguments, under one response key. The planner (0.0.38)
 * ends the process when it merges fetches of such, so it is given a key of its own for each. So it is where the client puts something else under the
 * name of a field that keys or requirements name: the planner lets one overwrite the other, and then asks for the wrong entity.
 */
export function planKeysIn(selectionSet: SelectionSetNode, references: References): PlanKeys {
  const keys = new Map<FieldNode, string>();
  separate([selectionSet], keys, references, true);
  return keys;
}

function separate(sets: readonly SelectionSetNode[], keys: Map<FieldNode, string>, references: References, isRoot: boolean): void {
  const byKey = new Map<string, Map<string, FieldNode[]>>();
  for (const set of sets) collect(set, byKey);
  for (const [key, variants] of byKey) {
    let [number, isKept] = [2, false];
    for (const nodes of variants.values()) {
      if (!isKept && (isRoot || nodes.every((node) => !isInTheWay(node, key, references)))) isKept = true;
      else {
        let planned = `${key}_${number}`;
        while (byKey.has(planned) || references.names.has(planned)) planned += '_';
        for (const node of nodes) keys.set(node, planned);
        number += 1;
      }
      separate(nodes.flatMap((node) => node.selectionSet ?? []), keys, references, false);
    }
  }
}

/** Whether a field is not the one that a key or requirement of its response key's name means. */
function isInTheWay({ name, arguments: given }: FieldNode, key: string, { names, withArguments }: References): boolean {
  return names.has(key) && (name.value !== key || (given?.length ?? 0) > 0 || withArguments.has(key));
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
