import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createApiLogs } from '../../subgraphs/api-logs.ts';
import { newLogId } from '../../subgraphs/ids.ts';
import { until } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';
import { openBusiness } from '../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);

type Line = { at: string; requestId: string; method: string; path: string; operation: string | null; status: number; durationMs: number; keyId: string; key: { name: string } | null };
const fields = 'nodes { at requestId method path operation status durationMs keyId key { name } } pageInfo { hasNextPage endCursor }';
async function logs(key: string, args = ''): Promise<{ nodes: Line[]; pageInfo: { hasNextPage: boolean; endCursor: string } }> {
  const { viewer } = await platform.gql<{ viewer: { account: { apiLogs: { nodes: Line[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } } }>(key, `query Looking { viewer { account { apiLogs${args} { ${fields} } } } }`);
  return viewer.account.apiLogs;
}

test('every request of a key is there: time, method, path or operation, status, duration, request id', async () => {
  const startedAt = Date.now();
  await platform.rest(salon.at('clients?search=jane@example.com'), { key: salon.key, headers: { 'x-request-id': 'first' } });
  await platform.rest(salon.at('clients'), { key: salon.key, json: {}, headers: { 'x-request-id': 'second' } });
  await platform.gql(salon.key, 'query Named { viewer { scopes } }');
  await platform.gql(salon.key, '{ viewer { scopes } }');
  const { nodes } = await logs(salon.key);
  assert.deepEqual(nodes.map(({ method, path, operation, status }) => [method, path, operation, status]), [
    ['POST', '/graphql', null, 200], ['POST', '/graphql', 'Named', 200], ['POST', salon.at('clients'), null, 400], ['GET', salon.at('clients'), null, 200],
  ]);
  assert.deepEqual(nodes.slice(2).map(({ requestId, key }) => [requestId, key?.name]), [['second', 'Default API key'], ['first', 'Default API key']]);
  for (const { at, durationMs } of nodes) assert.ok(Date.parse(at) >= startedAt - 1000 && Date.parse(at) <= Date.now() && durationMs >= 0);
  assert.doesNotMatch(JSON.stringify(nodes), /jane/);
});

test('lines are found by filters and read in pages, and no other account sees them', async () => {
  const only = async (filter: string) => (await logs(salon.key, `(filter: { ${filter} })`)).nodes.map(({ requestId }) => requestId);
  assert.deepEqual(await only('statuses: [400, 404]'), ['second']);
  assert.deepEqual(await only('requestId: "first"'), ['first']);
  assert.deepEqual(await only('method: "GET", path: "/api/v1/enterprise"'), ['first']);
  assert.equal((await only('operation: "Named"')).length, 1);
  assert.deepEqual(await only('keyId: "key_01ARZ3NDEKTSV4RRFFQ69G5FAV"'), []);
  assert.deepEqual(await only('to: "2020-01-01T00:00:00Z"'), []);
  assert.deepEqual(await only('from: "2099-01-01T00:00:00Z"'), []);
  const [{ at: moment } = { at: '' }] = (await logs(salon.key, '(filter: { requestId: "first" })')).nodes;
  assert.deepEqual([await only(`requestId: "first", from: "${moment}"`), await only(`requestId: "first", to: "${moment}"`)], [['first'], []], 'from includes the moment, to does not');
  const { body: { data } } = await platform.rest<{ data: { id: string; api_key: string } }>(salon.at('api-keys'), { key: salon.key, json: { name: 'second key' } });
  await platform.rest(salon.at('clients'), { key: data.api_key, headers: { 'x-request-id': 'of-the-second' } });
  assert.deepEqual(await only(`keyId: "${data.id}"`), ['of-the-second']);
  const first = await logs(salon.key, '(first: 2)');
  assert.deepEqual([first.nodes.length, first.pageInfo.hasNextPage], [2, true]);
  const rest = await logs(salon.key, `(first: 100, after: "${first.pageInfo.endCursor}")`);
  assert.ok(rest.nodes.some(({ requestId }) => requestId === 'first') && !rest.nodes.some(({ requestId }) => requestId === first.nodes[0]?.requestId));
  const stranger = await openBusiness(platform, partner.key);
  assert.deepEqual((await logs(stranger.key)).nodes, []);
});

test('whom a path is about is not written down, whatever it is called there', async () => {
  const paths = [salon.at('clients/jane%40example.com'), salon.at('clients/%2B46705550199/generations'), '/api/v1/clients/Wilhelmina%20Quist', salon.at('clients/client_01ARZ3NDEKTSV4RRFFQ69G5FAV')];
  for (const path of paths) await platform.rest(path, { key: salon.key, headers: { 'x-request-id': 'hidden' } });
  const hidden = async (): Promise<string[]> => (await logs(salon.key, '(filter: { requestId: "hidden" })')).nodes.map(({ path }) => path).sort();
  assert.deepEqual(await until(async () => (await hidden()).length === 4 && hidden()), ['/api/v1/clients/:hidden', salon.at('clients/:hidden'), salon.at('clients/:hidden/generations'), paths[3]]);
});

test('a request that is refused before anybody asks whose it is has a line as well', async () => {
  const shop = await openBusiness(platform, partner.key);
  const headers = { 'content-type': 'application/json' };
  await platform.rest(shop.at('clients'), { key: shop.key, method: 'POST', body: '{"email":', headers });
  await platform.rest('/graphql', { key: shop.key, method: 'POST', body: '{', headers });
  await platform.rest(shop.at('clients'), { key: shop.key, method: 'PATCH' });
  await platform.rest('/api/v1/nothing', { key: shop.key });
  await platform.rest('/api/v1/nothing', { key: 'ak_wrong' });
  const lines = async () => (await logs(shop.key, '(filter: { statuses: [400, 404, 405] })')).nodes.map(({ method, path, status }) => [method, path, status].join(' ')).sort();
  assert.deepEqual(await until(async () => (await lines()).length === 4 && lines()), ['GET /api/v1/:hidden 404', `PATCH ${shop.at('clients')} 405`, `POST ${shop.at('clients')} 400`, 'POST /graphql 400']);
});

test('an operation on a WebSocket has a line, a subscription from its beginning on', async () => {
  const shop = await openBusiness(platform, partner.key);
  const socket = createClient({ url: `${platform.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': shop.key }, retryAttempts: 0, lazy: false });
  const first = (query: string): Promise<unknown> => new Promise((resolve) => {
    socket.subscribe({ query }, { next: resolve, error: resolve, complete: () => resolve(null) });
  });
  await first('query Mine { viewer { scopes } }');
  await first('query Wrong { nothing }');
  void first('subscription Feed { generationFeed { cursor } }');
  const nodes = await until(async () => {
    const found = (await logs(shop.key, '(filter: { method: "WEBSOCKET" })')).nodes;
    return found.length === 3 && found;
  });
  assert.deepEqual(nodes.map(({ path, operation, status, keyId }) => [path, operation, status, keyId === nodes[0]?.keyId]), [['/graphql', 'Feed', 200, true], ['/graphql', 'Wrong', 400, true], ['/graphql', 'Mine', 200, true]]);
  assert.equal(new Set(nodes.map(({ requestId }) => requestId)).size, 3);
  await socket.dispose();
});

test('a stream of events has one line, from its beginning on', async () => {
  const shop = await openBusiness(platform, partner.key);
  const streams = await Promise.all(['one', 'two'].map(async (id) => platform.send('/graphql', {
    key: shop.key, json: { query: 'subscription Feed { generationFeed { cursor } }' }, headers: { accept: 'text/event-stream', 'x-request-id': id },
  })));
  const lines = async (): Promise<unknown[]> => (await logs(shop.key, '(filter: { operation: "Feed" })')).nodes.map(({ method, requestId, status }) => [method, requestId, status]).sort();
  const expected = [['POST', 'one', 200], ['POST', 'two', 200]];
  assert.deepEqual(await until(async () => (await lines()).length === 2 && lines()), expected);
  for (const stream of streams) await stream.body?.cancel();
  await platform.rest('/api/v1/styles', { key: shop.key });
  assert.deepEqual(await lines(), expected);
});

test('lines are kept for 30 days and not a day longer', async () => {
  const { apiLogs, connection } = platform.platform;
  const { accountId, keyId } = await platform.tenant();
  const line = { accountId, keyId, method: 'GET', path: '/x', operation: null, status: 200, durationMs: 1 };
  for (const days of [29, 31]) apiLogs.note({ ...line, requestId: `${days}`, at: new Date(Date.now() - days * 86_400_000) });
  assert.deepEqual((await apiLogs.list(accountId, {}, { first: 10, limit: 11, after: null })).map(({ requestId }) => requestId), ['29']);
  await apiLogs.trim();
  const kept = await connection.execute('select request_id from enterprise.api_log where account_id = $1', [accountId]);
  assert.deepEqual(kept.map((row) => row['request_id']), ['29']);
});

test('a thousand lines are one statement, and what is noted before the end is written', async () => {
  const { connection } = platform.platform;
  const { accountId, keyId } = await platform.tenant();
  let statements = 0;
  const apiLogs = createApiLogs({ ...connection, execute: async (text, parameters) => {
    if (text.startsWith('insert into enterprise.api_log')) statements += 1;
    return connection.execute(text, parameters);
  } }, platform.platform.log);
  for (let index = 0; index < 2500; index++) apiLogs.note({ accountId, keyId, requestId: newLogId(), at: new Date(), method: 'GET', path: '/x', operation: null, status: 200, durationMs: 1 });
  assert.equal(statements, 0);
  await apiLogs.close();
  const [{ n } = {}] = await connection.execute('select count(*)::int as n from enterprise.api_log where account_id = $1', [accountId]);
  assert.deepEqual([n, statements], [2500, 3]);
});

test('no request waits for its line', async (t) => {
  const writing = Promise.withResolvers<void>();
  const slow = await startTestPlatform(t, { workers: 0, wrap: (connection) => ({ ...connection, execute: async (text, parameters) => {
    if (text.startsWith('insert into enterprise.api_log')) await writing.promise;
    return connection.execute(text, parameters);
  } }) });
  const { key, accountId } = await slow.tenant();
  for (let request = 0; request < 3; request++) assert.equal((await slow.rest('/api/v1/styles', { key })).status, 200);
  const lines = async () => Number((await slow.platform.connection.execute('select count(*)::int as n from enterprise.api_log where account_id = $1', [accountId]))[0]?.['n']);
  assert.equal(await lines(), 0);
  writing.resolve();
  await until(async () => (await lines()) === 3);
});
