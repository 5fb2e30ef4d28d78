import type { OperationLimits } from '../subgraphs/operation-limits.ts';

export { guardDocument, guardSource, tooComplex } from '../subgraphs/operation-limits.ts';

/** What one operation may ask for. Paid once per document, before anything is planned. */
export type Limits = OperationLimits & {
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
  costPerMinute: { value: 600_000, reason: 'of one key: thirty of the dearest operations, or 6,000 pages of 100' },
  planTimeoutMs: { value: 10_000, reason: 'a plan within the other limits takes under 1 s, longer only where the machine is starved' },
  operationTimeoutMs: { value: 30_000, reason: 'clients and proxies give up by then' },
};

/** Limits as the table says, some replaced. */
export function limitsWith(changes: Partial<Limits> = {}): Limits {
  const entries = Object.entries(limitTable).map(([name, { value }]) => [name, value]);
  return { ...Object.fromEntries(entries) as Limits, ...changes };
}
