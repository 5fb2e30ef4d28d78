import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import type { Connection } from '../../../subgraphs/database.ts';
import { animatedGif, drawnHeic, nobody, portrait, severalFaces, smallPortrait, svg, truncatedJpeg } from '../../support/photos.ts';
import { type Answer, startTestPlatform, type TestPlatform } from '../../support/platform.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const photo = await portrait();
const platform = await startTestPlatform({ after }, { variables: { TRUSTED_PROXIES: '127.0.0.0/8, ::1' } });
type Shade = { skinShade: string; toneRange: string };
const generate = (address: string, on: Pick<TestPlatform, 'rest'> = platform) => on.rest<{ roboKey: string }>('/api/generatekey', { headers: { 'x-forwarded-for': address } });
let households = 0;
const newKey = async (): Promise<string> => (await generate(`198.51.100.${++households}`)).body.roboKey;

const form = (bytes: Uint8Array, name = 'me.jpg', field = 'file'): FormData => {
  const data = new FormData();
  data.append(field, new Blob([new Uint8Array(bytes)]), name);
  return data;
};
const detect = async (key: string | null, bytes: Uint8Array, headers: Record<string, string> = {}, name?: string): Promise<Answer<Shade>> => platform.rest<Shade>('/api/skinshade', { key, body: form(bytes, name), headers });
const left = (answer: Answer<unknown>): number => Number(/r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);

describe('GET /api/generatekey', () => {
  test('200 with a key that reads shades, on REST and in the graph, and does nothing else', async () => {
    const { status, body, headers } = await generate('203.0.113.1');
    assert.deepEqual([status, shapeOf(body), headers.get('cache-control')], [200, shapeOf(golden['skinshade.generatekey.200']), 'no-store']);
    assert.equal((await detect(body.roboKey, photo)).status, 200);
    const { viewer } = await platform.gql<{ viewer: unknown }>(body.roboKey, '{ viewer { scopes account { skinShadeReadings { totalCount } } } }');
    assert.deepEqual(viewer, { scopes: ['skinshade:read', 'skinshade:write'], account: { skinShadeReadings: { totalCount: 1 } } });
    assert.equal((await platform.upload(body.roboKey, photo)).status, 403);
  });

  test('429 for a second one from the same address in a month, and 200 for another address', async () => {
    assert.equal((await generate('203.0.113.2')).status, 200);
    const { status, body, headers } = await generate('203.0.113.2');
    assert.deepEqual([status, shapeOf(body)], [429, { error: 'string' }]);
    const nextMonth = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1));
    assert.ok(Math.abs(Number(headers.get('retry-after')) - (nextMonth.getTime() - Date.now()) / 1000) < 60, 'until the next month');
    assert.equal((await generate('203.0.113.3')).status, 200);
  });

  test('the addresses of one IPv6 network of 64 bits are one, and an IPv4 address in IPv6 clothes is itself', async () => {
    assert.equal((await generate('2001:db8:1:2::1')).status, 200);
    assert.equal((await generate('2001:db8:1:2:ffff::9')).status, 429);
    assert.equal((await generate('2001:db8:1:3::1')).status, 200);
    assert.equal((await generate('203.0.113.4')).status, 200);
    assert.equal((await generate('::ffff:203.0.113.4')).status, 429);
  });

  test('one key for an address that asks fifty times at once', async () => {
    const statuses = await Promise.all(Array.from({ length: 50 }, async () => (await generate('203.0.113.5')).status));
    assert.deepEqual([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 429).length], [1, 49]);
  });

  test('what a client writes before a trusted proxy is not believed, and without one nothing is', async () => {
    assert.equal((await generate('192.0.2.1, 203.0.113.6')).status, 200);
    assert.equal((await generate('192.0.2.2, 203.0.113.6')).status, 429);
    const direct = await startTestPlatform({ after }, { workers: 0 });
    assert.equal((await generate('192.0.2.3', direct)).status, 200);
    assert.equal((await generate('192.0.2.4', direct)).status, 429);
  });

  test('405 HEAD, which must not make a key', async () => {
    const { status, headers } = await platform.rest('/api/generatekey', { method: 'HEAD', headers: { 'x-forwarded-for': '203.0.113.7' } });
    assert.deepEqual([status, headers.get('allow')], [405, 'GET, OPTIONS']);
    assert.equal((await generate('203.0.113.7')).status, 200);
  });

  test('the address is kept nowhere', async () => {
    await generate('203.0.113.8');
    const rows = await platform.platform.connection.execute('select * from skinshade.key_grant');
    assert.ok(rows.length > 0);
    assert.doesNotMatch(JSON.stringify(rows), /203\.0\.113|2001:/);
  });
});

