import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { portrait } from '../../support/photos.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const platform = await startTestPlatform({ after });
const { key } = await platform.tenant();
const photo = await platform.upload(key, await portrait(), 'IMG-123123.jpg');

describe('answers have the documented keys, types and literal messages', () => {
  test('200 GET /api/v1/styles', async () => {
    const { status, body } = await platform.rest<typeof golden['styles.200']>('/api/v1/styles', { key });
    assert.equal(status, 200);
    assert.deepEqual(shapeOf(body), shapeOf(golden['styles.200']));
    assert.deepEqual({ ...body, data: [] }, { ...golden['styles.200'], data: [] });
    assert.deepEqual(body.data.filter((style) => JSON.stringify(shapeOf(style)) !== JSON.stringify(shapeOf(golden['styles.200'].data[0]))), []);
    assert.ok(body.data.length >= 60, `${body.data.length} styles`);
    const documented = body.data.find(({ id }) => id === 817941);
    assert.deepEqual(documented, golden['styles.200'].data[0]);
  });

  test('GET /api/v1/styles lists every style of the catalogue once, however many pages the graph gives them in', async () => {
    const { body } = await platform.rest<typeof golden['styles.200']>('/api/v1/styles', { key });
    const { hairstyles } = await platform.gql<{ hairstyles: { totalCount: number; pageInfo: { hasNextPage: boolean } } }>(null, '{ hairstyles(first: 50) { totalCount pageInfo { hasNextPage } } }');
    assert.equal(hairstyles.pageInfo.hasNextPage, true, 'the catalogue has more than one page');
    assert.equal(new Set(body.data.map(({ id }) => id)).size, hairstyles.totalCount);
    assert.equal(body.data.length, hairstyles.totalCount);
  });

  test('200 GET /api/v1/colors', async () => {
    const { status, body } = await platform.rest<typeof golden['colors.200']>('/api/v1/colors', { key });
    assert.equal(status, 200);
    assert.deepEqual(shapeOf(body), shapeOf(golden['colors.200']));
    assert.deepEqual({ ...body, data: [] }, { ...golden['colors.200'], data: [] });
    assert.ok(body.data.length >= 24, `${body.data.length} colors`);
    assert.match(body.data[0]?.id ?? '', /^color_\d+$/);
    assert.ok(body.data.some(({ name, description }) => name === 'Brown' && description === 'Natural brown hair color'));
  });

  test('every preview of the catalogue is there, kept for a year under an address that changes with it', async () => {
    const { body } = await platform.rest<typeof golden['colors.200']>('/api/v1/colors', { key });
    const { hairstyles } = await platform.gql<{ hairstyles: { nodes: { preview: string }[] } }>(null, '{ hairstyles(first: 100) { nodes { preview } } }');
    const urls = [...body.data.flatMap(({ preview_images: { thumbnail, full } }) => [thumbnail, full]), ...hairstyles.nodes.map(({ preview }) => preview)];
    const missing: string[] = [];
    for (const url of urls) {
      const { pathname, search } = new URL(url);
      const { status, headers } = await platform.rest(pathname + search, { method: 'HEAD' });
      if (status !== 200 || headers.get('content-type') !== 'image/webp' || headers.get('cache-control') !== 'public, max-age=31536000, immutable') missing.push(url);
    }
    assert.deepEqual(missing, []);
    for (const search of ['', '?v=', '?v=0123456789ab']) {
      const { headers } = await platform.rest(`${new URL(urls[0] ?? '').pathname}${search}`, { method: 'HEAD' });
      assert.doesNotMatch(headers.get('cache-control') ?? '', /immutable/, `an old address: ${search}`);
    }
  });

  test('200 POST /api/v1/generation/hairstyle with the documented body, then 200 GET', async () => {
    assert.equal(photo.status, 200, photo.text);
    const request = { ...golden['generation.request'], mode: 'test', callback_url: undefined };
    const created = await platform.rest<typeof golden['generation.create.200']>('/api/v1/generation/hairstyle', { key, json: request });
    assert.equal(created.status, 200, created.text);
    assert.deepEqual(shapeOf(created.body), shapeOf(golden['generation.create.200']));
    assert.equal(created.body.message, golden['generation.create.200'].message);
    assert.match(created.body.data.id, /^job_[0-9A-Z]{26}$/);
    assert.deepEqual([created.body.data.mode, created.body.data.image.name, created.body.status], ['test', 'IMG-123123.jpg', 'success']);

    const pending = await platform.rest(`/api/v1/generation/${created.body.data.id}`, { key });
    assert.deepEqual(Object.keys(pending.body['data'] as object).sort(), ['images', 'status']);
    const { body } = await platform.ended(key, created.body.data.id);
    const { progress: _, ...data } = body.data;
    assert.deepEqual(shapeOf({ ...body, data }), shapeOf(golden['generation.get.200']));
    assert.deepEqual([body.message, data.status, body.status], ['Success', 'completed', 'success']);
    const picture = await platform.send(new URL(data.images[0] ?? '').pathname + new URL(data.images[0] ?? '').search);
    assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/jpeg']);
    await picture.arrayBuffer();
  });

  test('a gen_ id is as good as the job_ id', async () => {
    const id = await platform.generate(key, { mode: 'test', styles: [817941], image_name: 'IMG-123123.jpg' });
    const { status } = await platform.ended(key, id.replace('job_', 'gen_'));
    assert.equal(status, 200);
  });

  test('200 POST /api/v1/images', () => {
    const { id, url, ...rest } = photo.body.data;
    assert.deepEqual(rest, { name: 'IMG-123123.jpg', width: 480, height: 620 });
    assert.match(id, /^img_/);
    assert.match(url, /^http/);
    assert.deepEqual([photo.body.message, photo.body.status], ['Image uploaded successfully', 'success']);
  });

  for (const [name, path, method] of [['generation.get.error', '/api/v1/generation/job_0', 'GET'], ['generation.create.error', '/api/v1/generation/hairstyle', 'POST']] as const) {
    test(`the error body of ${method} ${path}`, async () => {
      const { body } = await platform.rest(path, { method, key, ...method === 'POST' && { json: {} } });
      assert.deepEqual(shapeOf(body), shapeOf(golden[name]));
      assert.equal(body['status'], 'error');
    });
  }
});
