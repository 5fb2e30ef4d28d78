import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { pino } from 'pino';
import { serveSupergraph } from '../../gateway/supergraph-server.ts';
import { startTestPlatform } from '../support/platform.ts';
import { composed, federate } from './federation.ts';
import { serveSubgraphs } from './served.ts';

const json = 'application/json';
const graphql = 'application/graphql-response+json';
const typename = { query: '{ __typename }' };
const preflight = { 'apollo-require-preflight': '1' };

type Check = {
  level: 'MUST' | 'SHOULD' | 'MAY';
  what: string;
  method?: string;
  /** Sent as JSON, unless it is text. */
  body?: unknown;
  search?: Record<string, string>;
  headers?: Record<string, string>;
  /** Which types of answer it is about; each is asked for. */
  accept?: readonly (string | null)[];
  status: number | readonly [number, number];
  type?: string;
  data?: 'present' | 'absent';
};

const wrongKinds = { object: {}, number: 7, boolean: true, array: [] };
const both = [json, graphql] as const;

/** The GraphQL-over-HTTP specification, draft of 2025, as checks of a server. */
const checks: Check[] = [
  { level: 'SHOULD', what: 'answers in application/graphql-response+json when that is accepted', body: typename, accept: [graphql], status: 200, type: `${graphql}; charset=utf-8` },
  { level: 'MUST', what: 'answers in application/json when that is accepted', body: typename, accept: [json], status: 200, type: `${json}; charset=utf-8` },
  { level: 'SHOULD', what: 'answers in application/json when anything is accepted or nothing said', body: typename, accept: ['*/*', null], status: 200, type: `${json}; charset=utf-8` },
  { level: 'MUST', what: 'reads utf-8 that is named', body: typename, headers: { 'content-type': 'application/json; charset=utf-8' }, status: 200, data: 'present' },
  { level: 'MUST', what: 'assumes utf-8', body: { query: '{ __type(name: "Wör👍") { name } }' }, status: 200, data: 'present' },
  { level: 'MAY', what: 'answers GET', method: 'GET', search: typename, headers: preflight, accept: both, status: 200, data: 'present' },
  { level: 'MAY', what: 'reads variables of GET', method: 'GET', search: { query: 'query($n: String!) { __type(name: $n) { name } }', variables: '{"n":"Query"}' }, headers: preflight, accept: both, status: 200, data: 'present' },
  { level: 'MUST', what: 'refuses a mutation by GET', method: 'GET', search: { query: 'mutation { __typename }' }, headers: preflight, accept: both, status: [400, 499] },
  { level: 'SHOULD', what: 'refuses a POST without a type', body: '{"query":"{ __typename }"}', headers: { 'content-type': '' }, accept: both, status: [400, 499] },
  { level: 'SHOULD', what: 'refuses a POST as a form', body: 'query={__typename}', headers: { 'content-type': 'application/x-www-form-urlencoded' }, accept: both, status: [400, 499] },
  { level: 'MAY', what: 'refuses a POST without a body', body: '', accept: both, status: 400 },
  { level: 'MAY', what: 'refuses a missing query', body: { notquery: 1 }, accept: both, status: 400 },
  ...Object.entries(wrongKinds).map(([kind, query]): Check => ({ level: 'MAY', what: `refuses a query that is ${kind}`, body: { query }, accept: both, status: 400 })),
  ...Object.entries(wrongKinds).map(([kind, operationName]): Check => ({ level: 'MAY', what: `refuses an operationName that is ${kind}`, body: { ...typename, operationName }, accept: both, status: 400 })),
  ...Object.entries({ ...wrongKinds, object: 'text' }).map(([kind, variables]): Check => ({ level: 'MAY', what: `refuses variables that are ${kind === 'object' ? 'text' : kind}`, body: { ...typename, variables }, accept: both, status: 400 })),
  ...Object.entries({ ...wrongKinds, object: 'text' }).map(([kind, extensions]): Check => ({ level: 'MAY', what: `refuses extensions that are ${kind === 'object' ? 'text' : kind}`, body: { ...typename, extensions }, accept: both, status: 400 })),
  { level: 'MUST', what: 'reads an operationName', body: { query: 'query A { __typename } query B { __typename }', operationName: 'B' }, accept: both, status: 200, data: 'present' },
  { level: 'MUST', what: 'takes null for variables, operationName and extensions', body: { ...typename, variables: null, operationName: null, extensions: null }, accept: both, status: 200, data: 'present' },
  { level: 'MUST', what: 'reads variables', body: { query: 'query($n: String!) { __type(name: $n) { name } }', variables: { n: 'Query' } }, accept: both, status: 200, data: 'present' },
  { level: 'MUST', what: 'takes extensions', body: { ...typename, extensions: { some: 'value' } }, accept: both, status: 200, data: 'present' },
  { level: 'SHOULD', what: 'refuses what is no JSON', body: '{ "not a JSON', accept: both, status: 400, data: 'absent' },
  { level: 'SHOULD', what: 'refuses JSON that is no request', body: '[]', accept: both, status: 400, data: 'absent' },
  ...Object.entries({ parsing: { query: '{' }, validation: { query: '{ 8f31403dfe404bccbb0e835f2629c6a7 }' }, 'an unknown field': { query: '{ nobody }' }, coercion: { query: 'query($n: String!) { __type(name: $n) { name } }', variables: { n: 7 } } })
    .flatMap(([what, body]): Check[] => [
      { level: 'SHOULD', what: `says 200 for a failure of ${what} in application/json`, body, accept: [json], status: 200, data: 'absent' },
      { level: 'SHOULD', what: `says 400 for a failure of ${what} in application/graphql-response+json`, body, accept: [graphql], status: 400, type: `${graphql}; charset=utf-8`, data: 'absent' },
    ]),
];

