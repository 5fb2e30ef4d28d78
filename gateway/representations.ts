import type { RequiresSelection } from '@graphql-hive/router-query-planner';
import { getNullableType, isInterfaceType, isLeafType, isObjectType } from 'graphql';
import { isData, type Data } from './data.ts';
import type { Rewrite } from './rewrites.ts';
import type { Supergraph } from './supergraph.ts';

/** Makes the representations of one entity fetch. */
export type Representer = {
  /** How objects of one concrete type are represented; null when the fetch is not about them. */
  forType(typeName: string): TypeRepresenter | null;
};
/**
 * The number of the object's representation in `asked`, to which it is added when `known` has no equal one. -1 when a key is missing, for then the
 * entity cannot be asked for.
 */
export type TypeRepresenter = (target: Data, known: Map<unknown, number>, asked: Data[]) => number;

/** `rewrite` is applied to each representation before it is sent. */
export function prepareRepresenter(requires: readonly RequiresSelection[], rewrite: Rewrite | null, supergraph: Supergraph): Representer {
  const known = new Map<string, TypeRepresenter | null>();
  return {
    forType(typeName) {
      const found = known.get(typeName);
      if (found !== undefined) return found;
      const made = typeRepresenter(requires, typeName, rewrite, supergraph);
      known.set(typeName, made);
      return made;
    },
  };
}

type Part = { read: string; write: string; required: boolean; inner: readonly RequiresSelection[] | null };

function typeRepresenter(requires: readonly RequiresSelection[], typeName: string, rewrite: Rewrite | null, supergraph: Supergraph): TypeRepresenter | null {
  const parts = partsFor(requires, typeName, supergraph).filter((part) => part.write !== '__typename');
  if (parts.length === 0) return null;
  const isFlat = parts.every(({ read, inner }) => !inner && isLeaf(typeName, read, supergraph));
  const keyOf = isFlat ? flatKey(parts) : null;
  const make = (target: Data): Data | null => {
    const representation: Data = { __typename: typeName };
    return fill(representation, parts, target, supergraph) ? representation : null;
  };
  return (target, known, asked) => {
    const early = keyOf?.(target);
    const present = early === undefined ? undefined : known.get(early);
    if (present !== undefined) return present;
    const representation = make(target);
    const key = early ?? JSON.stringify(representation);
    const index = representation ? known.get(key) ?? asked.length : -1;
    known.set(key, index);
    if (representation && index === asked.length) {
      rewrite?.(representation);
      asked.push(representation);
    }
    return index;
  };
}

/** Reading by a constant name, in code of its own, takes a fraction of reading by a variable. */
function reader(name: string): (target: Data) => unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- the name is quoted
  return new Function('o', `return o[${JSON.stringify(name)}];`) as (target: Data) => unknown;
}

/** Equal for equal leaves, without making JSON only to compare: a single one is its own key, several are told apart by their lengths. */
function flatKey(parts: readonly Part[]): (target: Data) => unknown {
  const [first] = parts;
  if (parts.length === 1 && first) {
    const read = reader(first.read);
    return (target) => {
      const value = read(target);
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
    };
  }
  const readers = parts.map((part) => reader(part.read));
  return (target) => {
    let key = '';
    for (const read of readers) {
      const value = read(target);
      key += typeof value === 'string' ? `"${value.length}:${value}` : typeof value === 'object' && value !== null ? `{${JSON.stringify(value)}` : `#${String(value)}`;
    }
    return key;
  };
}

/** False when the object lacks a field or a required one is null, or when nothing but nulls would be sent. */
function fill(into: Data, parts: readonly Part[], from: Data, supergraph: Supergraph): boolean {
  let hasValue = false;
  for (const { read, write, required, inner } of parts) {
    const value = from[read];
    if (value === undefined || value === null && required) return false;
    const sent = inner ? selectInner(value, inner, supergraph) : value;
    if (sent === undefined) return false;
    into[write] = sent;
    if (sent !== null) hasValue = true;
  }
  return hasValue;
}

/** Undefined when something below is missing. */
function selectInner(value: unknown, selections: readonly RequiresSelection[], supergraph: Supergraph): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => selectInner(item, selections, supergraph));
    return items.includes(undefined) ? undefined : items;
  }
  if (!isData(value)) return value;
  const typeName = typeof value['__typename'] === 'string' ? value['__typename'] : '';
  const selected: Data = {};
  for (const { read, write, inner } of partsFor(selections, typeName, supergraph)) {
    const found = value[read];
    const sent = inner ? selectInner(found, inner, supergraph) : found;
    if (sent === undefined && read !== '__typename') return undefined;
    selected[write] = sent;
  }
  return selected;
}

/** In a plan, `name` is the key to read in our data and `alias` the key to write. */
function partsFor(selections: readonly RequiresSelection[], typeName: string, supergraph: Supergraph): Part[] {
  return selections.flatMap((selection): Part[] => {
    if (selection.kind === 'InlineFragment') {
      return supergraph.satisfies(typeName, selection.typeCondition) ? partsFor(selection.selections, typeName, supergraph) : [];
    }
    if (selection.kind !== 'Field') throw new Error('a plan has a named fragment in the fields that it requires');
    const inner = selection.selections?.length ? selection.selections : null;
    return [{ read: selection.name, write: selection.alias ?? selection.name, required: supergraph.isNonNull(typeName, selection.name), inner }];
  });
}

function isLeaf(typeName: string, fieldName: string, { schema }: Supergraph): boolean {
  const type = schema.getType(typeName);
  const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[fieldName] : undefined;
  return field !== undefined && isLeafType(getNullableType(field.type));
}
