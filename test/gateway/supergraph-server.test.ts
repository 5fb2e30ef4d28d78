import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { buildASTSchema, GraphQLError, lexicographicSortSchema, parse, printSchema } from 'graphql';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { apiSdl, deferDirective, supergraphSdl } from '../../schema/sdl.ts';
import { createGraph } from '../../gateway/graphql.ts';
import { publicSdl } from '../../gateway/public-schema.ts';
import type { StreamProtocol } from '../../gateway/remote-streams.ts';
import { serveSupergraph } from '../../gateway/supergraph-server.ts';
import { until } from '../support/database.ts';
import { composed, federate, type TestSubgraph } from './federation.ts';
import { Feed } from './feed.ts';
import { serveSubgraphs } from './served.ts';

const subgraphs: Record<string, TestSubgraph> = {
  people: {
    sdl: `type Query { me(slowly: Boolean): Person } type Mutation { rename(name: String!): Person } type Subscription { ticks: Person fed: Person refused: Int }
      type Person @key(fields: "id") { id: ID! name: String secret: Int @authenticated hidden: Int @inaccessible }`,
    resolvers: {
      Query: {
        async me(_: unknown, { slowly }: { slowly?: boolean }) {
          if (slowly) await released.promise;
          return { id: '1', name: 'Ann', secret: 7 };
        },
      },
      Mutation: { rename: (_: unknown, { name }: { name: string }) => ({ id: '1', name }) },
      Subscription: {
        fed: {
          subscribe() {
            const feed = new Feed();
            feeds.push(feed);
            return feed;
          },
        },
        refused: { subscribe: () => Promise.reject(new GraphQLError('not you', { extensions: { code: 'FORBIDDEN' } })) }, ticks: { async* subscribe() { for (const id of ['1', '2']) yield { ticks: { id, name: `n${id}` } }; } },
      },
    },
  },
  pets: {
    sdl: 'type Person @key(fields: "id") { id: ID! pet: String }',
    resolvers: { Person: { __resolveReference: ({ id }: { id: string }) => ({ id, pet: `pet of ${id}` }) } },
  },
};
let released = Promise.withResolvers<void>();
const feeds: Feed[] = [];

const folder = await mkdtemp(join(tmpdir(), 'supergraph-'));
after(() => rm(folder, { recursive: true }));
const { subgraphs: reachable } = await federate(subgraphs, { traced: false });
const { urls, asked } = await serveSubgraphs(reachable, { after });
const file = join(folder, 'supergraph.graphql');
const sdlOf = (given: Record<string, TestSubgraph>) => composed(given, (name) => urls[name] ?? '').supergraphSdl;
await writeFile(file, sdlOf(subgraphs));
const nowhere = join(folder, 'nowhere.graphql');
await writeFile(nowhere, composed(subgraphs, () => 'http://127.0.0.1:9/graphql').supergraphSdl);

