import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { pino } from 'pino';
import { serveSupergraph } from '../../gateway/supergraph-server.ts';
import { until } from '../support/database.ts';
import { composed, federate } from './federation.ts';
import { serveSubgraphs } from './served.ts';

const subgraphs = {
  a: { sdl: 'type Query { say(word: String): String } type Mutation { say(word: String): String }', resolvers: { Query: { say: () => 'unused' }, Mutation: { say: () => 'unused' } } },
};
const { subgraphs: reachable } = await federate(subgraphs, { traced: false });
/** Requests that the subgraph has and does not answer yet. */
let held: { user: string; body: string; response: ServerResponse }[] = [];
const { urls } = await serveSubgraphs(reachable, { after }, ({ headers, body }, response) => {
  held.push({ user: String(headers['x-user']), body, response });
  return true;
});
const folder = await mkdtemp(join(tmpdir(), 'joined-'));
const file = join(folder, 'supergraph.graphql');
await writeFile(file, composed(subgraphs, (name) => urls[name] ?? '').supergraphSdl);
const serve = (joinQueries: boolean) => serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: ['x-user'], remote: { joined: false }, joinQueries, log: pino({ level: 'silent' }) });
const joining = await serve(true);
after(async () => {
  await joining.stop();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  held = [];
});

const ask = (url: string, word: string, { user = 'ann', kind = 'query', signal }: { user?: string; kind?: string; signal?: AbortSignal } = {}) => fetch(url, {
  method: 'POST', headers: { 'content-type': 'application/json', 'x-user': user }, body: JSON.stringify({ query: `${kind} ($word: String) { say(word: $word) }`, variables: { word } }), ...signal && { signal },
}).then(async (response) => response.text());

/** Answers everything that waits, each with its number. */
function answerAll(): void {
  for (const [index, { response }] of held.entries()) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: { say: `answer ${index}` } }));
}

/** Waits until so many requests have come, and long enough that one too many would have come as well. */
async function arrived(count: number): Promise<void> {
  await until(() => held.length >= count);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(held.length, count);
}

test('identical queries of one caller that are under way are asked once; other variables, callers and mutations on their own', async () => {
  const same = Array.from({ length: 5 }, () => ask(joining.url, 'a'));
  const others = [ask(joining.url, 'b'), ask(joining.url, 'a', { user: 'bob' }), ask(joining.url, 'a', { kind: 'mutation' }), ask(joining.url, 'a', { kind: 'mutation' })];
  await arrived(5);
  answerAll();
  assert.equal(new Set(await Promise.all(same)).size, 1);
  assert.equal(new Set(await Promise.all(others)).size, 4);
  const later = ask(joining.url, 'a');
  await arrived(6);
  held[5]?.response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"say":"new"}}');
  assert.equal((await later).trim(), '{"data":{"say":"new"}}');
});

test('who leaves takes nothing from the others; when all have left, the work stops', async () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const leaving = ask(joining.url, 'c', { signal: first.signal }).catch(() => 'left');
  await arrived(1);
  const staying = ask(joining.url, 'c', { signal: second.signal }).catch(() => 'left');
  await arrived(1);
  first.abort();
  assert.equal(await leaving, 'left');
  await arrived(1);
  answerAll();
  assert.match(await staying, /answer 0/);
  held = [];
  const [third, fourth] = [new AbortController(), new AbortController()];
  const both = [ask(joining.url, 'd', { signal: third.signal }), ask(joining.url, 'd', { signal: fourth.signal })].map((sent) => sent.catch(() => 'left'));
  await arrived(1);
  const closed = once(held[0]?.response ?? assert.fail(), 'close');
  third.abort();
  fourth.abort();
  assert.deepEqual(await Promise.all(both), ['left', 'left']);
  await closed;
  const next = ask(joining.url, 'd');
  await arrived(2);
  held[1]?.response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":{"say":"again"}}');
  assert.match(await next, /again/);
});

test('without being told to, every query is asked for itself', async (t) => {
  const plain = await serve(false);
  t.after(() => plain.stop());
  const same = Array.from({ length: 3 }, () => ask(plain.url, 'a'));
  await arrived(3);
  answerAll();
  assert.equal(new Set(await Promise.all(same)).size, 3);
});
