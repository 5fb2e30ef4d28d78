import * as fc from 'fast-check';
import type { AnyRoute } from '../../gateway/rest/route.ts';
import { hostileForm } from './forms.ts';
import { fitting, hostileText, nearly } from './values.ts';

export type Request = { method: string; path: string; headers: Record<string, string>; body: Buffer | undefined };
/** What stands for the parameters of paths where it should exist. */
export type Known = Readonly<Record<string, readonly string[]>>;

const json = 'application/json';
const odd = ['%00', '%ff', '%', '%2e%2e', '%F0%9F%98%80', 'a'.repeat(199), 'a'.repeat(3000), '__proto__', '0', '-1', '1e9', 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV', '00000000-0000-4000-8000-000000000000', "'", '%27%3B--', 'a%0d%0ab', '%ED%A0%80'];
const word = fc.oneof(fc.constantFrom(...odd), fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text.replaceAll(/[\ud800-\udfff]/g, ''))));

/** Requests to one route, made of its own path and of the shape that it says its body has. */
export function requestsTo(route: AnyRoute, known: Known): fc.Arbitrary<Request> {
  const method = route.method === 'EVENTS' ? 'GET' : route.method;
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  // What exists is not deleted, for the other cases need it, and a stream of something that exists does not end.
  const isKept = method !== 'DELETE' && route.method !== 'EVENTS';
  const values = names.map((name, at) => fc.oneof({ weight: isKept || at < names.length - 1 ? 6 : 0, arbitrary: fc.constantFrom(...known[name] ?? ['x']) }, { weight: 1, arbitrary: word }));
  const path = fc.tuple(fc.tuple(...values), query).map(([given, more]) => names.reduce((text, name, at) => text.replace(`:${name}`, String(given[at] || 'x')), route.path) + more);
  return fc.tuple(path, bodiesOf(route), headers).map(([to, body, more]) => ({ method, path: to, headers: { ...more, ...body.type && { 'content-type': body.type } }, body: method === 'GET' ? undefined : body.body }));
}

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('page', 'limit', 'search', 'offset', 'status', 'media_page', 'media_limit', 'expand', 'teamId', 'after_seq', '__proto__'), word).map(([name, value]) => `?${name}=${value}`) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.constantFrom('page', 'limit', 'search', 'page[]', 'page[a]'), word), { maxLength: 5 }).map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`) },
);

const headers: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom('', '"', '"a', 'a'.repeat(5000), '\u00ff', '"a";b=1', '1').map((key) => ({ 'idempotency-key': key })) },
  { weight: 1, arbitrary: fc.constantFrom<Record<string, string>>({ accept: 'text/html' }, { accept: 'application/problem+json' }, { accept: '' }, { 'if-none-match': '*' }, { prefer: 'wait=0' }, { 'last-event-id': 'x' }, { 'last-event-id': '99999999999' }, { 'x-request-id': 'a'.repeat(500) }, { 'content-encoding': 'gzip' }, { origin: 'null' }) },
);

function bodiesOf(route: AnyRoute): fc.Arbitrary<{ type: string; body: Buffer }> {
  const fits = nearly(route.body === undefined || route.body === 'file' ? fc.constant({}) : fitting(route.body));
  const written = fits.map((value) => ({ type: json, body: Buffer.from(JSON.stringify(value) ?? 'null') }));
  const hostile = fc.oneof(
    hostileText(fits).map((text) => ({ type: json, body: Buffer.from(text) })), fc.uint8Array({ maxLength: 200 }).map((bytes) => ({ type: json, body: Buffer.from(bytes) })),
    fc.constantFrom('text/plain', 'application/xml', 'application/json; charset=utf-16', 'x', 'application/json, application/json').map((type) => ({ type, body: Buffer.from('{}') })),
  );
  const forms = { weight: route.body === 'file' ? 12 : 1, arbitrary: hostileForm };
  return fc.oneof({ weight: route.body === 'file' ? 1 : 6, arbitrary: written }, { weight: 3, arbitrary: hostile }, forms);
}
