import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { EventOfStream } from '../support/event-stream.ts';
import { until } from '../support/database.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';

const platform = await startTestPlatform({ after });
const socketUrl = `${platform.url.replace('http', 'ws')}/graphql`;
let tenant: Tenant;
before(async () => {
  tenant = await platform.tenant();
  assert.equal((await platform.upload(tenant.key, await portrait())).status, 200);
});

const begin = () => platform.generate(tenant.key, { mode: 'test', styles: ['817941', '462817'], image_name: 'me.jpg' });
const numbers = (events: readonly { seq: number }[]): number[] => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function all(events: AsyncIterable<EventOfStream>): Promise<EventOfStream[]> {
  const found: EventOfStream[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test('events on REST: gap-free from 1, percent never falls, every picture once, the last one ends the stream', async () => {
  const id = await begin();
  const events = await all(await platform.events(tenant.key, id, 0));
  assert.deepEqual(numbers(events.map(({ data }) => data)), upTo(events.length));
  assert.deepEqual(events.map((event) => event.id), events.map(({ data }) => String(data.seq)));
  const percents = events.map(({ data }) => data.percent);
  assert.deepEqual(percents, percents.toSorted((a, b) => a - b));
  assert.deepEqual([percents.at(-1), events.at(-1)?.event, events.at(-1)?.data.status], [100, 'completed', 'completed']);
  const pictures = events.filter(({ event }) => event === 'image_ready');
  assert.deepEqual(pictures.map(({ data }) => data.image?.style).toSorted(), ['462817', '817941']);
  for (const { data } of pictures) {
    const { status, headers, body } = await fetch(data.image?.url ?? '');
    await body?.cancel();
    assert.deepEqual([status, headers.get('content-type')], [200, 'image/jpeg']);
  }
});

test('without Last-Event-ID the first event is the present state', async () => {
  const id = await begin();
  await platform.ended(tenant.key, id);
  const events = await all(await platform.events(tenant.key, id));
  assert.deepEqual(events.map(({ event, data }) => [event, data.status]), [['snapshot', 'completed']]);
});

test('a client that lost its connection goes on behind the last number it saw', async () => {
  const id = await begin();
  const seen: number[] = [];
  for (let attempt = 0; attempt < 200; attempt++) {
    let isOver = true;
    for await (const { data } of await platform.events(tenant.key, id, seen.at(-1) ?? 0)) {
      seen.push(data.seq);
      if (data.status === 'completed' || seen.length % 3 !== 0) continue;
      isOver = false;
      break;
    }
    if (isOver) break;
  }
  const { body } = await platform.ended(tenant.key, id);
  assert.deepEqual(seen, upTo(body.data.progress?.seq ?? 0));
});

test('behind the last event there is nothing: 204, at which an EventSource stops', async () => {
  const id = await begin();
  const { body } = await platform.ended(tenant.key, id);
  const last = body.data.progress?.seq ?? 0;
  const ask = (lastEventId: number) => platform.send(`/api/v1/generation/${id}/events`, { key: tenant.key, headers: { 'last-event-id': String(lastEventId) } });
  const over = await ask(last);
  assert.deepEqual([over.status, await over.text()], [204, '']);
  assert.deepEqual((await all(await platform.events(tenant.key, id, last - 1))).map(({ data }) => data.seq), [last]);
});

test('400 for a Last-Event-ID that is no number', async () => {
  const id = await begin();
  const { status } = await platform.rest(`/api/v1/generation/${id}/events`, { key: tenant.key, headers: { 'last-event-id': 'x' } });
  assert.equal(status, 400);
});

type ProgressEvent = { generationProgress: { seq: number; terminal: boolean; generation: { images: { url: string }[] } } };
const subscription = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq terminal generation { images { url } } } }';

const connect = (connectionParams: Record<string, unknown>, more: object = {}): Client => createClient({ url: socketUrl, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, lazy: true, ...more });

test('events over graphql-transport-ws, the key in any usual name, resumed with afterSeq', async () => {
  const id = await begin();
  const seen: ProgressEvent['generationProgress'][] = [];
  for (const params of [{ 'x-api-key': tenant.key }, { apiKey: tenant.key }, { Authorization: `Bearer ${tenant.key}` }]) {
    const client = connect(params);
    const isLastTurn = 'Authorization' in params;
    for await (const { data, errors } of client.iterate<ProgressEvent>({ query: subscription, variables: { id, afterSeq: seen.at(-1)?.seq ?? 0 } })) {
      assert.equal(errors, undefined, JSON.stringify(errors));
      if (data) seen.push(data.generationProgress);
      if (!isLastTurn && seen.length >= 2) break;
    }
    await client.dispose();
  }
  assert.deepEqual(numbers(seen), upTo(seen.length));
  assert.equal(seen.at(-1)?.terminal, true);
  assert.equal(seen.at(-1)?.generation.images.length, 2);
});

