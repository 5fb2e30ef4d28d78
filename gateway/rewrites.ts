import type { FetchNodePathSegment, FetchRewrite } from '@graphql-hive/router-query-planner';
import { isData, type Data } from './data.ts';
import type { Supergraph } from './supergraph.ts';

/** Changes an object in place. */
export type Rewrite = (value: unknown) => void;

/** A plan's rewrites: type names that a subgraph knows by their interface, and response keys that would have collided. Null when there are none. */
export function prepareRewrites(rewrites: readonly FetchRewrite[] | null | undefined, supergraph: Supergraph): Rewrite | null {
  if (!rewrites?.length) return null;
  const all = rewrites.map((rewrite) => prepareOne(rewrite, supergraph));
  return (value) => {
    for (const rewrite of all) rewrite(value);
  };
}

/** The aliases that the planner invented, by name, with the client's keys. */
export function renamedKeys(rewrites: readonly FetchRewrite[] | null | undefined): Map<string, string> {
  const names = new Map<string, string>();
  for (const rewrite of rewrites ?? []) {
    const last = 'KeyRenamer' in rewrite ? rewrite.KeyRenamer.path.at(-1) : undefined;
    if ('KeyRenamer' in rewrite && last && 'Key' in last) names.set(last.Key, rewrite.KeyRenamer.renameKeyTo);
  }
  return names;
}

function prepareOne(rewrite: FetchRewrite, supergraph: Supergraph): Rewrite {
  if ('KeyRenamer' in rewrite) {
    const { path, renameKeyTo } = rewrite.KeyRenamer;
    return walk(path, 0, supergraph, (holder, key) => {
      if (holder[key] === undefined) return;
      holder[renameKeyTo] = holder[key];
      delete holder[key];
    });
  }
  const { path, setValueTo } = 'ValueSetter' in rewrite ? rewrite.ValueSetter : rewrite;
  return walk(path, 0, supergraph, (holder, key) => {
    holder[key] = setValueTo;
  });
}

function walk(path: readonly FetchNodePathSegment[], at: number, supergraph: Supergraph, change: (holder: Data, key: string) => void): Rewrite {
  const segment = path[at];
  if (!segment) throw new Error('a rewrite of the plan has no key');
  const isLast = at === path.length - 1;
  const next = isLast ? null : walk(path, at + 1, supergraph, change);
  const visit: Rewrite = (value) => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (!isData(value)) return;
    if ('Key' in segment) {
      if (next) next(value[segment.Key]);
      else change(value, segment.Key);
      return;
    }
    const typeName = value['__typename'];
    if (typeof typeName !== 'string' || segment.TypenameEquals.some((name) => supergraph.satisfies(typeName, name))) next?.(value);
  };
  return visit;
}
