import { Failure } from '../../schema/failures.ts';
import type { RestRequest } from './route.ts';

const most = 100;
/** The graph's largest whole number: no list has so many pages. */
const lastPage = 2 ** 31 - 1;

/** `page` and `limit` of a query string, by default 1 and 10. More than 100 a page counts as 100. Refuses with VALIDATION what is no whole number from 1. */
export function pageOf({ query }: Pick<RestRequest, 'query'>, names = { page: 'page', limit: 'limit' }, defaultLimit = 10): { page: number; limit: number } {
  return { page: Math.min(positive(query, names.page, 1), lastPage), limit: Math.min(positive(query, names.limit, defaultLimit), most) };
}

function positive(query: RestRequest['query'], name: string, otherwise: number): number {
  const given = query[name];
  if (given === undefined || given === '') return otherwise;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given) || Number(given) < 1) throw new Failure('VALIDATION', `${name} must be a whole number from 1`);
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
  const to = (number: number, rel: string): string => `<${path}?${new URLSearchParams({ page: String(number), limit: String(limit), ...search })}>; rel="${rel}"`;
  const links = totalPages === 0 ? [] : [
    to(1, 'first'), ...page > 1 ? [to(Math.min(page - 1, totalPages), 'prev')] : [], ...page < totalPages ? [to(page + 1, 'next')] : [], to(totalPages, 'last'),
  ];
  return links.length > 0 ? { link: links.join(', ') } : {};
}