test('the feed of an account has the events of all its generations', async () => {
  const client = connect({ 'x-api-key': tenant.key });
  const opened = Promise.withResolvers<void>();
  client.on('connected', () => opened.resolve());
  const events = client.iterate<{ generationFeed: { cursor: string; event: { seq: number; terminal: boolean; generation: { id: string } } } }>({ query: 'subscription { generationFeed { cursor event { seq terminal generation { id } } } }' });
  const first = events.next();
  await opened.promise;
  const ids = [await begin(), await begin()].map((id) => id.replace('job_', 'gen_'));
  const byId = new Map<string, number[]>();
  let ended = 0;
  for (let next: typeof first = first; ended < 2;) {
    const result = await next;
    const item = (result.value as { data?: { generationFeed: { event: { seq: number; terminal: boolean; generation: { id: string } } } } }).data?.generationFeed.event;
    assert.ok(item, JSON.stringify(result));
    byId.set(item.generation.id, [...byId.get(item.generation.id) ?? [], item.seq]);
    if (item.terminal) ended += 1;
    if (ended < 2) next = events.next();
  }
  await events.return?.();
  await client.dispose();
  assert.deepEqual([...byId.keys()].toSorted(), ids.toSorted());
});

const closeOf = async (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.once('close', resolve));
const init = (socket: WebSocket, key: string): void => void socket.once('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } })));

test('a socket with a wrong key is closed with 4403 and what HTTP says of it', async () => {
  const socket = new WebSocket(socketUrl, 'graphql-transport-ws');
  init(socket, 'ak_wrong');
  const [code, reason] = await once(socket, 'close') as [number, Buffer];
  const { body } = await platform.rest<{ errors: { message: string }[] }>('/graphql', { key: 'ak_wrong', json: { query: '{ __typename }' } });
  assert.deepEqual([code, String(reason)], [4403, body.errors[0]?.message]);
});

test("deleting a key closes its open sockets and streams, and nobody else's", async () => {
  const [doomed, other] = [await platform.tenant(), tenant];
  await platform.upload(doomed.key, await portrait());
  const [mine, theirs] = [doomed, other].map(({ key }) => {
    const socket = new WebSocket(socketUrl, 'graphql-transport-ws');
    init(socket, key);
    return { socket, acknowledged: new Promise((resolve) => socket.once('message', resolve)) };
  });
  assert.ok(mine && theirs);
  await Promise.all([mine.acknowledged, theirs.acknowledged]);
  const feed = await platform.send('/graphql', { key: doomed.key, headers: { accept: 'text/event-stream' }, json: { query: 'subscription { generationFeed { cursor } }' } });
  const reader = feed.body?.getReader();
  await reader?.read();
  const closed = closeOf(mine.socket);
  await platform.platform.keys.delete(doomed.accountId, doomed.keyId);
  assert.equal(await closed, 4403);
  await assert.doesNotReject(until(async () => (await reader?.read().catch(() => ({ done: true })))?.done ?? false));
  assert.equal(theirs.socket.readyState, WebSocket.OPEN);
  theirs.socket.close();
  await closeOf(theirs.socket);
});

test('GraphQL with a wrong key is 401, without one the catalogue alone is open', async () => {
  const json = { query: '{ hairstyles(first: 1) { totalCount } }' };
  const wrong = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { key: 'ak_wrong', json });
  assert.deepEqual([wrong.status, wrong.body.errors[0]?.extensions.code], [401, 'UNAUTHENTICATED']);
  const open = await platform.gql<{ hairstyles: { totalCount: number } }>(null, json.query);
  assert.ok(open.hairstyles.totalCount >= 60);
  const closed = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { json: { query: '{ viewer { scopes } }' } });
  assert.equal(closed.body.errors[0]?.extensions.code, 'UNAUTHENTICATED');
  const malformed = await platform.rest<{ errors: unknown[] }>('/graphql', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } });
  assert.deepEqual([malformed.status, malformed.body.errors.length], [400, 1]);
});

test('cancel while it runs returns the credits', async () => {
  const payer = await platform.tenant({ amount: 8 });
  await platform.upload(payer.key, await portrait());
  const id = await platform.generate(payer.key, { styles: ['817941', '462817', '739205', '158634'], image_name: 'me.jpg' });
  assert.deepEqual(await platform.platform.credits.balance(payer.accountId), { available: 4, reserved: 4 });
  for await (const { data } of await platform.events(payer.key, id)) if (data.status === 'processing') break;
  const { body } = await platform.rest<{ data: { status: string; images: string[] } }>(`/api/v1/generation/${id}`, { method: 'DELETE', key: payer.key });
  assert.deepEqual(body.data, { status: 'canceled', images: [] });
  assert.deepEqual(await platform.platform.credits.balance(payer.accountId), { available: 8, reserved: 0 });
  const events = await all(await platform.events(payer.key, id, 0));
  assert.equal(events.at(-1)?.event, 'canceled');
});
