import type { FlattenNodePathSegment } from '@graphql-hive/router-query-planner';
import { isData, type Data } from './data.ts';
import type { Supergraph } from './supergraph.ts';

/** Told of every object at a path, with the object or list that holds it and the key there. */
export type Visitor = { visit(target: Data, holder: Data | unknown[], key: string | number): void };

/** Finds the objects at a path of the plan. Fields reach through lists, with or without an `@` in the path. */
export type Finder = (data: Data, visitor: Visitor) => void;

/** Written as code for its path: reading fields by constant names takes a fraction of what reading them by a variable does. */
export function prepareFinder(path: readonly FlattenNodePathSegment[], supergraph: Supergraph): Finder {
  const conditions: ((value: Data) => boolean)[] = [];
  const functions = path.map((segment, at) => stepCode(segment, at, conditions, supergraph));
  functions.push(`function s${path.length}(v, h, k, d) { ${eachItem(path.length)} else if (typeof v === 'object' && v !== null) d.visit(v, h, k); }`);
  const source = `'use strict';\n${functions.join('\n')}\nreturn (data, visitor) => s0(data, data, '', visitor);`;
  // oxlint-disable-next-line typescript/no-implied-eval -- names come from a validated document, and are quoted
  return new Function('is', source)(conditions) as Finder;
}

const eachItem = (at: number): string => `if (Array.isArray(v)) { for (let i = 0; i < v.length; i++) s${at}(v[i], v, i, d); }`;

function stepCode(segment: FlattenNodePathSegment, at: number, conditions: ((value: Data) => boolean)[], supergraph: Supergraph): string {
  if (segment === '@') return `function s${at}(v, h, k, d) { ${eachItem(at + 1)} }`;
  if ('Field' in segment) {
    const name = JSON.stringify(segment.Field);
    return `function s${at}(v, h, k, d) { ${eachItem(at)} else if (typeof v === 'object' && v !== null) s${at + 1}(v[${name}], v, ${name}, d); }`;
  }
  const condition = conditions.push((value) => isOneOf(value, segment.TypeCondition, supergraph)) - 1;
  return `function s${at}(v, h, k, d) { ${eachItem(at)} else if (typeof v === 'object' && v !== null && is[${condition}](v)) s${at + 1}(v, h, k, d); }`;
}

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