async function start(streams: StreamProtocol = 'sse', logged: string[] = []) {
  const log = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
  const server = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: ['authorization'], remote: { streams }, log });
  after(() => server.stop());
  return server;
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const found: Value[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe('any supergraph over its remote subgraphs', async () => {
  const { url } = await start();

  test('answers plain operations, and in the same words through the whole pipeline', async () => {
    const operations = [
      { query: '{ me { name pet } }' }, { query: 'mutation($n: String!) { rename(name: $n) { name pet } }', variables: { n: 'ünï "q"' } },
      { query: 'query A { me { id } } query B { me { pet } }', operationName: 'B' }, { query: '{ me { secret } }' }, { query: '{ __typename me { __typename } __type(name: "Person") { fields { name } } }' },
      { query: '{ nobody }' }, { query: '{ me { hidden } }' }, { query: '{' }, { query: '{ me }', variables: [] }, { query: '' }, {}, [], 'null', '{', { query: 'query($a: Int!) { me { id } }' }, { query: 'subscription { ticks { id } }' },
    ];
    for (const operation of operations) {
      // A parameter of the type keeps the shortcut away.
      const [short, long] = [await post(url, operation), await post(url, operation, { 'content-type': 'application/json; charset=UTF-8' })];
      assert.deepEqual(short, long, JSON.stringify(operation));
    }
    assert.deepEqual(JSON.parse((await post(url, operations[0])).text), { data: { me: { name: 'Ann', pet: 'pet of 1' } } });
  });

  test('passes on the headers that it is told to, and no other', async () => {
    asked.length = 0;
    await post(url, { query: '{ me { pet } }' }, { authorization: 'Bearer x', 'x-other': 'y' });
    assert.deepEqual(asked.map(({ headers }) => [headers.authorization, headers['x-other']]), [['Bearer x', undefined], ['Bearer x', undefined]]);
  });

  test('answers GET without mutations, health, and nothing elsewhere', async () => {
    const headers = { 'apollo-require-preflight': '1' };
    assert.equal(await (await fetch(`${url}?query={me{name}}`, { headers })).text(), '{"data":{"me":{"name":"Ann"}}}\n');
    assert.equal((await fetch(`${url}?query=mutation{rename(name:"x"){name}}`, { headers })).status, 405);
    assert.equal((await fetch(new URL('/livez', url))).status, 200);
    assert.equal((await fetch(new URL('/x', url))).status, 404);
  });

  test('refuses what is too large or too deep', async () => {
    assert.equal((await post(url, { query: `{ me { name } } #${'x'.repeat(1_100_000)}` }).catch(() => ({ status: 413 }))).status, 413);
    assert.equal((await post(url, `{"query":"{ me { id } }","variables":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`)).status, 400);
  });
});

for (const protocol of ['sse', 'ws'] as const) {
  test(`streams a subgraph's subscription that comes over ${protocol}, each event completed`, async () => {
    const { url } = await start(protocol);
    const query = 'subscription { ticks { name pet } }';
    const expected = [{ data: { ticks: { name: 'n1', pet: 'pet of 1' } } }, { data: { ticks: { name: 'n2', pet: 'pet of 2' } } }];
    const socket = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
    assert.deepEqual(await all(socket.iterate({ query })), expected);
    await socket.dispose();
    const events = createEventStreamClient({ url, retryAttempts: 0 });
    assert.deepEqual(await all(events.iterate({ query })), expected);
    events.dispose();
  });
}

for (const protocol of ['sse', 'ws'] as const) {
  test(`tells why a subgraph refuses a subscription over ${protocol}, and that one is not there`, async () => {
    const { url } = await start(protocol);
    const events = createEventStreamClient({ url, retryAttempts: 0 });
    const [refused] = await all(events.iterate({ query: 'subscription { refused }' }));
    assert.deepEqual(refused?.errors?.map(({ message, extensions }) => [message, extensions?.['code']]), [['not you', 'FORBIDDEN']]);
    events.dispose();
    const gone = await serveSupergraph({ file: nowhere, port: 0, host: '127.0.0.1', forward: [], remote: { streams: protocol }, log: pino({ level: 'silent' }) });
    after(() => gone.stop());
    const silent = createEventStreamClient({ url: gone.url, retryAttempts: 0 });
    const [lost] = await all(silent.iterate({ query: 'subscription { ticks { id } }' }));
    assert.deepEqual(lost?.errors?.map(({ extensions }) => extensions?.['code']), ['UNAVAILABLE']);
    silent.dispose();
  });
}

test('a changed supergraph is taken up while a request and subscriptions are under way; a broken one is refused', async () => {
  const logged: string[] = [];
  const { url } = await start('sse', logged);
  const replace = async (text: string, until: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
    while (!logged.some((line) => line.includes(until))) await once(process.stdout, 'none', { signal: AbortSignal.timeout(20) }).catch(() => undefined);
    logged.length = 0;
  };
  const [socket, events] = [createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 }), createEventStreamClient({ url, retryAttempts: 0 })];
  const streams = [socket, events].map((client) => client.iterate({ query: 'subscription { fed { name pet } }' }));
  /** Every stream hears of it, completed by the subgraph that the changed supergraph has no more. */
  const allHear = async (id: string) => {
    const heard = streams.map((stream) => stream.next());
    await until(() => feeds.length === streams.length);
    for (const feed of feeds) feed.push({ fed: { id, name: `n${id}` } });
    for (const { value } of await Promise.all(heard)) assert.deepEqual(value, { data: { fed: { name: `n${id}`, pet: `pet of ${id}` } } });
  };
  await allHear('1');
  released = Promise.withResolvers();
  const underWay = post(url, { query: '{ me(slowly: true) { name pet } }' });
  const { people } = subgraphs;
  await replace(sdlOf({ people: people ?? { sdl: '' } }), 'is in use');
  assert.equal((await post(url, { query: '{ me { pet } }' })).status, 400);
  await allHear('2');
  await replace('type Query { broken', 'is refused');
  await allHear('3');
  assert.equal((await post(url, { query: '{ me { name } }' })).text, '{"data":{"me":{"name":"Ann"}}}\n');
  released.resolve();
  assert.equal((await underWay).text, '{"data":{"me":{"name":"Ann","pet":"pet of 1"}}}\n');
  await replace(sdlOf(subgraphs), 'is in use');
  assert.equal((await post(url, { query: '{ me { pet } }' })).status, 200);
  for (const feed of feeds) feed.end();
  for (const stream of streams) assert.equal((await stream.next()).done, true);
  await socket.dispose();
  events.dispose();
});

