import assert from 'node:assert/strict';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { until } from '../support/database.ts';
import { portrait } from '../support/photos.ts';
import { type Created, startTestPlatform, type TestPlatform } from '../support/platform.ts';

/** An origin that answers when it is told to. */
const waiting: ServerResponse[] = [];
const photo = await portrait();
const origin = createServer((request, response) => {
  const afterMs = Number(new URL(request.url ?? '', 'http://origin').searchParams.get('after'));
  const answer = (): unknown => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(photo);
  if (afterMs > 0) setTimeout(answer, afterMs);
  else waiting.push(response);
});
origin.listen(0, '127.0.0.1');
await once(origin, 'listening');
const { port } = origin.address() as AddressInfo;
after(async () => {
  origin.closeAllConnections();
  origin.close();
});

type Counts = { viewer: { account: { generations: { totalCount: number }; images: { totalCount: number } } } };
const countsOf = async (platform: TestPlatform, key: string) => {
  const { viewer } = await platform.gql<Counts>(key, '{ viewer { account { generations { totalCount } images { totalCount } } } }');
  return [viewer.account.generations.totalCount, viewer.account.images.totalCount];
};
const filesOf = ({ dataDir }: TestPlatform): string[] => globSync('blobs/**/original', { cwd: dataDir });
const order = (image_url: string) => ({ mode: 'live', gender: 'person', styles: ['817941'], image_url });

describe('a request that takes longer than it may', async () => {
  const limitMs = 3000;
  const platform = await startTestPlatform({ after }, { workers: 0, allow: [`127.0.0.1:${port}`], variables: { OPERATION_TIMEOUT: String(limitMs) } });
  // The first look at a photo loads the models; here only the address is to be slow.
  await platform.platformOf('hairstyle').vision.inspect(photo);

  test('503 with Retry-After, the fetch is broken off, and nothing has happened', async () => {
    const { accountId, key } = await platform.tenant();
    const post = async () => platform.rest<Created>('/api/v1/generation/hairstyle', { key, json: order(`http://127.0.0.1:${port}/portrait.jpg`), headers: { 'idempotency-key': 'once' } });
    const answer = await post();
    assert.deepEqual([answer.status, answer.body.data, answer.body.status], [503, null, 'error'], answer.text);
    assert.match(answer.body.message, /took longer than 3 s/);
    assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
    const held = waiting.shift();
    assert.ok(held);
    if (!held.destroyed) await once(held, 'close');
    assert.deepEqual(await countsOf(platform, key), [0, 0]);
    assert.deepEqual(await platform.platform.credits.balance(accountId), { available: 1000, reserved: 0 });

    const again = post();
    origin.once('request', () => setImmediate(() => waiting.shift()?.writeHead(200, { 'content-type': 'image/jpeg' }).end(photo)));
    assert.equal((await again).status, 200);
    assert.equal((await post()).body.data.id, (await again).body.data.id, 'the key was free, and is taken now');
    assert.deepEqual(await platform.platform.credits.balance(accountId), { available: 999, reserved: 1 });
  });

  test('whatever is answered is true: 200 happened once and 503 never, also when the time ends in the middle of it', async () => {
    const { accountId, key } = await platform.tenant();
    const delays = Array.from({ length: 30 }, (_, index) => limitMs - 2400 + index * 100);
    const answers = await Promise.all(delays.map(async (ms) => platform.rest('/api/v1/generation/hairstyle', { key, json: order(`http://127.0.0.1:${port}/a.jpg?after=${ms}`) })));
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)].toSorted(), [200, 503]);
    const accepted = statuses.filter((status) => status === 200).length;
    assert.deepEqual(await countsOf(platform, key), [accepted, accepted]);
    assert.deepEqual(await platform.platform.credits.balance(accountId), { available: 1000 - accepted, reserved: accepted });
  });
});

describe('an engine that is too slow: one cold thread for twelve photos, and two fifths of a second', async () => {
  const platform = await startTestPlatform({ after }, { workers: 0, variables: { OPERATION_TIMEOUT: '400', RENDER_WORKERS: '1' } });
  const { key } = await platform.tenant();

  test('503 with Retry-After for an upload, of which nothing is kept', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, async () => platform.upload(key, photo)));
    assert.ok(answers.every(({ status }) => status === 200 || status === 503), answers.map(({ text }) => text).join('\n'));
    const refused = answers.filter(({ status }) => status === 503);
    assert.ok(refused.length > 0);
    for (const { headers, body } of refused) {
      assert.match(headers.get('retry-after') ?? '', /^\d+$/);
      assert.deepEqual([body.data, body.status], [null, 'error']);
    }
    assert.deepEqual(await countsOf(platform, key), [0, answers.length - refused.length]);
    assert.equal(filesOf(platform).length, answers.length - refused.length);
  });

  test('in the graph it is UNAVAILABLE, and the upload can be used again', async () => {
    type Begun = { createImageUpload: { uploadId: string; uploadUrl: string } };
    type Made = { createImage: { image: { id: string } | null; errors: { code: string }[] } };
    const { createImageUpload: { uploadId, uploadUrl } } = await platform.gql<Begun>(key, `mutation { createImageUpload(contentType: "image/jpeg", byteLength: ${photo.length}) { uploadId uploadUrl } }`);
    const { pathname, search } = new URL(uploadUrl);
    assert.equal((await platform.rest(pathname + search, { method: 'PUT', body: new Blob([new Uint8Array(photo)]) })).status, 204);
    const create = async () => (await platform.gql<Made>(key, 'mutation ($id: ID!) { createImage(input: { uploadId: $id }) { image { id } errors { code } } }', { id: uploadId })).createImage;
    // Behind so many others that it has no chance.
    const others = Array.from({ length: 20 }, async () => platform.upload(key, photo));
    const first = await create();
    await Promise.all(others);
    assert.deepEqual(first, { image: null, errors: [{ code: 'UNAVAILABLE' }] });
    // As often as it takes: each attempt finds a thread that has its models, and the upload where it was.
    await until(async () => {
      await platform.platformOf('hairstyle').vision.inspect(photo);
      return (await create()).image;
    });
  });
});

test('the engine is warm before anybody asks for it, and nobody waits until it is', async (t) => {
  const { rest, platformOf } = await startTestPlatform({ after: (stop) => t.after(stop) }, { workers: 0, variables: { NODE_ENV: 'development' } });
  const { vision } = platformOf('hairstyle');
  assert.equal(vision.isLoaded(), false);
  assert.equal((await rest('/readyz')).status, 200);
  await until(() => vision.isLoaded());
});
