import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { serveGraph } from '../../gateway/graph-server.ts';
import { createTexts, openTexts } from '../../gateway/texts.ts';
import { readMultipart } from '../support/multipart.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { federate, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

let feed = new Feed();
const { graph, fetches } = await federate({
  a: {
    sdl: 'type Query { one(n: Int = 1): Int } type Mutation { change: Int } type Subscription { job: Int }',
    resolvers: { Query: { one: (_: unknown, { n }: { n: number }) => n }, Mutation: { change: () => 1 }, Subscription: { job: { subscribe: () => feed } } },
  },
});
const log = pino({ level: 'silent' });
const serve = async (texts = createTexts()) => {
  const server = await serveGraph({ current: () => graph, texts, contextOf: () => requestOf(), port: 0, host: '127.0.0.1', log });
  after(server.stop);
  return server.url;
};
after(() => graph.stop());

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const persisted = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } });
const json = 'application/json';

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': json, ...headers }, body: JSON.stringify(body) });
  return { status: response.status, text: (await response.text()).trim() };
}
const notFound = '{"errors":[{"message":"PersistedQueryNotFound","extensions":{"code":"PERSISTED_QUERY_NOT_FOUND"}}]}';
const untrusted = '{"errors":[{"message":"Only trusted documents are executed here.","extensions":{"code":"UNTRUSTED_DOCUMENT"}}]}';

describe('a text that was sent once with its hash', async () => {
  const url = await serve();
  const query = 'query ($n: Int) { one(n: $n) }';
  const byHash = { extensions: persisted(query), variables: { n: 4 } };

  test('is asked for by its hash alone, by POST in both types and by GET', async () => {
    // Clients read the word from a 200 only.
    for (const accept of [json, 'application/graphql-response+json', '*/*']) assert.deepEqual(await post(url, byHash, { accept }), { status: 200, text: notFound }, accept);
    assert.deepEqual(await post(url, { query, ...byHash }), { status: 200, text: '{"data":{"one":4}}' });
    for (const accept of [json, 'application/graphql-response+json']) assert.deepEqual(await post(url, byHash, { accept }), { status: 200, text: '{"data":{"one":4}}' });
    const search = new URLSearchParams({ extensions: JSON.stringify(byHash.extensions), variables: '{"n":5}' });
    const got = await fetch(`${url}?${search.toString()}`, { headers: { 'apollo-require-preflight': '1' } });
    assert.equal((await got.text()).trim(), '{"data":{"one":5}}');
    assert.match(await (await fetch(`${url}?${search.toString()}`)).text(), /CSRF/);
  });

  test('is remembered under no other hash', async () => {
    const wrong = await post(url, { query: '{ other: one }', extensions: persisted(query) });
    assert.deepEqual(wrong, { status: 400, text: '{"errors":[{"message":"provided sha does not match query","extensions":{"code":"BAD_REQUEST"}}]}' });
  });

  test('a mutation is not executed by GET, also by its hash', async () => {
    const mutation = 'mutation { change }';
    await post(url, { query: mutation, extensions: persisted(mutation) });
    fetches.length = 0;
    const got = await fetch(`${url}?extensions=${encodeURIComponent(JSON.stringify(persisted(mutation)))}`, { headers: { 'apollo-require-preflight': '1' } });
    assert.deepEqual([got.status, fetches.length], [405, 0]);
  });

  test('is known on every other way to the graph', async () => {
    const subscription = 'subscription { job }';
    const extensions = persisted(subscription);
    const over = { 'text/event-stream': /event: next\ndata: (.*)/, 'multipart/mixed;subscriptionSpec=1.0': /"payload":null,(.*)\r\n/ };
    for (const [accept, pattern] of Object.entries(over)) assert.match((await post(url, { extensions }, { accept })).text.match(pattern)?.[1] ?? '', /PersistedQueryNotFound/, accept);
    feed = new Feed();
    feed.push({ job: 1 });
    feed.end();
    assert.match((await post(url, { query: subscription, extensions }, { accept: 'text/event-stream' })).text, /\{"data":\{"job":1\}\}/);
    feed = new Feed();
    feed.push({ job: 2 });
    feed.end();
    const parts = await readMultipart({ url, body: { extensions }, headers: { accept: 'multipart/mixed;subscriptionSpec=1.0' } });
    assert.deepEqual(await parts.rest(), ['{"payload":{"data":{"job":2}}}']);
    for (const [protocol, type, answer] of [['graphql-transport-ws', 'subscribe', 'next'], ['graphql-ws', 'start', 'data']] as const) {
      const { send, next, socket } = await connectRaw(url.replace('http', 'ws'), protocol, { type: 'connection_init' });
      while ((await next()).type !== (protocol === 'graphql-ws' ? 'ka' : 'connection_ack'));
      send({ type, id: '1', payload: { query: null, extensions: persisted('{ unknown }') } });
      assert.match(JSON.stringify(await next()), /"error".*PersistedQueryNotFound/);
      send({ type, id: '2', payload: { ...byHash } });
      const { type: said, payload } = await next();
      assert.deepEqual([said, payload], [answer, { data: { one: 4 } }]);
      socket.close();
    }
  });
});