test('limits cost only where it is told to', async (t) => {
  const cheap = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: [], maxCost: 1, log: pino({ level: 'silent' }) });
  t.after(() => cheap.stop());
  assert.equal((await post(cheap.url, { query: '{ me { name } }' })).status, 200);
  const { status, text } = await post(cheap.url, { query: '{ me { name } again: me { name } }' });
  assert.deepEqual([status, /limit \\"cost\\" is 1/.test(text)], [400, true], text);
});

test('the command serves a file, and says what is wrong with its arguments', async () => {
  const main = join(import.meta.dirname, '../../gateway/main.ts');
  const run = (...args: string[]) => spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = run('--supergraph', file, '--port', '0');
  const [line] = await once(server.stdout, 'data') as [Buffer];
  const url = /http:\S+/.exec(String(line))?.[0] ?? '';
  assert.equal((await post(url, { query: '{ me { name pet } }' })).text, '{"data":{"me":{"name":"Ann","pet":"pet of 1"}}}\n');
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
  for (const [args, message] of [[['--port', '1'], /npm start -- --supergraph FILE/], [['--supergraph', '/nowhere'], /^The supergraph \/nowhere is not there\.\n$/], [['--supergraph', main], /Syntax Error/]] as const) {
    const wrong = run(...args);
    const [said] = await once(wrong.stderr, 'data') as [Buffer];
    assert.match(String(said), message);
    if (wrong.exitCode === null) await once(wrong, 'exit');
    assert.equal(wrong.exitCode, 1);
  }
});

test('the public schema is the same whether composition or the gateway takes it out of the supergraph', () => {
  const sorted = (sdl: string) => printSchema(lexicographicSortSchema(buildASTSchema(parse(sdl))));
  assert.equal(sorted(publicSdl(supergraphSdl())), sorted(apiSdl()));
  const hidden = {
    a: {
      sdl: `type Query { a(x: In, y: Int @inaccessible): U e: E } union U = A | B interface I @inaccessible { id: ID! } interface J { id: ID! }
        type A implements I & J @key(fields: "id") { id: ID! } type B @inaccessible { id: ID! } input In { a: Int b: Int @inaccessible } enum E { X Y @inaccessible } scalar S @inaccessible`,
    },
  };
  const { supergraphSdl: made } = composed(hidden, (name) => `http://${name}.test`, false);
  const expected = `type Query { a(x: In): U e: E } union U = A interface J { id: ID! } type A implements J { id: ID! } input In { a: Int } enum E { X } ${deferDirective}`;
  assert.equal(sorted(publicSdl(made)), sorted(expected));
});

test('a directive for operations is the clients\', also when it comes with a feature', async () => {
  const sdl = (field: string) => `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@composeDirective"]) @link(url: "https://x.test/trace/v1.0", import: ["@trace", "@owner"])
      @composeDirective(name: "@trace") @composeDirective(name: "@owner")
    directive @trace(level: Level! = LOW) on FIELD | QUERY directive @owner(team: String) on FIELD_DEFINITION enum Level { LOW HIGH } type Query { ${field}: String @owner(team: "t") }`;
  const given = { a: { version: 1, sdl: sdl('a'), resolvers: { Query: { a: () => 'a' } } }, b: { version: 1, sdl: sdl('b'), resolvers: { Query: { b: () => 'b' } } } } as const;
  const federation = await federate(given, { traced: false });
  after(() => federation.graph.stop());
  assert.doesNotMatch(publicSdl(federation.sdls.supergraphSdl), /owner/);
  const graph = await createGraph({ supergraphSdl: federation.sdls.supergraphSdl, subgraphs: federation.subgraphs, log: pino({ level: 'silent' }) });
  after(() => graph.stop());
  const answer = await graph.execute({ source: 'query($level: Level!) @trace { a @trace(level: $level) b @trace }', variables: { level: 'HIGH' }, request: { caller: null, requestId: 'r' } });
  assert.deepEqual(JSON.parse(JSON.stringify(answer)), { data: { a: 'a', b: 'b' } });
});
