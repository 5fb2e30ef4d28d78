import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PgBoss } from 'pg-boss';
import { WebSocket } from 'ws';
import { startLookgraph } from '../../gateway/start.ts';
import { openConnection } from '../../subgraphs/database.ts';
import { parseEnvironment } from '../../subgraphs/env.ts';
import { createTestDatabase, onPostgres } from '../support/database.ts';
import { readEventStream } from '../support/event-stream.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform, type Status } from '../support/platform.ts';
import { startServer } from '../support/server.ts';

/** A client that takes part in the handshake and never says anything again, not even goodbye. */
async function muteSocket(port: number): Promise<Socket> {
  const upgrade = request({ port, host: '127.0.0.1', path: '/graphql', headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'bXV0ZSBtdXRlIG11dGUgIQ==', 'sec-websocket-protocol': 'graphql-transport-ws' } });
  upgrade.end();
  const [, socket] = await once(upgrade, 'upgrade') as [unknown, Socket];
  socket.on('error', () => undefined).resume();
  return socket;
}

test('asked to stop, it says goodbye to everybody, hands its work back and ends with code 0', async (t) => {
  const server = await startServer({ after: (stop) => t.after(stop) });
  const port = Number(new URL(server.url).port);
  const { personalKey: key } = await server.demo();
  await server.upload(key, await smallPortrait(300));
  const styles = ['817941', '462817', '739205'];
  const ids = await Promise.all([1, 2].map(() => server.generate(key, { mode: 'live', styles, image_name: 'me.jpg' })));
  const [id = ''] = ids;

  for await (const { event } of readEventStream(await server.send(`/api/v1/generation/${id}/events?after_seq=0`, { key }))) if (event === 'image_ready') break;
  const sockets = [new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws'), new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')] as const;
  const closes = sockets.map(async (socket) => (await once(socket, 'close'))[0] as number);
  await Promise.all(sockets.map(async (socket) => once(socket, 'open')));
  sockets[0].send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } }));
  await once(sockets[0], 'message');
  const mute = await muteSocket(port);
  const feed = await server.send('/graphql', { key, headers: { accept: 'text/event-stream' }, json: { query: 'subscription { generationFeed { cursor } }' } });
  const waited = server.rest<Status>(`/api/v1/generation/${ids.at(-1)}`, { key, headers: { prefer: 'wait=60' } });
  // What comes after the end of hearing is lost, with any server; when this is answered, the one before has been heard.
  assert.equal((await server.rest('/livez')).status, 200);

  // It ends by force, and with another code, when it takes longer than ten seconds.
  assert.equal(await server.end('SIGTERM'), 0, server.output());
  assert.deepEqual(await Promise.all(closes), [1001, 1001]);
  assert.ok(mute.destroyed || await once(mute, 'close'));
  await assert.doesNotReject(feed.text(), 'the stream of events was cut in the middle');
  const { status, body } = await waited;
  assert.equal(status, 200);
  assert.ok(['pending', 'processing'].includes(body.data.status), body.data.status);

  await server.start();
  const answers = await Promise.all(ids.map((job) => server.ended(key, job)));
  assert.deepEqual(answers.map((answer) => [answer.body.data.status, answer.body.data.images.length]), ids.map(() => ['completed', styles.length]));
  const { viewer } = await server.gql<{ viewer: { account: { credits: { available: number; reserved: number } } } }>(key, '{ viewer { account { credits { available reserved } } } }');
  assert.deepEqual(viewer.account.credits, { available: 1000 - ids.length * styles.length, reserved: 0 });
});

test('a platform that has stopped calls nobody', async () => {
  let calls = 0;
  const origin = createServer((_, response) => {
    calls += 1;
    response.end('hello');
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo;
  after(() => void origin.close());
  const stops: (() => Promise<void>)[] = [];
  const { platform } = await startTestPlatform({ after: (stop) => stops.push(stop) }, { workers: 0, allow: [`127.0.0.1:${port}`] });
  const call = async () => platform.outbound.fetchBytes(`http://127.0.0.1:${port}/`, { timeoutMs: 5000, maxBytes: 100 });
  await call();
  for (const stop of stops) await stop();
  await assert.rejects(call());
  assert.equal(calls, 1);
});

test('a start that fails after it listens leaves nothing behind: no port, no folder, no connection', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'start-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const databaseUrl = onPostgres ? await createTestDatabase({ after: (drop) => t.after(drop) }) : null;
  const env = (port: number) => parseEnvironment({ PORT: String(port), DATA_DIR: dataDir, NODE_ENV: 'test', LOG_LEVEL: 'silent', ...databaseUrl !== null && { DATABASE_URL: databaseUrl } });
  const first = await startLookgraph(env(0));
  await first.stop();
  /** What a version before ours may have left: a queue that nobody works on. */
  const withBoss = async (work: (boss: PgBoss) => Promise<void>): Promise<void> => {
    const connection = await openConnection({ databaseUrl, dataDir });
    const boss = new PgBoss({ db: { executeSql: async (text, values) => ({ rows: await connection.execute(text, values) }) }, schema: 'jobs', backend: onPostgres ? 'postgres' : 'pglite', supervise: false, schedule: false });
    await boss.start();
    await work(boss);
    await boss.stop({ graceful: false });
    await connection.close();
  };
  await withBoss(async (boss) => boss.createQueue('left.over'));
  await assert.rejects(startLookgraph(env(first.port)), /left\.over/);
  const refused = connect(first.port, '127.0.0.1');
  assert.equal(((await once(refused, 'error'))[0] as NodeJS.ErrnoException).code, 'ECONNREFUSED');
  // The embedded database opens for one process alone, which here it would not if the failed start still had it.
  await withBoss(async (boss) => boss.deleteQueue('left.over'));
  const again = await startLookgraph(env(first.port));
  if (onPostgres) {
    const rows = await again.platform.connection.execute("select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'lookgraph listener'");
    assert.deepEqual(rows, [{ n: 1 }]);
  }
  await again.stop();
});
