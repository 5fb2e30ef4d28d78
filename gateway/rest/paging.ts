import { Failure } from '../../schema/failures.ts';
import type { RestRequest } from './route.ts';

const most = 100;
/** The graph's largest whole number: no list has so many pages. */
const lastPage = 2 ** 31 - 1;

/** `page` and `limit` of a query string, by default 1 and 10. More than 100 a page counts as 100. Refuses with VALIDATION what is no whole number from 1. */
export function pageOf({ query }: Pick<RestRequest, 'query'>, names = { page: 'page', limit: 'limit' }, defaultLimit = 10): { page: number; limit: number } {
  return { page: Math.min(positive(query, names.page, 1), lastPage), limit: Math.min(positive(query, names.limit, defaultLimit), most) };
}

function positive(query: RestRequest['query'], name: string, otherwise: number, least = 1): number {
  const given = query[name];
  if (given === undefined || given === '') return otherwise;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given) || Number(given) < least) throw new Failure('VALIDATION', `${name} must be a whole number from ${least}`);
  return Number(given);
}

/** The documented description of a page. */
export function paginationOf(request: RestRequest, total: number) {
  const { page, limit } = pageOf(request);
  return { page, limit, total, totalPages: Math.ceil(total / limit) };
}

/** The Link header of a page (RFC 8288): first, prev, next and last, as far as there are any. */
export function pageLinks(path: string, request: RestRequest, total: number): Readonly<Record<string, string>> {
  const { page, limit, totalPages } = paginationOf(request, total);
  const search = typeof request.query['search'] === 'string' ? { search: request.query['search'] } : {};
  const to = (number: number, rel: string): string => `<${path}?${new URLSearchParams({ page: String(number), limit: String(limit), ...search }).toString()}>; rel="${rel}"`;
  const links = totalPages === 0 ? [] : [
    to(1, 'first'), ...page > 1 ? [to(Math.min(page - 1, totalPages), 'prev')] : [], ...page < totalPages ? [to(page + 1, 'next')] : [], to(totalPages, 'last'),
  ];
  return links.length > 0 ? { link: links.join(', ') } : {};
}

const mostOfSlice = 200;

/** `limit` and `offset` of a query string, by default 50 and 0. More than 200 at once counts as 200. Refuses with VALIDATION what is no whole number. */
function sliceOf({ query }: Pick<RestRequest, 'query'>): { limit: number; offset: number } {
  const offset = positive(query, 'offset', 0, 0);
  return { limit: Math.min(positive(query, 'limit', 50), mostOfSlice), offset: Math.min(offset, lastPage) };
}

/** The graph gives less at once: the first page of a slice. */
export function firstPageOf(request: Pick<RestRequest, 'query'>): { limit: number; offset: number } {
  const { limit, offset } = sliceOf(request);
  return { limit: Math.min(limit, most), offset };
}

/** What is still missing of a slice of which so many items are there; null: nothing. */
export function nextPageOf(request: Pick<RestRequest, 'query'>, there: number, total: number): { limit: number; offset: number } | null {
  const { limit, offset } = sliceOf(request);
  return there < limit && there >= most && offset + there < total ? { limit: Math.min(limit - there, most), offset: offset + there } : null;
}

/** The documented description of a slice. */
export function sliceOfTotal(request: RestRequest, total: number) {
  const { limit, offset } = sliceOf(request);
  return { total, limit, offset, hasMore: offset + limit < total };
}

/** The Link header of a slice (RFC 8288): first, prev, next and last, as far as there are any; what else was asked for stays. */
export function sliceLinks(path: string, request: RestRequest, total: number): Readonly<Record<string, string>> {
  const { limit, offset } = sliceOf(request);
  const others = Object.fromEntries(Object.entries(request.query).filter(([name, value]) => name !== 'limit' && name !== 'offset' && typeof value === 'string')) as Record<string, string>;
  const to = (start: number, rel: string): string => `<${path}?${new URLSearchParams({ limit: String(limit), offset: String(start), ...others }).toString()}>; rel="${rel}"`;
  const last = Math.max(0, Math.ceil(total / limit) - 1) * limit;
  const links = total === 0 ? [] : [
    to(0, 'first'), ...offset > 0 ? [to(Math.max(0, Math.min(offset - limit, last)), 'prev')] : [], ...offset + limit < total ? [to(offset + limit, 'next')] : [], to(last, 'last'),
  ];
  return links.length > 0 ? { link: links.join(', ') } : {};
}
