import { type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

/** What one operation may ask for. Paid once per document, before anything is planned. */
export type Limits = {
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
  cost: number;
  costPerMinute: number;
  planTimeoutMs: number;
  operationTimeoutMs: number;
};

/** Each limit with its reason; the largest operation of our own clients uses about a tenth of every one. */
export const limitTable: { readonly [Name in keyof Limits]: { value: number; reason: string } } = {
  sourceCharacters: { value: 60_000, reason: 'ten times the introspection query of an IDE; more is read by nobody and hashed by us' },
  tokens: { value: 6_000, reason: 'the parser takes about 1 ms for as many' },
  nesting: { value: 64, reason: 'brackets inside brackets; the parser overflows its stack at about 10,000, the planner gives up at 50 selections' },
  fragments: { value: 100, reason: 'a chain of 10,000 fragments crashes the planner' },
  depth: { value: 24, reason: 'fields inside fields; the introspection query has 14' },
  selections: { value: 1_500, reason: 'nodes after all fragments are written out: 20 doubling fragments would be a million' },
  aliases: { value: 100, reason: 'planning time grows with their square: 100 take 20 ms, 400 take 4 s, 2,000 take 16 s' },
  rootFields: { value: 40, reason: 'each may be a call to a subgraph of its own' },
  directives: { value: 100, reason: 'validation compares those of one place with each other' },
  comparisons: { value: 3_000, reason: 'pairs of fields with one response key, which validation compares at up to 20 us each: 78 times the same field' },
  variables: { value: 100, reason: 'each is coerced on every request' },
  cost: { value: 20_000, reason: 'objects that the lists of one operation can hold: a page of 100 with 100 of each is half of it' },
  costPerMinute: { value: 600_000, reason: 'of one key in one process: thirty of the dearest operations, or 6,000 pages of 100' },
  planTimeoutMs: { value: 10_000, reason: 'a plan within the other limits takes under 1 s, longer only where the machine is starved' },
  operationTimeoutMs: { value: 30_000, reason: 'clients and proxies give up by then' },
};

/** Limits as the table says, some replaced. */
export function limitsWith(changes: Partial<Limits> = {}): Limits {
  const entries = Object.entries(limitTable).map(([name, { value }]) => [name, value]);
  return { ...Object.fromEntries(entries) as Limits, ...changes };
}

/** An operation that is refused for its size. */
export function tooComplex(name: keyof Limits, limits: Limits): GraphQLError {
  return new GraphQLError(`Operation is too complex: the limit "${name}" is ${limits[name]}.`, { extensions: { code: 'OPERATION_TOO_COMPLEX' } });
}

/** Throws when the text is too long or too nested to be parsed. Strings and comments do not count. */
export function guardSource(source: string, limits: Limits): void {
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

/** Every selection set becomes a pair of brackets in the planner's text, whose parser stops at 50. */
const maxNesting = 45;

type Size = { selections: number; aliases: number; directives: number; depth: number; nesting: number };

/** Throws when the parsed document is too big to be validated or planned, each fragment counted as often as it is spread. */
export function guardDocument(document: DocumentNode, limits: Limits): void {
  const fragments = new Map<string, SelectionSetNode>();
  for (const node of document.definitions) if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node.selectionSet);
  if (document.definitions.length > limits.fragments) throw tooComplex('fragments', limits);
  const measure = measurer(fragments, limits);
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) measure(node.selectionSet);
    if (node.kind !== Kind.OPERATION_DEFINITION) continue;
    if ((node.variableDefinitions?.length ?? 0) > limits.variables) throw tooComplex('variables', limits);
    measure(node.selectionSet);
    if (rootFieldsOf(node.selectionSet, fragments) > limits.rootFields) throw tooComplex('rootFields', limits);
    if (comparisonsIn([node.selectionSet], fragments, limits.comparisons, 0) > limits.comparisons) throw tooComplex('comparisons', limits);
  }
}

/** Sizes of selection sets, each walked once. A cycle counts as nothing: validation refuses it right after. */
function measurer(fragments: ReadonlyMap<string, SelectionSetNode>, limits: Limits): (set: SelectionSetNode) => Size {
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
function comparisonsIn(sets: readonly SelectionSetNode[], fragments: ReadonlyMap<string, SelectionSetNode>, limit: number, depth: number): number {
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
  if (depth > maxNesting) return pairs;
  for (const below of byKey.values()) {
    if (pairs <= limit) pairs += comparisonsIn(below, fragments, limit - pairs, depth + 1);
  }
  return pairs;
}
