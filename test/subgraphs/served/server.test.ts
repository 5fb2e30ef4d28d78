import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { begunKey } from '../../../subgraphs/served/sockets.ts';
import { timeLeftHeader } from '../../../subgraphs/served/end.ts';
import { serveAlone } from '../../support/alone.ts';
import { until } from '../../support/database.ts';
import { smallPortrait } from '../../support/photos.ts';

/** An origin of photos that answers when it is told to. */
const waiting: ServerResponse[] = [];
const origin = createServer((_, response) => waiting.push(response));
origin.listen(0, '127.0.0.1');
await once(origin, 'listening');
const { port } = origin.address() as AddressInfo;
after(() => {
  origin.closeAllConnections();
  origin.close();
});
const photo = `http://127.0.0.1:${port}/portrait.jpg`;

const alone = await serveAlone({ after }, 'hairstyle', { allow: [`127.0.0.1:${port}`] });
const { caller } = await alone.account();
const begin = 'mutation ($url: URL!) { generateHairstyle(input: { mode: TEST, gender: UNISEX, styleIds: ["817941"], imageUrl: $url }) { generation { id } errors { code message } } }';
type Begun = { generateHairstyle: { generation: { id: string } | null; errors: { code: string; message: string }[] } };
const images = async (): Promise<number> => Number((await alone.platform.connection.execute('select count(*)::int as n from hairstyle.image'))[0]?.['n']);

/** A client of the protocol as the gateway is one; `pings`: what the pings said. */
function connect(headers: Record<string, string>) {
  const pings: unknown[] = [];
  class Socket extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  const client = createClient({ url: alone.url.replace('http', 'ws'), webSocketImpl: Socket, retryAttempts: 0, lazy: true, on: { ping: (isReceived, payload) => isReceived && pings.push(payload) } });
  return { client, pings };
}

test('a generation that is begun over HTTP is followed over a socket, from the first event to the last', async () => {
  const beginning = alone.ask(caller, begin, { url: photo });
  (await until(() => waiting.shift() ?? null)).writeHead(200, { 'content-type': 'image/jpeg' }).end(await smallPortrait(300));
  const { body } = await beginning;
  const { generation, errors } = (body.data as Begun).generateHairstyle;
  assert.deepEqual(errors, []);
  const { client, pings } = connect(alone.headersOf(caller));
  const seen: { seq: number; terminal: boolean }[] = [];
  const query = 'subscription ($id: ID!) { generationProgress(id: $id, afterSeq: 0) { seq terminal } }';
  for await (const { data } of client.iterate<{ generationProgress: { seq: number; terminal: boolean } }>({ query, variables: { id: generation?.id } })) if (data) seen.push(data.generationProgress);
  await client.dispose();
  assert.deepEqual(seen.map(({ seq }) => seq), Array.from({ length: seen.length }, (_, at) => at + 1));
  assert.equal(seen.at(-1)?.terminal, true);
  assert.deepEqual(pings.map((ping) => Object.keys(ping ?? {})), [[begunKey]]);
});

test('a subscription that may not begin is an error, and leaves the connection to others', async () => {
  const { client, pings } = connect(alone.headersOf(caller));
  const first = async (query: string): Promise<unknown> => client.iterate({ query }).next().catch((error: unknown) => error);
  assert.deepEqual(await first('subscription { generationProgress(id: "gen_01K0000000000000000000000A") { seq } }').then((errors) => (errors as { extensions: object }[])[0]?.extensions), { code: 'NOT_FOUND', path: ['id'] });
  assert.deepEqual(await first('subscription { nobody }').then((errors) => (errors as { extensions: object }[])[0]?.extensions), { code: 'GRAPHQL_VALIDATION_FAILED' });
  assert.deepEqual(await first('{ hairstyle(id: "817941") { id } }'), { done: false, value: { data: { hairstyle: { id: '817941' } } } });
  assert.deepEqual(pings, []);
  await client.dispose();
});

