import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { createOpenings } from '../../gateway/openings.ts';
import { onPostgres, until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient, startTestPlatform } from '../support/platform.ts';
import { freePort, startProcess } from '../support/process.ts';
import { openBusiness, type TestSalon } from '../support/salon.ts';
import { startServer } from '../support/server.ts';

type Server = ReturnType<typeof createTestClient> & { url: string };
/** Something that is open: settles when it has ended. */
type Opened = { name: string; ended: Promise<unknown> };
const query = 'subscription { generationFeed { cursor } }';

/** Streams and sockets of one key, by every way there is; all of them are open when it gives them. */
async function openAll({ url, send, rest }: Server, key: string, job: string): Promise<Opened[]> {
  const json = { query };
  const socket = async (protocol: string, begin: string): Promise<Opened> => {
    const opened = new WebSocket(`${url.replace('http', 'ws')}/graphql`, protocol);
    const ended = new Promise((resolve) => opened.once('close', resolve));
    await new Promise((resolve) => opened.once('open', resolve));
    opened.send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } }));
    await new Promise((resolve) => opened.once('message', resolve));
    opened.send(JSON.stringify({ id: '1', type: begin, payload: json }));
    return { name: protocol, ended };
  };
  const token = await (await send('/graphql', { method: 'PUT', key })).text();
  const streams = {
    'server-sent events': await send('/graphql', { key, json, headers: { accept: 'text/event-stream' } }),
    'a reserved stream': await send(`/graphql?token=${token}`, { headers: { accept: 'text/event-stream' } }),
    'multipart/mixed': await send('/graphql', { key, json, headers: { accept: 'multipart/mixed;subscriptionSpec=1.0' } }),
    'events of REST': await send(`/api/v1/generation/${job}/events`, { key }),
  };
  for (const [name, { status }] of Object.entries(streams)) assert.equal(status, 200, name);
  const waiting = rest(`/api/v1/generation/${job}`, { key, headers: { prefer: 'wait=60' } });
  return [
    await socket('graphql-transport-ws', 'subscribe'), await socket('graphql-ws', 'start'),
    ...Object.entries(streams).map(([name, stream]) => ({ name, ended: stream.text().catch(() => 'cut off') })), { name: 'a waiting request', ended: waiting },
  ];
}

const newKey = async ({ rest }: Server, { at, key }: Pick<TestSalon, 'at' | 'key'>, expiresAt: Date | null = null): Promise<{ id: string; secret: string }> => {
  const { status, body, text } = await rest<{ data: { id: string; api_key: string } }>(at('api-keys'), { key, json: { name: 'short', ...expiresAt && { expires_at: expiresAt.toISOString() } } });
  assert.equal(status, 200, text);
  return { id: body.data.id, secret: body.data.api_key };
};
const waitingJob = async ({ upload, generate }: Server, key: string): Promise<string> => {
  await upload(key, await smallPortrait(300));
  return generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
};
const allEnded = async (opened: readonly Opened[]): Promise<void> => void await Promise.all(opened.map(async ({ ended }) => ended));
const stillOpen = async (opened: readonly Opened[]): Promise<string[]> => (await Promise.all(opened.map(async ({ name, ended }) => Promise.race([ended.then(() => []), Promise.resolve([name])])))).flat();

describe('whatever is open', async () => {
  // Nobody works: a generation stays as it is.
  const platform = await startTestPlatform({ after }, { workers: 0 });
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key);
  const job = await waitingJob(platform, salon.key);

  test('ends with the key it was opened with when that is deleted, and nothing of another key does', async () => {
    const [doomed, other] = [await newKey(platform, salon), await newKey(platform, salon)];
    const [mine, theirs] = [await openAll(platform, doomed.secret, job), await openAll(platform, other.secret, job)];
    assert.equal((await platform.rest(salon.at(`api-keys/${doomed.id}`), { method: 'DELETE', key: salon.key })).status, 200);
    await allEnded(mine);
    assert.deepEqual(await stillOpen(theirs), theirs.map(({ name }) => name));
    await platform.rest(salon.at(`api-keys/${other.id}`), { method: 'DELETE', key: salon.key });
    await allEnded(theirs);
  });

  test('ends at the moment at which its key expires, which every family of routes then refuses as it does wrong keys', async () => {
    const expiresAt = new Date(Date.now() + 8_000);
    const { id, secret } = await newKey(platform, salon, expiresAt);
    await allEnded(await openAll(platform, secret, job));
    assert.ok(Date.now() >= expiresAt.getTime());
    const statusAt = async (path: string): Promise<number> => (await platform.rest(path, { key: secret })).status;
    assert.deepEqual([await statusAt(salon.at('clients')), await statusAt(`/api/v1/generation/${job}`), await statusAt('/api/v1/styles'), await statusAt('/graphql?query=%7B__typename%7D')], [401, 403, 401, 401]);
    const { body } = await platform.rest<{ data: { id: string; status: string }[] }>(salon.at('api-keys'), { key: salon.key });
    assert.deepEqual(body.data.map((key) => [key.id === id, key.status]), [[true, 'expired'], [false, 'active']]);
    const [usable = ''] = body.data.flatMap((key) => (key.status === 'active' ? key.id : []));
    assert.equal((await platform.rest(salon.at(`api-keys/${usable}`), { method: 'DELETE', key: salon.key })).status, 400, 'an expired key is no usable one');
  });

  test('ends at once when its key ended while it was being opened', async () => {
    const { keys } = platform.platform;
    const { accountId, keyId } = await platform.tenant();
    const openings = createOpenings(keys);
    await keys.delete(accountId, keyId);
    assert.equal(await new Promise((resolve) => openings.track(keyId, resolve)), 'key ended');
    await openings.closeAll();
  });
});

test('a key that is deleted at one replica, or by the operator, ends what is open at another', { skip: !onPostgres && 'only PostgreSQL can be shared', timeout: 180_000 }, async (t) => {
  const server = await startServer(t, { variables: { WORKERS: '0' } });
  const port = await freePort();
  const shared = { DATA_DIR: server.dataDir, DATABASE_URL: server.databaseUrl, NODE_ENV: 'development', LOG_LEVEL: 'warn' };
  const second = await startProcess({ args: ['gateway/main.ts'], env: { ...shared, PORT: String(port), WORKERS: '0', RENDER_WORKERS: '1' }, ready: 'Lookgraph is ready' });
  try {
    const url = `http://127.0.0.1:${port}`;
    const other = { url, ...createTestClient(url) };
    const { enterprise: { slug, key } } = await server.demo();
    const salon = { key, at: (rest: string) => `/api/v1/enterprise/${slug}/${rest}` };
    const job = await waitingJob(server, key);
    const byRequest = await newKey(server, salon);
    const opened = await openAll(other, byRequest.secret, job);
    assert.equal((await server.rest(salon.at(`api-keys/${byRequest.id}`), { method: 'DELETE', key })).status, 200);
    // From the moment of that answer on.
    assert.equal((await other.rest('/api/v1/styles', { key: byRequest.secret })).status, 401);
    await allEnded(opened);
    const byOperator = await newKey(server, salon);
    const everywhere = [...await openAll(other, byOperator.secret, job), ...await openAll(server, byOperator.secret, job)];
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../../gateway/admin.ts'), 'keys', 'revoke', '--account', slug, '--key', byOperator.id], { env: { ...inherited, ...shared } });
    await allEnded(everywhere);
    await until(async () => (await server.rest('/api/v1/styles', { key: byOperator.secret })).status === 401);
  } finally {
    await second.end('SIGTERM');
  }
});