describe('POST /api/skinshade', async () => {
  const key = await newKey();

  test('200 with the shade as documented, and what is left of the month', async () => {
    const { status, body, headers } = await detect(key, photo);
    assert.deepEqual([status, shapeOf(body)], [200, shapeOf(golden['skinshade.post.200'])]);
    assert.match(body.skinShade, /^#[0-9a-f]{6}$/);
    assert.ok(['Fair', 'Light', 'Medium', 'Tan', 'Deep', 'Dark'].includes(body.toneRange), body.toneRange);
    assert.equal(headers.get('ratelimit-policy'), '"month";q=100;w=2592000');
    assert.match(headers.get('ratelimit') ?? '', /^"month";r=99;t=\d+$/);
  });

  test('200 for PNG and HEIC, whatever the file is called', async () => {
    const jpeg = (await detect(key, photo, {}, 'me.txt')).body;
    assert.deepEqual((await detect(key, await sharp(photo).png().toBuffer(), {}, 'me.jpg')).body, jpeg);
    assert.equal((await detect(key, drawnHeic(), {}, 'IMG_0001.HEIC')).status, 200);
  });

  test('the picture is not kept', async () => {
    // Photos are seen with a scope of their own.
    const seer = (await platform.tenant({ scopes: ['skinshade:read', 'skinshade:write', 'generations:read'] })).key;
    assert.equal((await detect(seer, photo)).status, 200);
    const { viewer } = await platform.gql<{ viewer: { account: { skinShadeReadings: { nodes: unknown[] } } } }>(seer, '{ viewer { account { skinShadeReadings { nodes { image { id } } } } } }');
    assert.deepEqual(viewer.account.skinShadeReadings.nodes[0], { image: null });
  });

  for (const [name, wrong] of [['no', null], ['a wrong', 'ak_wrong'], ['an unknown', `ak_${'0'.repeat(43)}`]] as const) {
    test(`403 with ${name} key`, async () => assert.deepEqual(await detect(wrong, photo).then(({ status, body }) => [status, body]), [403, { error: 'Missing or invalid API key' }]));
  }

  test('403 for a key that may not read shades', async () => {
    const other = await platform.tenant({ scopes: ['generations:read', 'generations:write'] });
    assert.deepEqual((({ status, body }) => [status, shapeOf(body)])(await detect(other.key, photo)), [403, { error: 'string' }]);
  });

  const refusals: [string, () => Promise<{ body?: FormData | string; headers?: Record<string, string> }>, number, string][] = [
    ['400 without a body', async () => ({}), 400, 'No file part'],
    ['400 for JSON', async () => ({ body: '{}', headers: { 'content-type': 'application/json' } }), 400, 'No file part'],
    ['400 for a picture that is not in a form', async () => ({ body: 'bytes', headers: { 'content-type': 'image/jpeg' } }), 400, 'No file part'],
    ['400 for a form with another field', async () => ({ body: form(photo, 'me.jpg', 'image') }), 400, 'No file part'],
    ['400 for a file without a name', async () => ({ body: form(photo, '') }), 400, 'No selected file'],
    ['400 for WebP', async () => ({ body: form(await sharp(photo).webp().toBuffer()) }), 400, 'Invalid file type'],
    ['400 for a GIF that is called JPEG', async () => ({ body: form(await animatedGif()) }), 400, 'Invalid file type'],
    ['400 for SVG', async () => ({ body: form(svg()) }), 400, 'Invalid file type'],
    ['400 for a text', async () => ({ body: form(Buffer.from('I am a picture')) }), 400, 'Invalid file type'],
    ['400 for half a JPEG', async () => ({ body: form(await truncatedJpeg()) }), 400, 'Invalid file type'],
    ['400 for a picture of nobody', async () => ({ body: form(await nobody()) }), 400, 'No face detected'],
    ['400 for several people', async () => ({ body: form(await severalFaces()) }), 400, 'More than one face was found in the image.'],
    ['400 without color', async () => ({ body: form(await sharp(photo).greyscale().toBuffer()) }), 400, 'The image has no color.'],
    ['413 over 5 MB', async () => ({ body: form(Buffer.alloc(5 * 1024 * 1024 + 1)) }), 413, 'The image is over 5 MB'],
  ];
  for (const [name, init, status, error] of refusals) {
    test(`${name}, which is not counted`, async () => {
      const before = left(await detect(key, photo));
      const answer = await platform.rest('/api/skinshade', { method: 'POST', key, ...await init() });
      assert.deepEqual([answer.status, answer.body], [status, { error }]);
      assert.equal(left(await detect(key, photo)), before - 1);
    });
  }

  test('200 again for a repeated Idempotency-Key, counted once; 422 with another picture', async () => {
    const fresh = await newKey();
    const repeat = { 'idempotency-key': '"reading-1"' };
    // While the first one runs the others are told to come again.
    const answers = await Promise.all([detect(fresh, photo, repeat), detect(fresh, photo, repeat), detect(fresh, photo, repeat)]);
    const again = await detect(fresh, photo, repeat);
    assert.deepEqual([again.status, answers.filter(({ status }) => status !== 409).length >= 1, answers.filter(({ status }) => status !== 200 && status !== 409)], [200, true, []]);
    assert.deepEqual([left(again), again.headers.get('idempotency-replayed')], [99, 'true']);
    assert.equal((await detect(fresh, await smallPortrait(300), repeat)).status, 422);
    const { viewer } = await platform.gql<{ viewer: unknown }>(fresh, '{ viewer { account { skinShadeReadings { totalCount } } } }');
    assert.deepEqual(viewer, { account: { skinShadeReadings: { totalCount: 1 } } });
  });

  test('of 200 requests at once, mixed with refused ones, 100 are answered, and then 429', async () => {
    const fresh = await newKey();
    const [small, empty] = [await smallPortrait(240), await sharp(await nobody()).resize({ width: 240 }).jpeg().toBuffer()];
    const requests = Array.from({ length: 220 }, async (_, index) => (await detect(fresh, index % 11 === 0 ? empty : small)).status);
    const counts = Map.groupBy(await Promise.all(requests), (status) => status);
    assert.deepEqual([counts.get(200)?.length, (counts.get(429)?.length ?? 0) + (counts.get(400)?.length ?? 0)], [100, 120]);
    const { status, body, headers } = await detect(fresh, small);
    assert.deepEqual([status, shapeOf(body)], [429, { error: 'string' }]);
    assert.ok(Number(headers.get('retry-after')) > 0);
    const { skinShadeUsage } = await platform.gql<{ skinShadeUsage: unknown }>(fresh, '{ skinShadeUsage { limit remaining } viewer { account { skinShadeReadings { totalCount } } } }');
    assert.deepEqual(skinShadeUsage, { limit: 100, remaining: 0 });
    assert.equal((await detect(await newKey(), small)).status, 200);
  });
});

describe('GET /api/skinshade-health', () => {
  type Health = { status: string; details: Record<'app' | 'model' | 'database', string> };
  const well = golden['skinshade.health.200'];
  const health = (on: Pick<TestPlatform, 'rest'>) => on.rest<Health>('/api/skinshade-health').then(({ status, body }) => [status, body]);

  test('200 with the documented body, without a key; HEAD says the same', async () => {
    assert.deepEqual(await health(platform), [200, well]);
    assert.equal((await platform.rest('/api/skinshade-health', { method: 'HEAD' })).status, 200);
  });

  test('503 when the model is gone', async () => {
    const broken = await startTestPlatform({ after }, { workers: 0 });
    await broken.platform.vision.close();
    assert.deepEqual(await health(broken), [503, { status: 'unhealthy', details: { ...well.details, model: 'AI model is not loaded' } }]);
  });

  test('503 when the database does not answer, and 200 when it does again', async () => {
    let isDown = false;
    const wrap = (connection: Connection): Connection => ({ ...connection, execute: async (...asked) => (isDown ? Promise.reject(new Error('the database is down')) : connection.execute(...asked)) });
    const shaky = await startTestPlatform({ after }, { workers: 0, wrap });
    isDown = true;
    assert.deepEqual(await health(shaky), [503, { status: 'unhealthy', details: { ...well.details, database: 'Database is not connected' } }]);
    isDown = false;
    assert.deepEqual(await health(shaky), [200, well]);
  });

  test('503 when the application has no place for uploads', async () => {
    const homeless = await startTestPlatform({ after }, { workers: 0 });
    await rename(homeless.dataDir, `${homeless.dataDir}-away`);
    assert.deepEqual(await health(homeless), [503, { status: 'unhealthy', details: { ...well.details, app: 'App is not running' } }]);
    await rename(`${homeless.dataDir}-away`, homeless.dataDir);
  });
});