test('deleting a key closes its streams with 4403, and nobody else\'s', async () => {
  const [doomed, other] = [await alone.account(), await alone.account()];
  const [mine, theirs] = [doomed, other].map(({ caller: who }) => {
    const { client, pings } = connect(alone.headersOf(who));
    const closed = Promise.withResolvers<number>();
    client.on('closed', (event) => closed.resolve((event as CloseEvent).code));
    const feed = client.iterate({ query: 'subscription { generationFeed { cursor } }' });
    feed.next().catch(() => undefined);
    return { client, pings, closed: closed.promise };
  });
  assert.ok(mine && theirs);
  await until(() => mine.pings.length + theirs.pings.length === 2);
  await alone.platform.keys.delete(doomed.caller.accountId, doomed.caller.keyId);
  assert.equal(await mine.closed, 4403);
  assert.equal(await Promise.race([theirs.closed, Promise.resolve('open')]), 'open');
  await theirs.client.dispose();
});

test('a change that has no time left is undone, and says so; so is one whose caller has gone', async () => {
  const before = await images();
  const { body } = await alone.post({ ...alone.headersOf(caller), [timeLeftHeader]: '900' }, { query: begin, variables: { url: photo } });
  assert.deepEqual((body.data as Begun).generateHairstyle, { generation: null, errors: [{ code: 'UNAVAILABLE', message: 'The operation took longer than 1 s.' }] });
  await until(() => waiting.splice(0).every(({ destroyed }) => destroyed));

  const leaving = new AbortController();
  const left = fetch(alone.url, { method: 'POST', signal: leaving.signal, headers: { 'content-type': 'application/json', ...alone.headersOf(caller) }, body: JSON.stringify({ query: begin, variables: { url: photo } }) });
  const held = await until(() => waiting.shift() ?? null);
  leaving.abort();
  await assert.rejects(left);
  if (!held.destroyed) await once(held, 'close');
  assert.equal(await images(), before);
});

test('what goes wrong inside stays inside, and is answered with the id of the request', async () => {
  await alone.platform.connection.execute('alter table hairstyle.generation rename to elsewhere');
  const { status, body } = await alone.ask(caller, 'query ($id: ID!) { hairstyle(id: "817941") { id } hairstyleGeneration(id: $id) { id } }', { id: 'gen_01K0000000000000000000000A' });
  await alone.platform.connection.execute('alter table hairstyle.elsewhere rename to generation');
  assert.equal(status, 200);
  assert.deepEqual(body, {
    errors: [{ message: 'Internal error', path: ['hairstyleGeneration'], extensions: { code: 'INTERNAL', requestId: 'request-7' } }], data: { hairstyle: { id: '817941' }, hairstyleGeneration: null },
  });
});

test('whoever asks whether it is there is answered; all else is at /graphql', async () => {
  const get = async (path: string) => {
    const response = await fetch(new URL(path, alone.url));
    return [response.status, await response.json()];
  };
  assert.deepEqual(await get('/livez'), [200, { status: 'ok' }]);
  assert.deepEqual(await get('/readyz'), [200, { status: 'ready' }]);
  assert.equal((await get('/graphql'))[0], 404);
  assert.equal((await get('/'))[0], 404);
});

test('the command serves one subgraph on its own database, draws nobody into its end, and says what it needs', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'command-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const start = (role: string, env: Record<string, string>) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../../subgraphs/main.ts'), role], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, PORT: '0', DATA_DIR: dataDir, DATABASE_URL: '', NODE_ENV: 'test', ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    return { child, output: () => output };
  };
  const { child, output } = start('headshot', {});
  const url = await until(() => /http:\S+/.exec(output())?.[0] ?? null);
  assert.equal((await fetch(url, { method: 'POST' })).status, 401);
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
  const [, refused] = await once(socket.on('error', () => undefined), 'unexpected-response') as [unknown, { statusCode: number }];
  assert.equal(refused.statusCode, 401);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null], output());
  for (const [role, env, said] of [
    ['nobody', {}, /enterprise\|hairstyle\|headshot\|skinshade\|workers/], ['workers', {}, /DATABASE_URL must be set/], ['headshot', { DATABASE_URL: 'postgres://x@127.0.0.1:1/x' }, /PUBLIC_URL must be set/],
  ] as const) {
    const wrong = start(role, env);
    assert.deepEqual(await once(wrong.child, 'exit'), [1, null]);
    assert.match(wrong.output(), said);
  }
});
