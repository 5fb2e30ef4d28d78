import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, beforeEach, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import { scheduleSeconds, secondsToWait } from '../../../subgraphs/webhooks.ts';
import { until } from '../../support/database.ts';
import { generate, type Generated, openSalon, painter, styleIds, wholeFile } from './salon.ts';

type Call = { path: string; headers: IncomingHttpHeaders; body: string };
const calls: Call[] = [];
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  calls.push({ path, headers: request.headers, body: (await buffer(request)).toString() });
  if (path === '/moved') response.writeHead(302, { location: '/elsewhere' });
  else response.writeHead(path === '/gone' ? 410 : path === '/broken' ? 500 : 204, path === '/broken' ? { 'retry-after': '60' } : {});
  response.end();
}
const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => {
  server.closeAllConnections();
  server.close();
});
const { port } = server.address() as AddressInfo;
const engine = painter();
const salon = await openSalon(wholeFile, { vision: engine, allow: [`127.0.0.1:${port}`] });
beforeEach(() => engine.does(() => {}));

async function order(path: string, mode = 'LIVE') {
  const me = await salon.account();
  const input = { gender: 'UNISEX', mode, styleIds: styleIds.slice(0, 2), imageId: await salon.photo(me.accountId), callbackUrl: `http://127.0.0.1:${port}${path}` };
  const { generation, errors } = await salon.get<Generated>(me, generate, { input });
  assert.deepEqual(errors, []);
  return { me, id: generation?.id ?? assert.fail() };
}

const called = (path: string) => until(() => calls.find((call) => call.path === path) ?? null, 60_000);
const deliveries = () => salon.platform.connection.execute("select state::text, data, start_after from jobs.job where name = 'hairstyle.webhooks' order by created_on");
/** Attempts of a callback that wait, with the seconds until their time. */
const waiting = async (path: string) => (await deliveries()).filter(({ state, data }) => state === 'created' && (data as { url: string }).url.endsWith(path));

test('a finished generation is told once, signed, in the words of the REST interface', async () => {
  const { me, id } = await order('/done', 'TEST');
  const { headers, body } = await called('/done');
  const secret = await salon.store.getWebhookSecret(me.accountId, 'whsec_none');
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const message = new Webhook(secret).verify(body, headers as Record<string, string>) as { data: { images: string[]; status: string; id: string; mode: string }; message: string; status: string };
  assert.deepEqual(Object.keys(message), ['data', 'message', 'status']);
  assert.deepEqual(Object.keys(message.data), ['images', 'status', 'id', 'mode']);
  assert.deepEqual([message.data.status, message.data.id, message.data.mode, message.message, message.status], ['completed', id.replace('gen_', 'job_'), 'test', 'Success', 'success']);
  assert.equal(message.data.images.length, 2);
  for (const image of message.data.images) {
    const { pathname, searchParams } = new URL(image);
    assert.equal((await salon.platform.blobs.fileResponse({ method: 'HEAD', path: pathname, query: Object.fromEntries(searchParams), headers: {} })).status, 200);
  }
  assert.throws(() => new Webhook('whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=').verify(body, headers as Record<string, string>));
  await until(async () => (await deliveries()).every(({ state }) => state === 'completed'));
  assert.equal(calls.filter(({ path }) => path === '/done').length, 1);
});

test('a failed generation is told with its reason', async () => {
  engine.does(() => Promise.reject(new EngineRefusal('NO_HAIR', 'There is no hair to work with.')));
  const { id } = await order('/failed');
  const { data, message, status } = JSON.parse((await called('/failed')).body) as { data: unknown; message: string; status: string };
  assert.deepEqual([data, message, status], [{ images: [], status: 'failed', id: id.replace('gen_', 'job_'), mode: 'live' }, 'There is no hair to work with.', 'success']);
});

test('a failure is tried again on the schedule, later when the answer says so, with the same message id', async () => {
  await order('/broken');
  const { headers } = await called('/broken');
  const next = await until(async () => (await waiting('/broken'))[0] ?? null);
  const data = next['data'] as { attempt: number; messageId: string };
  assert.deepEqual([data.attempt, data.messageId], [2, headers['webhook-id']]);
  const waitSeconds = ((next['start_after'] as Date).getTime() - Date.now()) / 1000;
  assert.ok(waitSeconds > 30 && waitSeconds <= 61, `${waitSeconds}`);
});

test('a redirect is a failure and is not followed; 410 is the end', async () => {
  await order('/moved');
  await called('/moved');
  await until(async () => (await waiting('/moved')).length === 1);
  await order('/gone');
  await called('/gone');
  await until(async () => (await deliveries()).some(({ state, data }) => state === 'completed' && (data as { url: string }).url.endsWith('/gone')));
  assert.deepEqual([(await waiting('/gone')).length, calls.filter(({ path }) => path === '/elsewhere').length], [0, 0]);
});

test('the schedule is that of Standard Webhooks, ten attempts in about 75 hours, with a little chance', () => {
  const waits = Array.from({ length: 10 }, (_, index) => secondsToWait(index + 1, null, () => 0));
  assert.deepEqual(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, null]);
  assert.ok(Math.abs(scheduleSeconds.reduce((sum, seconds) => sum + seconds, 0) / 3600 - 75.6) < 0.1);
  assert.equal(secondsToWait(1, null, () => 1), 5.5);
  assert.equal(secondsToWait(1, 120, () => 0), 120);
  assert.equal(secondsToWait(1, 1e9, () => 0), 86_400);
});