describe('trusted documents', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trusted-'));
  after(() => rm(folder, { recursive: true }));
  const spaced = '\nquery One { one }\n';
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'one.graphql'), spaced);
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id: 'two', name: 'Two', type: 'query', body: 'query Two { two: one(n: 2) }' }] }));
  await writeFile(join(folder, 'persisted-documents.json'), JSON.stringify({ three: 'query Three($n: Int) { three: one(n: $n) }', watch: 'subscription { job }', broken: '{ none }' }));
  const open = await openTexts({ trustedDocuments: folder, trustedOnly: false }, graph, log);
  const only = await openTexts({ trustedDocuments: folder, trustedOnly: true }, graph, log);
  const [url, closed] = [await serve(open), await serve(only)];

  test('are asked for by the hash of their file, or by the id in a manifest', async () => {
    for (const at of [url, closed]) {
      for (const documentId of [sha256(spaced), `sha256:${sha256(spaced.trim())}`]) assert.equal((await post(at, { documentId })).text, '{"data":{"one":1}}');
      assert.equal((await post(at, { extensions: persisted(spaced) })).text, '{"data":{"one":1}}');
      assert.equal((await post(at, { documentId: 'two' })).text, '{"data":{"two":2}}');
      assert.equal((await post(at, { documentId: 'three', variables: { n: 3 } })).text, '{"data":{"three":3}}');
      assert.match((await post(at, { documentId: 'broken' })).text, /GRAPHQL_VALIDATION_FAILED/);
    }
  });

  test('beside others are a convenience', async () => {
    assert.equal((await post(url, { query: '{ one(n: 9) }' })).text, '{"data":{"one":9}}');
    assert.equal((await post(url, { documentId: 'nobody' })).text, notFound);
  });

  test('alone are all that is executed, on every way to the graph', async () => {
    fetches.length = 0;
    const query = '{ one(n: 9) }';
    assert.deepEqual(await post(closed, { query }), { status: 400, text: untrusted });
    assert.deepEqual(await post(closed, { query, extensions: persisted(query) }), { status: 400, text: untrusted });
    assert.deepEqual(await post(closed, { extensions: persisted(query) }), { status: 400, text: untrusted });
    assert.deepEqual(await post(closed, { documentId: 'nobody' }, { accept: json }), { status: 200, text: untrusted });
    // A request that is malformed is not read in another way than it was checked.
    for (const body of [{ query, documentId: 7 }, { query, operationName: 7 }, { query, extensions: { persistedQuery: { version: 1, sha256Hash: {} } } }, [{ query }], { query: [query] }]) {
      assert.equal((await post(closed, body)).status, 400, JSON.stringify(body));
    }
    const headers = { 'apollo-require-preflight': '1' };
    for (const search of [`query=${encodeURIComponent(query)}`, `query={one}&query=${encodeURIComponent(query)}`]) assert.equal((await fetch(`${closed}?${search}`, { headers })).status, 400);
    assert.match((await post(closed, { query }, { accept: 'text/event-stream' })).text, /UNTRUSTED_DOCUMENT/);
    const { send, next, socket } = await connectRaw(closed.replace('http', 'ws'), 'graphql-transport-ws', { type: 'connection_init' });
    await next();
    send({ type: 'subscribe', id: '1', payload: { query } });
    assert.match(JSON.stringify(await next()), /"error".*UNTRUSTED_DOCUMENT/);
    socket.close();
    assert.equal(fetches.length, 0);
    // The text itself is as good as its id.
    assert.equal((await post(closed, { query: spaced })).text, '{"data":{"one":1}}');
  });

  test('that are no documents stop the start', async () => {
    const wrong = await mkdtemp(join(tmpdir(), 'trusted-'));
    after(() => rm(wrong, { recursive: true }));
    await writeFile(join(wrong, 'list.json'), '[1]');
    await assert.rejects(openTexts({ trustedDocuments: wrong, trustedOnly: false }, graph, log), /list\.json is neither/);
    await assert.rejects(openTexts({ trustedDocuments: join(wrong, 'nowhere'), trustedOnly: false }, graph, log), /ENOENT/);
  });
});
