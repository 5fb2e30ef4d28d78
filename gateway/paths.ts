import type { FlattenNodePathSegment } from '@graphql-hive/router-query-planner';
import { isData, type Data } from './data.ts';
import type { Supergraph } from './supergraph.ts';

/** Finds the objects at a path of the plan. Fields reach through lists, with or without an `@` in the path. */
export type Finder = (value: unknown, found: Data[]) => void;

export function prepareFinder(path: readonly FlattenNodePathSegment[], supergraph: Supergraph, at = 0): Finder {
  const segment = path[at];
  if (segment === undefined) return findObjects;
  const next = prepareFinder(path, supergraph, at + 1);
  if (segment === '@') {
    return (value, found) => {
      if (Array.isArray(value)) for (const item of value) next(item, found);
    };
  }
  const step: Finder = 'Field' in segment
    ? (value, found) => {
      if (Array.isArray(value)) for (const item of value) step(item, found);
      else if (isData(value)) next(value[segment.Field], found);
    }
    : (value, found) => {
      if (Array.isArray(value)) for (const item of value) step(item, found);
      else if (isData(value) && isOneOf(value, segment.TypeCondition, supergraph)) next(value, found);
    };
  return step;
}

const findObjects: Finder = (value, found) => {
  if (Array.isArray(value)) for (const item of value) findObjects(item, found);
  else if (isData(value)) found.push(value);
};

function isOneOf(value: Data, types: readonly string[], supergraph: Supergraph): boolean {
  const typeName = value['__typename'];
  return typeof typeName === 'string' && types.some((type) => supergraph.satisfies(typeName, type));
}

export type Located = { target: Data; path: (string | number)[] };

/** The same objects in the same order with their places; walked only when there is an error to place. */
export function locate(path: readonly FlattenNodePathSegment[], data: Data, supergraph: Supergraph): Located[] {
  const found: Located[] = [];
  const visit = (value: unknown, at: number, place: readonly (string | number)[]): void => {
    if (Array.isArray(value)) {
      const behind = path[at] === '@' ? at + 1 : at;
      for (const [index, item] of value.entries()) visit(item, behind, [...place, index]);
      return;
    }
    if (!isData(value)) return;
    const segment = path[at];
    if (segment === undefined) found.push({ target: value, path: [...place] });
    else if (segment !== '@' && 'Field' in segment) visit(value[segment.Field], at + 1, [...place, segment.Field]);
    else if (segment !== '@' && isOneOf(value, segment.TypeCondition, supergraph)) visit(value, at + 1, place);
  };
  visit(data, 0, []);
  return found;
}

/** The path up to its first list: where an error stands that is about all objects of a path. */
export function leadingFields(path: readonly FlattenNodePathSegment[]): string[] {
  const fields: string[] = [];
  for (const segment of path) {
    if (segment === '@') break;
    if ('Field' in segment) fields.push(segment.Field);
  }
  return fields;
}
