import { type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

/** How large the text of one operation may be. Looked at before it is validated, whose time grows faster than the text. */
export type OperationLimits = {
  sourceCharacters: number;
  tokens: number;
  nesting: number;
  fragments: number;
  depth: number;
  selections: number;
  aliases: number;
  rootFields: number;
  directives: number;
  comparisons: number;
  variables: number;
};

/** An operation that is refused for its size. */
export function tooComplex<Name extends string>(name: Name, limits: Readonly<Record<Name, number>>): GraphQLError {
  return new GraphQLError(`Operation is too complex: the limit "${name}" is ${limits[name]}.`, { extensions: { code: 'OPERATION_TOO_COMPLEX' } });
}

/** Throws when the text is too long or too nested to be parsed. Strings and comments do not count. */
export function guardSource(source: string, limits: OperationLimits): void {
  if (source.length > limits.sourceCharacters) throw tooComplex('sourceCharacters', limits);
  // A string cannot hide an opening bracket from the parser: what it skips is exactly what the lexer takes as one token.
  const skipped = /"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n\r])*"|#[^\n\r]*|[{[(]|[}\])]/g;
  let depth = 0;
  for (const [token] of source.matchAll(skipped)) {
    if (token === '{' || token === '[' || token === '(') depth += 1;
    else if (token === '}' || token === ']' || token === ')') depth -= 1;
    if (depth > limits.nesting) throw tooComplex('nesting', limits);
  }
}

type Size = { selections: number; aliases: number; directives: number; depth: number; nesting: number };

/** Every selection set becomes a pair of brackets in the planner's text, whose parser stops at 50. */
const plannableNesting = 45;

/** Throws when the parsed document is too big to be validated or planned, each fragment counted as often as it is spread. `maxNesting`: of selection sets. */
export function guardDocument(document: DocumentNode, limits: OperationLimits, maxNesting = plannableNesting): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const node of document.definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node.selectionSet);
  if (document.definitions.length > limits.fragments) throw tooComplex('fragments', limits);
  const measure = measurer(fragments, limits, maxNesting);
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) measure(node.selectionSet);
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    if ((node.variableDefinitions?.length ?? 0) > limits.variables) throw tooComplex('variables', limits);
    measure(node.selectionSet);
    if (rootFieldsOf(node.selectionSet, fragments) > limits.rootFields) throw tooComplex('rootFields', limits);
    if (comparisonsIn([node.selectionSet], fragments, limits.comparisons, maxNesting) > limits.comparisons) throw tooComplex('comparisons', limits);
  }
}

/** Sizes of selection sets, each walked once. A cycle counts as nothing: validation refuses it right after. */
function measurer(fragments: ReadonlyMap<string, SelectionSetNode>, limits: OperationLimits, maxNesting: number): (set: SelectionSetNode) => Size {
  const known = new Map<SelectionSetNode, Size>();
  const empty: Size = { selections: 0, aliases: 0, directives: 0, depth: 0, nesting: 0 };
  const measure = (set: SelectionSetNode): Size => {
    const done = known.get(set);
    if (done) return done;
    known.set(set, empty);
    const size = { ...empty };
    for (const node of set.selections) {
      const inner = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node.selectionSet;
      const below = inner ? measure(inner) : empty;
      size.selections += 1 + below.selections;
      size.aliases += below.aliases + (node.kind === Kind.FIELD && node.alias ? 1 : 0);
      size.directives += below.directives + (node.directives?.length ?? 0);
      size.depth = Math.max(size.depth, below.depth + (node.kind === Kind.FIELD ? 1 : 0));
      size.nesting = Math.max(size.nesting, below.nesting + 1);
    }
    if (size.nesting > maxNesting) throw tooComplex('depth', limits);
    for (const name of ['selections', 'aliases', 'directives', 'depth'] as const) if (size[name] > limits[name]) throw tooComplex(name, limits);
    known.set(set, size);
    return size;
  };
  return measure;
}

function rootFieldsOf(set: SelectionSetNode, fragments: ReadonlyMap<string, SelectionSetNode>, entered: ReadonlySet<unknown> = new Set()): number {
  if (entered.has(set)) return 0;
  const path = new Set(entered).add(set);
  let count = 0;
  for (const node of set.selections) {
    const inner = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node.kind === Kind.INLINE_FRAGMENT ? node.selectionSet : null;
    count += node.kind === Kind.FIELD ? 1 : inner ? rootFieldsOf(inner, fragments, path) : 0;
  }
  return count;
}

/** How many pairs of fields share a response key, fields of one key taken together on every level. Stops above `limit`; a cycle ends at the depth. */
function comparisonsIn(sets: readonly SelectionSetNode[], fragments: ReadonlyMap<string, SelectionSetNode>, limit: number, mostBelow: number): number {
  const byKey = new Map<string, SelectionSetNode[]>();
  let pairs = 0;
  const counts = new Map<string, number>();
  const collect = (set: SelectionSetNode, entered: ReadonlySet<SelectionSetNode>): void => {
    if (entered.has(set)) return;
    const path = new Set(entered).add(set);
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        const before = counts.get(key) ?? 0;
        pairs += before;
        counts.set(key, before + 1);
        if (node.selectionSet) byKey.set(key, [...byKey.get(key) ?? [], node.selectionSet]);
      } else {
        const inner = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value) : node.selectionSet;
        if (inner) collect(inner, path);
      }
      if (pairs > limit) return;
    }
  };
  for (const set of sets) collect(set, new Set());
  if (mostBelow < 0) return pairs;
  for (const below of byKey.values()) {
    if (pairs <= limit) pairs += comparisonsIn(below, fragments, limit - pairs, mostBelow - 1);
  }
  return pairs;
}
