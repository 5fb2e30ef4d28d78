import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Demo } from '../../gateway/demo-data.ts';
import { cursorOf } from '../../subgraphs/paging.ts';
import { createTestDatabase, onPostgres, until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient } from '../support/platform.ts';
import { freePort, type ProcessOptions, startProcess } from '../support/process.ts';
import { addClient, openBusiness } from '../support/salon.ts';

type Seen = { seq: number; terminal: boolean };
const styles = ['817941', '462817', '739205', '158634'];
const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

/** Processes on one new database and folder; whatever still runs is ended before they go. */
async function openSite(t: TestContext) {
  const dataDir = await mkdtemp(join(tmpdir(), 'site-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = await createTestDatabase({ after: (drop) => drops.push(drop) });
  const port = await freePort();
  const shared = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, NODE_ENV: 'development', LOG_LEVEL: 'warn', RENDER_WORKERS: '1', PUBLIC_URL: `http://localhost:${port}` };
  const ends: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    await Promise.all(ends.map((end) => end()));
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (options: Omit<ProcessOptions, 'env'>, env: Record<string, string>) => {
    const started = await startProcess({ ...options, env: { ...shared, ...env } });
    ends.push(() => started.end('SIGKILL'));
    return started;
  };
  const gateway = async (on: number, env: Record<string, string>) => {
    const url = `http://127.0.0.1:${on}`;
    return { ...await start({ args: ['gateway/main.ts'], ready: 'Lookgraph is ready' }, { PORT: String(on), ...env }), ...createTestClient(url), url };
  };
  const demo = async (): Promise<Demo> => JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
  return { port, start, gateway, demo };
}

const query = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq terminal } }';

/** Follows a generation over a socket of its own until its end, or until the server is gone: then the result says so. */
async function follow(url: string, key: string, id: string, seen: Seen[], onEvent: (event: Seen) => void = () => undefined): Promise<'ended' | 'lost'> {
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
  try {
    for await (const { data, errors } of client.iterate<{ generationProgress: Seen }>({ query, variables: { id, afterSeq: seen.at(-1)?.seq ?? 0 } })) {
      assert.ok(data, JSON.stringify(errors));
      seen.push(data.generationProgress);
      onEvent(data.generationProgress);
    }
    return 'ended';
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return 'lost';
  } finally {
    await client.dispose();
  }
}

type Gateway = ReturnType<typeof createTestClient> & { url: string };
type NewKey = { createApiKey: { apiKey: { id: string }; secret: string } };

/** A socket that was let in by a key; `closed`: the code by which it ends. */
async function openSocket({ url }: Gateway, key: string): Promise<{ closed: Promise<number> }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  const told = once(socket, 'message');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } }));
  assert.equal(String((await told)[0]), '{"type":"connection_ack"}');
  return { closed: once(socket, 'close').then(([code]) => code as number) };
}

/** What a partner and its businesses do at one gateway counts at the other from then on. */
async function asPartner(first: Gateway, second: Gateway, partnerKey: string): Promise<void> {
  const { createApiKey: { apiKey, secret } } = await first.gql<NewKey>(partnerKey, 'mutation { createApiKey(input: { name: "Second" }) { apiKey { id } secret } }');
  const order = { json: { businessName: 'Both Sides', businessType: 'barber', ownerEmail: 'both@example.com' }, headers: { 'x-partner-api-key': secret, 'idempotency-key': 'both sides' } };
  const [made, again] = [await first.rest('/api/v1/admin/enterprise', order), await second.rest('/api/v1/admin/enterprise', order)];
  assert.deepEqual([made.status, again.status, again.headers.get('idempotency-replayed'), again.text], [201, 201, 'true', made.text], 'one business, whoever is asked again');
  const salon = await openBusiness(first, secret);
  const client = await addClient(second, salon, { email: 'ann@example.org' });
  assert.equal((await first.rest(salon.at(`clients/${client}`), { key: salon.key })).status, 200);
  const { viewer: { account: { enterprises } } } = await second.gql<{ viewer: { account: { enterprises: { totalCount: number; nodes: { slug: string }[] } } } }>(secret, '{ viewer { account { ... on PartnerAccount { enterprises(first: 1) { totalCount nodes { slug } } } } } }');
  assert.deepEqual([enterprises.totalCount, enterprises.nodes], [2, [{ slug: salon.slug }]]);

  const { body: { data: another } } = await second.rest<{ data: { id: string; api_key: string } }>(salon.at('api-keys'), { key: salon.key, json: { name: 'Till' } });
  const sockets = [await openSocket(first, another.api_key), await openSocket(second, another.api_key)];
  const listed = async (gateway: Gateway) => (await gateway.rest(salon.at('clients'), { key: another.api_key })).status;
  assert.deepEqual([await listed(first), await listed(second)], [200, 200]);
  assert.equal((await first.rest(salon.at(`api-keys/${another.id}`), { method: 'DELETE', key: salon.key })).status, 200);
  assert.deepEqual([await listed(second), await listed(first), await Promise.all(sockets.map(({ closed }) => closed))], [401, 401, [4403, 4403]], 'a key that was deleted at the first is refused at the second, and its sockets end');

  const { deleteApiKey } = await first.gql<{ deleteApiKey: { deletedId: string } }>(partnerKey, 'mutation ($id: ID!) { deleteApiKey(id: $id) { deletedId } }', { id: apiKey.id });
  assert.equal(deleteApiKey.deletedId, apiKey.id);
  const { status } = await second.rest('/api/v1/admin/enterprise', { ...order, headers: { 'x-partner-api-key': secret } });
  assert.deepEqual([status, await listed(second), (await second.rest(salon.at('clients'), { key: salon.key })).status], [401, 401, 200], 'so is a partner\'s, and its businesses keep theirs');
}

