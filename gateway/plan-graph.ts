import type { FetchNode, FetchRewrite, FlattenNodePathSegment, PlanNode, RequiresSelection } from '@graphql-hive/router-query-planner';
import { Kind, parse, type SelectionSetNode } from 'graphql';
import { pathBelow } from './deferrals.ts';
import { renamedKeys } from './rewrites.ts';
import { fieldsOf } from './shared-places.ts';

/** One call of a plan, with the calls that it builds on. */
export type PlannedCall = {
  node: PlanNode;
  /** Numbers of the calls whose results it reads, all smaller than its own. */
  after: readonly number[];
  /** Paths of response keys that it adds values to. */
  writes: ReadonlySet<string>;
};

type Draft = { node: PlanNode; before: readonly number[]; reads: ReadonlySet<string>; writes: ReadonlySet<string> };

/**
 * The calls of a plan by what they read of each other, instead of by the order in which the plan makes them: a call need not wait for one that it
 * does not build on. `offset` is the number of the first.
 */
export function callsOf(plan: PlanNode | null, offset: number): PlannedCall[] {
  const drafts: Draft[] = [];
  if (plan) collect(plan, [], drafts);
  return drafts.map(({ node, before, reads, writes }) => (
    { node, writes, after: before.filter((other) => [...drafts[other]?.writes ?? []].some((path) => reads.has(path))).map((other) => other + offset) }
  ));
}

/** Everything that some calls build on, themselves included. */
export function closureOf(calls: readonly PlannedCall[], numbers: Iterable<number>): Set<number> {
  const closure = new Set<number>();
  const add = (number: number): void => {
    if (closure.has(number)) return;
    closure.add(number);
    for (const other of calls[number]?.after ?? []) add(other);
  };
  for (const number of numbers) add(number);
  return closure;
}

/** Gives the numbers of the calls under a node. */
function collect(node: PlanNode, before: readonly number[], drafts: Draft[]): number[] {
  if (node.kind === 'Parallel') return node.nodes.flatMap((inner) => collect(inner, before, drafts));
  if (node.kind === 'Sequence') {
    const made: number[] = [];
    for (const inner of node.nodes) made.push(...collect(inner, [...before, ...made], drafts));
    return made;
  }
  return [drafts.push({ node, before, ...accessOf(node) }) - 1];
}

function accessOf(node: PlanNode): Pick<Draft, 'reads' | 'writes'> {
  const reads = new Set<string>();
  const writes = new Set<string>();
  if (node.kind === 'Fetch') write(node, null, '', writes);
  else if (node.kind === 'Flatten' && node.node.kind === 'Fetch') {
    const { requires } = node.node;
    readPath(node.path, reads);
    read(requires ?? [], fieldsOf(node.path).join('.'), reads);
    write(node.node, requires?.length ? '_entities' : null, fieldsOf(node.path).join('.'), writes);
  } else if (node.kind === 'BatchFetch') {
    for (const { alias, paths, requires, outputRewrites } of node.entityBatch.aliases) {
      for (const path of paths) {
        readPath(path, reads);
        read(requires, fieldsOf(path).join('.'), reads);
        write({ operation: node.operation, outputRewrites }, alias, fieldsOf(path).join('.'), writes);
      }
    }
  } else throw new Error(`a plan has a node of kind ${node.kind}`);
  return { reads, writes };
}

/** Every object on the way, and its type where the path depends on it. */
function readPath(path: readonly FlattenNodePathSegment[], into: Set<string>): void {
  let at = '';
  for (const segment of path) {
    if (segment === '@') continue;
    if ('Field' in segment) into.add(at = pathBelow(at, segment.Field));
    else into.add(pathBelow(at, '__typename'));
  }
  into.add(pathBelow(at, '__typename'));
}

function read(selections: readonly RequiresSelection[], at: string, into: Set<string>): void {
  for (const selection of selections) {
    if (selection.kind === 'InlineFragment') read(selection.selections, at, into);
    if (selection.kind !== 'Field') continue;
    const path = pathBelow(at, selection.name);
    into.add(path);
    read(selection.selections ?? [], path, into);
  }
}

/** `rootKey`: the response key whose contents are added at the path; null: all. */
function write({ operation, outputRewrites }: { operation: FetchNode['operation']; outputRewrites?: readonly FetchRewrite[] | undefined }, rootKey: string | null, at: string, into: Set<string>): void {
  const document = parse(operation, { noLocation: true });
  const fragments = new Map(document.definitions.flatMap((node) => node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node.selectionSet]] : []));
  const renamed = renamedKeys(outputRewrites);
  const walk = ({ selections }: SelectionSetNode, prefix: string, only: string | null): void => {
    for (const node of selections) {
      const inner = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node.selectionSet;
      if (node.kind !== Kind.FIELD) {
        if (inner) walk(inner, prefix, only);
        continue;
      }
      const key = node.alias?.value ?? node.name.value;
      if (only !== null) {
        if (key === only && inner) walk(inner, prefix, null);
        continue;
      }
      const path = pathBelow(prefix, renamed.get(key) ?? key);
      into.add(path);
      if (inner) walk(inner, path, null);
    }
  };
  for (const node of document.definitions) if (node.kind === Kind.OPERATION_DEFINITION) walk(node.selectionSet, at, rootKey);
}