function checkAll(url: string): void {
  for (const { level, what, method = 'POST', body, search = {}, headers = {}, accept = [json], status, type, data } of checks) {
    for (const accepted of accept) {
      test(`${level} ${what}${accept.length > 1 ? ` (${accepted ?? 'nothing accepted'})` : ''}`, async () => {
        const sent = { ...method === 'POST' && { 'content-type': json }, ...accepted !== null && { accept: accepted }, ...headers };
        const payload = typeof body === 'string' ? new TextEncoder().encode(body) : JSON.stringify(body);
        const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== ''));
        const response = await fetch(`${url}?${new URLSearchParams(search).toString()}`, { method, headers: given, ...method === 'POST' && { body: payload } });
        const text = await response.text();
        const [lowest, highest] = typeof status === 'number' ? [status, status] : status;
        assert.ok(response.status >= lowest && response.status <= highest, `${response.status} ${text}`);
        if (type) assert.equal(response.headers.get('content-type'), type);
        if (data) assert.equal('data' in (JSON.parse(text) as object), data === 'present', text);
      });
    }
  }
}

/** The audits of the specification's own working group. A GET proves here that no page of another site could have sent it. */
function auditAll(url: string): void {
  const fetchFn = async (address: string, { headers = {}, ...init }: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => fetch(address, { ...init, headers: { ...headers, ...(init.method === 'POST' ? {} : preflight) } });
  const audits = serverAudits({ url, fetchFn });
  test('all audits are there', () => assert.ok(audits.length >= 61, String(audits.length)));
  for (const { id, name, fn } of audits) {
    test(`${id} ${name}`, async () => {
      const result = await fn();
      assert.equal(result.status, 'ok', 'reason' in result ? result.reason : '');
    });
  }
}

describe('GraphQL over HTTP, any supergraph', async () => {
  const subgraphs = { a: { sdl: 'type Query { hello: String } type Mutation { change: Int }', resolvers: { Query: { hello: () => 'x' } } } };
  const { subgraphs: reachable } = await federate(subgraphs, { traced: false });
  const { urls } = await serveSubgraphs(reachable, { after });
  const folder = await mkdtemp(join(tmpdir(), 'over-http-'));
  const file = join(folder, 'supergraph.graphql');
  await writeFile(file, composed(subgraphs, (name) => urls[name] ?? '').supergraphSdl);
  const server = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: [], log: pino({ level: 'silent' }) });
  after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  checkAll(server.url);
  auditAll(server.url);
});

describe('GraphQL over HTTP, the product', async () => {
  const { url } = await startTestPlatform({ after }, { workers: 0 });
  checkAll(`${url}/graphql`);
  auditAll(`${url}/graphql`);
});
