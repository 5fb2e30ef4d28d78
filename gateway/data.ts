/** An object of a subgraph's answer. */
export type Data = Record<string, unknown>;

export function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Adds what another fetch found to what is known: objects and lists are merged, null never replaces a value, and a concrete type name replaces
 * the name of an interface, never the reverse.
 */
export function mergeInto(target: Data, source: Data, isAbstract: (typeName: string) => boolean): void {
  for (const key in source) {
    const next = source[key];
    const present = target[key];
    if (present === undefined || present === null) target[key] = next;
    else if (next === null || next === undefined || next === present) continue;
    else if (typeof next === 'object' && typeof present === 'object') mergeValues(present, next, isAbstract);
    else if (key !== '__typename' || !(typeof next === 'string' && isAbstract(next))) target[key] = next;
  }
}

function mergeValues(present: object, next: object, isAbstract: (typeName: string) => boolean): void {
  if (!Array.isArray(present)) {
    if (isData(present) && isData(next)) mergeInto(present, next, isAbstract);
    return;
  }
  if (!Array.isArray(next)) return;
  for (let index = 0; index < present.length && index < next.length; index++) {
    const [left, right]: unknown[] = [present[index], next[index]];
    if (left === null || left === undefined) present[index] = right;
    else if (typeof left === 'object' && typeof right === 'object' && right !== null) mergeValues(left, right, isAbstract);
  }
}

/** For an entity that stands at two paths, which later fetches complete differently. */
export function copyOf<Value>(value: Value): Value;
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isData(value)) return value;
  const copy: Data = {};
  for (const key in value) copy[key] = copyOf(value[key]);
  return copy;
}
