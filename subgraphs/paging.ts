import { Failure } from '../schema/failures.ts';

/** The state of a page as the SDL's `PageInfo`. */
export type PageInfo = { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
export type Edge<Node> = { cursor: string; node: Node };
/** A page of a connection. `totalCount` is asked only when the field is selected. */
export type Page<Node> = { edges: Edge<Node>[]; nodes: Node[]; pageInfo: PageInfo };
export type CountedPage<Node> = Page<Node> & { totalCount: () => Promise<number> };

/** Of any list of the graph at once. */
export const mostItems = 100;

/** What a store needs to read one page: rows strictly behind `after` (null: from the start) and `skip` more, at most `limit`, one more than is shown. */
export type PageRequest = { first: number; limit: number; after: string | null; skip?: number };
type PageArguments = { first?: number | null | undefined; after?: string | null | undefined; page?: number | null | undefined };

/**
 * Checks the arguments of a connection. `after` becomes the position behind the opaque cursor: the sort key that `page` was given.
 * A `page` counts from 1 and stands in the place of `after`.
 * @throws Failure VALIDATION when `first` is not a whole number of 1 to 100, or `after` is no cursor of ours, or with `page`.
 */
export function pageRequest({ first, after, page: number = null }: PageArguments, defaultFirst: number): PageRequest {
  const count = first ?? defaultFirst;
  if (!Number.isInteger(count) || count < 1 || count > mostItems) throw new Failure('VALIDATION', `first must be a whole number from 1 to ${mostItems}`, { path: ['first'] });
  if (number !== null && (number < 1 || typeof after === 'string')) throw new Failure('VALIDATION', 'page must be 1 or more, and without after', { path: ['page'] });
  const skip = number === null ? 0 : (number - 1) * count;
  return { first: count, limit: count + 1, after: after === null || after === undefined ? null : positionOf(after), skip };
}

/** Makes a page of what a store gave for `request.limit`. `position` is the node's sort key: unique within the list, in its order. */
export function page<Node>(rows: readonly Node[], request: PageRequest, position: (node: Node) => string): Page<Node> {
  const nodes = rows.slice(0, request.first);
  const edges = nodes.map((node) => ({ cursor: cursorOf(position(node)), node }));
  const pageInfo = {
    hasNextPage: rows.length > request.first,
    hasPreviousPage: (request.after !== null || (request.skip ?? 0) > 0) && nodes.length > 0,
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  };
  return { edges, nodes, pageInfo };
}

/** The same with `totalCount`, which costs a statement only when it is selected. */
export function countedPage<Node>(rows: readonly Node[], request: PageRequest, position: (node: Node) => string, totalCount: () => Promise<number>): CountedPage<Node> {
  return { ...page(rows, request, position), totalCount };
}

/** A list that is in memory as a whole, such as a catalogue. */
export function pageOfList<Node>(list: readonly Node[], request: PageRequest, position: (node: Node) => string): CountedPage<Node> {
  const index = request.after === null ? -1 : list.findIndex((node) => position(node) === request.after);
  if (request.after !== null && index < 0) throw staleCursor();
  return countedPage(list.slice(index + 1, index + 1 + request.limit), request, position, async () => list.length);
}

export function cursorOf(position: string): string {
  return Buffer.from(`c1:${position}`).toString('base64url');
}

/** @throws Failure VALIDATION when it is no cursor of ours. */
export function positionOf(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!text.startsWith('c1:') || cursorOf(text.slice(3)) !== cursor) throw staleCursor();
  return text.slice(3);
}

function staleCursor(): Failure {
  return new Failure('VALIDATION', 'after is not a cursor of this list', { path: ['after'] });
}
