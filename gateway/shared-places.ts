import type { FlattenNodePathSegment, PlanNode } from '@graphql-hive/router-query-planner';
import { type DocumentNode, Kind, parse, type SelectionSetNode } from 'graphql';

type Path = readonly FlattenNodePathSegment[];

/**
 * Places of a plan at which equal references to one entity may become one object, so that it is completed and written once however often it
 * stands there. The result says so of a path.
 */
export type SharedPlaces = (path: Path) => boolean;

type Written = { keys: readonly string[]; sets: readonly SelectionSetNode[]; fragments: ReadonlyMap<string, SelectionSetNode> };

/**
 * Safe where all objects at the path get the same from every fetch: one single fetch puts them there, and no fetch goes there, or below, by
 * another way than through all of them (a condition on types higher up would mean some of them only).
 */
export function sharedPlaces(node: PlanNode | null): SharedPlaces {
  const paths: Path[] = [];
  const written: Written[] = [];
  if (node) collect(node, [], paths, written);
  return (path) => {
    const keys = fieldsOf(path);
    if (keys.length === 0 || path.some((segment) => segment !== '@' && !('Field' in segment))) return false;
    const text = JSON.stringify(withoutLists(path));
    if (paths.some((other) => startsWith(fieldsOf(other), keys) && !JSON.stringify(withoutLists(other)).startsWith(text.slice(0, -1)))) return false;
    return written.filter((fetch) => fetch.keys.length < keys.length && startsWith(keys, fetch.keys) && selects(fetch.sets, keys.slice(fetch.keys.length), fetch.fragments)).length === 1;
  };
}

function collect(node: PlanNode, at: Path, paths: Path[], written: Written[]): void {
  if (node.kind === 'Sequence' || node.kind === 'Parallel') for (const inner of node.nodes) collect(inner, at, paths, written);
  if (node.kind === 'Flatten') {
    paths.push(node.path);
    collect(node.node, node.path, paths, written);
  }
  if (node.kind === 'Fetch') written.push(writtenBy(node.operation, at, node.requires?.length ? '_entities' : null));
  if (node.kind === 'Subscription') written.push(writtenBy(node.primary.operation, [], null));
  if (node.kind !== 'BatchFetch') return;
  for (const { alias, paths: places } of node.entityBatch.aliases) {
    for (const place of places) {
      paths.push(place);
      written.push(writtenBy(node.operation, place, alias));
    }
  }
}

function writtenBy(text: string, at: Path, rootKey: string | null): Written {
  const document = parse(text, { noLocation: true });
  const fragments = fragmentsOf(document);
  const sets = document.definitions.flatMap((definition) => definition.kind === Kind.OPERATION_DEFINITION ? [definition.selectionSet] : []);
  return { keys: fieldsOf(at), fragments, sets: rootKey === null ? sets : below(sets, rootKey, fragments) };
}

function fragmentsOf({ definitions }: DocumentNode): Map<string, SelectionSetNode> {
  return new Map(definitions.flatMap((definition) => definition.kind === Kind.FRAGMENT_DEFINITION ? [[definition.name.value, definition.selectionSet]] : []));
}

function selects(sets: readonly SelectionSetNode[], keys: readonly string[], fragments: ReadonlyMap<string, SelectionSetNode>): boolean {
  const [first, ...rest] = keys;
  if (first === undefined) return sets.length > 0;
  const inner = below(sets, first, fragments);
  return inner.length > 0 && selects(inner, rest, fragments);
}

/** The selections under a response key, types disregarded. */
function below(sets: readonly SelectionSetNode[], key: string, fragments: ReadonlyMap<string, SelectionSetNode>): SelectionSetNode[] {
  return sets.flatMap(({ selections }) => selections.flatMap((node): SelectionSetNode[] => {
    if (node.kind === Kind.FIELD) return (node.alias?.value ?? node.name.value) === key && node.selectionSet ? [node.selectionSet] : [];
    const inner = node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : fragments.get(node.name.value);
    return inner ? below([inner], key, fragments) : [];
  }));
}

const withoutLists = (path: Path): Path => path.filter((segment) => segment !== '@');

export function fieldsOf(path: Path): string[] {
  return path.flatMap((segment) => segment !== '@' && 'Field' in segment ? [segment.Field] : []);
}

function startsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.every((part, index) => path[index] === part);
}