describe('several processes on one database', { skip: !onPostgres && 'only PostgreSQL can be shared' }, () => {
  test('two gateways: who listens at one hears all that happens through the other, and goes on there when its own is killed', { timeout: 180_000 }, async (t) => {
    const { port, start, gateway, demo } = await openSite(t);
    const first = await gateway(port, { WORKERS: '0' });
    const second = await gateway(await freePort(), { WORKERS: '0' });
    await start({ args: ['subgraphs/main.ts', 'workers'], ready: 'The workers are ready' }, {});
    const { personalKey: key, partnerKey } = await demo();
    await t.test('a partner creates businesses and ends keys at either', async () => asPartner(first, second, partnerKey));
    assert.equal((await first.upload(key, await smallPortrait(300))).status, 200);

    const feed = createClient({ url: `${second.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
    const heard: { id: string; seq: number; terminal: boolean }[] = [];
    const listening = (async () => {
      for await (const { data } of feed.iterate<{ generationFeed: { event: Seen & { generation: { id: string } } } }>({ query: 'subscription ($after: String) { generationFeed(after: $after) { event { seq terminal generation { id } } } }', variables: { after: cursorOf('0') } })) {
        if (data) heard.push({ ...data.generationFeed.event, id: data.generationFeed.event.generation.id });
        if (heard.filter(({ terminal }) => terminal).length === 2) break;
      }
    })();

    const killed = Promise.withResolvers<void>();
    const begin = () => first.generate(key, { mode: 'live', styles, image_name: 'me.jpg' });
    const ids = [await begin(), await begin()] as const;
    const [there, moved]: [Seen[], Seen[]] = [[], []];
    const across = follow(second.url, key, ids[0], there);
    const own = follow(first.url, key, ids[1], moved, ({ seq }) => {
      // In the middle of it.
      if (seq === 4) killed.resolve(first.end('SIGKILL').then(() => undefined));
    });
    assert.deepEqual([await own, await across], ['lost', 'ended']);
    await killed.promise;
    const lostAt = moved.length;
    assert.equal(await follow(second.url, key, ids[1], moved), 'ended');
    await listening;
    await feed.dispose();

    for (const [id, seen] of [[ids[0], there], [ids[1], moved]] as const) {
      const { body } = await second.ended(key, id);
      assert.deepEqual([body.data.status, body.data.images.length], ['completed', styles.length]);
      assert.deepEqual(seen.map(({ seq }) => seq), upTo(body.data.progress?.seq ?? 0));
    }
    assert.ok(lostAt >= 4 && lostAt < moved.length, 'the first was lost in the middle');
    for (const id of ids) assert.deepEqual(heard.filter((event) => event.id === id.replace('job_', 'gen_')).map(({ seq }) => seq), upTo((id === ids[0] ? there : moved).length));
  });

  test('a subgraph that is killed takes only its own fields with it; streams go on behind their last event when it is back', { timeout: 180_000 }, async (t) => {
    const { port, start, gateway, demo } = await openSite(t);
    const subgraphPort = await freePort();
    const hairstyle = () => start({ args: ['subgraphs/main.ts', 'hairstyle'], ready: 'The subgraph hairstyle is ready' }, { PORT: String(subgraphPort), WORKERS: '0' });
    const [front, subgraph] = await Promise.all([gateway(port, { SUBGRAPH_HAIRSTYLE_URL: `http://127.0.0.1:${subgraphPort}/graphql` }), hairstyle()]);
    await start({ args: ['subgraphs/main.ts', 'workers'], ready: 'The workers are ready' }, {});
    const { personalKey: key } = await demo();
    assert.equal((await front.upload(key, await smallPortrait(300))).status, 200);
    const id = await front.generate(key, { mode: 'live', styles, image_name: 'me.jpg' });
    const seen: number[] = [];
    const read = async (isEnough: () => boolean): Promise<boolean> => {
      for await (const { data } of await front.events(key, id, seen.at(-1) ?? 0)) {
        seen.push(data.seq);
        if (data.status === 'completed' || isEnough()) return true;
      }
      return false;
    };
    await read(() => seen.length === 3);
    const cut = read(() => false).catch(() => false);
    await subgraph.end('SIGKILL');
    assert.equal(await cut, false, 'the stream ends when its source does');

    type Partial = { data: { viewer: { account: { id: string } } | null; hairColors: object[] | null }; errors: { path: string[]; extensions: { code: string; retryAfterSeconds: number } }[] };
    const { body } = await front.rest<Partial>('/graphql', { key, json: { query: '{ viewer { account { id } } hairColors { id } }' } });
    assert.equal(body.data, null, 'a list of colors may not be null');
    const { body: alone } = await front.rest<Partial>('/graphql', { key, json: { query: '{ viewer { account { id } } hairstyle(id: "817941") { id } }' } });
    assert.ok(alone.data.viewer?.account.id);
    assert.deepEqual(alone.errors.map(({ path, extensions: { code } }) => [path, code]), [[['hairstyle'], 'UNAVAILABLE']]);
    const refused = await front.rest(`/api/v1/generation/${id}`, { key });
    assert.deepEqual([refused.status, /^\d+$/.test(refused.headers.get('retry-after') ?? '')], [503, true]);
    assert.equal((await front.rest(`/api/v1/generation/${id}/events`, { key })).status, 503);
    assert.equal((await front.rest('/readyz')).status, 200);

    await hairstyle();
    await until(async () => (await front.rest(`/api/v1/generation/${id}`, { key })).status === 200);
    await read(() => false);
    const { body: final } = await front.ended(key, id);
    assert.deepEqual([final.data.status, final.data.images.length], ['completed', styles.length]);
    assert.deepEqual(seen, upTo(final.data.progress?.seq ?? 0));
  });
});
