import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { readEventStream } from '../support/event-stream.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';

const platform = await startTestPlatform({ after });
const [owner, stranger] = [await platform.tenant(), await platform.tenant()];
const image = (await platform.upload(owner.key, await portrait(), 'mine.jpg')).body.data;
const id = await platform.generate(owner.key, { mode: 'test', styles: ['817941'], image_name: 'mine.jpg' });
const picture = (await platform.ended(owner.key, id)).body.data.images[0] ?? '';

const seen = async ({ key }: Tenant) => platform.gql<Record<string, unknown>>(key, `query ($id: ID!, $image: ID!) {
  hairstyleGeneration(id: $id) { id images { id } source { id } } sourceImage(id: $image) { id url }
  viewer { account { generations { totalCount } images { totalCount } } } }`, { id, image: image.id });

test('the owner sees everything', async () => {
  const { hairstyleGeneration, sourceImage, viewer } = await seen(owner);
  assert.ok(hairstyleGeneration && sourceImage);
  assert.deepEqual(viewer, { account: { generations: { totalCount: 1 }, images: { totalCount: 1 } } });
});

test('a stranger gets nothing from the graph', async () => {
  assert.deepEqual(await seen(stranger), { hairstyleGeneration: null, sourceImage: null, viewer: { account: { generations: { totalCount: 0 }, images: { totalCount: 0 } } } });
  const { cancelGeneration } = await platform.gql<{ cancelGeneration: object }>(stranger.key, 'mutation ($id: ID!) { cancelGeneration(id: $id) { generation { id } errors { code } } }', { id });
  assert.deepEqual(cancelGeneration, { generation: null, errors: [{ code: 'NOT_FOUND' }] });
});

test('a stranger gets 404 from REST, exactly as for what does not exist', async () => {
  for (const [method, path] of [['GET', ''], ['GET', '/events'], ['DELETE', '']] as const) {
    const [theirs, nobodys] = await Promise.all([id, 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV'].map((job) => platform.rest(`/api/v1/generation/${job}${path}`, { method, key: stranger.key })));
    assert.deepEqual([theirs?.status, theirs?.body], [404, nobodys?.body], `${method} ${path}`);
  }
  const used = await platform.rest('/api/v1/generation/hairstyle', { key: stranger.key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'mine.jpg' } });
  assert.deepEqual([used.status, used.body['message']], [404, 'Image not found or inaccessible']);
});

test('a stranger cannot subscribe', async () => {
  const errors = await new Promise<unknown>((resolve, reject) => {
    const client = createClient({ url: `${platform.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': stranger.key }, retryAttempts: 0 });
    const query = `subscription { generationProgress(id: "${id}") { seq } }`;
    client.subscribe({ query }, { next: () => reject(new Error('an event came')), error: (found) => void Promise.resolve(client.dispose()).then(() => resolve(found)), complete: () => reject(new Error('it ended without a refusal')) });
  });
  assert.ok(Array.isArray(errors) && (errors[0] as { extensions?: { code?: string } }).extensions?.code === 'NOT_FOUND', JSON.stringify(errors));
});

test('a stranger is told nothing by server-sent events, as of what does not exist', async () => {
  for (const job of [id, 'job_01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
    const json = { query: `subscription { generationProgress(id: "${job}", afterSeq: 0) { seq image { url } } }` };
    const { text } = await platform.rest('/graphql', { key: stranger.key, json, headers: { accept: 'text/event-stream' } });
    assert.match(text, /"code":"NOT_FOUND"/);
    assert.doesNotMatch(text, /"seq"|"url"/);
  }
});

test("a stranger's feed has nothing of the owner's", async () => {
  const feed = async ({ key }: Tenant) => platform.send('/graphql', { key, json: { query: 'subscription { generationFeed { event { generation { id } } } }' }, headers: { accept: 'text/event-stream' } });
  const bodies = (await Promise.all([feed(owner), feed(stranger)])).map((response) => readEventStream<{ data: { generationFeed: { event: { generation: { id: string } } } } }>(response));
  await platform.upload(stranger.key, await portrait(), 'theirs.jpg');
  const [mine, theirs] = [
    await platform.generate(owner.key, { mode: 'test', styles: ['817941'], image_name: 'mine.jpg' }),
    await platform.generate(stranger.key, { mode: 'test', styles: ['817941'], image_name: 'theirs.jpg' }),
  ];
  const firsts = await Promise.all(bodies.map(async (events) => (await events.next()).value?.data.data.generationFeed.event.generation.id));
  assert.deepEqual(firsts, [mine, theirs].map((job) => job.replace('job_', 'gen_')));
  await Promise.all(bodies.map(async (events) => events.return(undefined)));
  await Promise.all([platform.ended(owner.key, mine), platform.ended(stranger.key, theirs)]);
});

test('a link to a picture works without a key, and not when a letter of it is changed', async () => {
  const { pathname, search } = new URL(picture);
  const good = await platform.send(pathname + search);
  assert.equal(good.status, 200);
  await good.arrayBuffer();
  const tampered = search.replace(/s=(.)/, (_, first: string) => `s=${first === 'A' ? 'B' : 'A'}`);
  assert.equal((await platform.rest(pathname + tampered)).status, 403);
  assert.equal((await platform.rest(pathname + search.replace(/e=\d+/, 'e=9999999999'))).status, 403);
});
