import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { orphanQueue } from '../../subgraphs/upkeep.ts';
import { until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { startBucket } from '../support/s3.ts';

const bucket = await startBucket({ after });
const { url: S3_URL, region: S3_REGION, accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY } = bucket;
const platform = await startTestPlatform({ after }, { variables: { S3_URL, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } });
const { connection } = platform.platform;
const { jobs } = platform.platformOf('hairstyle');
const { key } = await platform.tenant();
const pathOf = (url: string): string => new URL(url).pathname + new URL(url).search;

describe('with pictures in a bucket', () => {
  let picture = '';
  let thumbnail = '';
  let source = '';

  before(async () => {
    const photo = new Blob([new Uint8Array(await smallPortrait(300))]);
    const { createImageUpload: { uploadId, uploadUrl } } = await platform.gql<{ createImageUpload: { uploadId: string; uploadUrl: string } }>(key, `mutation { createImageUpload(contentType: "image/jpeg", byteLength: ${photo.size}) { uploadId uploadUrl } }`);
    assert.equal((await platform.rest(pathOf(uploadUrl), { method: 'PUT', body: photo })).status, 204);
    assert.equal((await platform.rest(pathOf(uploadUrl), { method: 'PUT', body: photo })).status, 409);
    const { createImage } = await platform.gql<{ createImage: { image: { name: string }; errors: unknown[] } }>(key, 'mutation ($uploadId: ID!) { createImage(input: { uploadId: $uploadId, name: "me.jpg" }) { image { name } errors { message } } }', { uploadId });
    assert.deepEqual(createImage, { image: { name: 'me.jpg' }, errors: [] });
    const id = await platform.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
    assert.equal((await platform.ended(key, id)).body.data.status, 'completed');
    type Shown = { hairstyleGeneration: { source: { url: string }; images: { url: string; small: string }[] } };
    const { hairstyleGeneration: shown } = await platform.gql<Shown>(key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { source { url } images { url small: url(width: 100) } } }', { id });
    [picture, thumbnail, source] = [pathOf(shown.images[0]?.url ?? ''), pathOf(shown.images[0]?.small ?? ''), pathOf(shown.source.url)];
  });

  test('what was uploaded by a signed PUT becomes a generation whose picture is served, whole, in part and small', async () => {
    const whole = await platform.send(picture);
    const bytes = Buffer.from(await whole.arrayBuffer());
    assert.deepEqual([whole.status, whole.headers.get('content-type'), Number(whole.headers.get('content-length'))], [200, 'image/jpeg', bytes.length]);
    const part = await platform.send(picture, { headers: { range: 'bytes=10-19' } });
    assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer())], [206, bytes.subarray(10, 20)]);
    const small = await platform.send(thumbnail);
    assert.equal((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).width, 100);
    assert.equal((await platform.rest(picture, { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } })).status, 304);
  });

  test('nothing of it is in the data folder, and every request to the bucket was signed', () => {
    assert.deepEqual(globSync('{blobs,uploads}/**/*', { cwd: platform.dataDir }), []);
    assert.ok([...bucket.objects.keys()].filter((name) => name.endsWith('/original')).length >= 2);
    assert.deepEqual(bucket.forged, []);
  });

  test('a picture that is deleted while somebody asks for a smaller one leaves nothing', async () => {
    const { blobs } = platform.platform;
    const before = [...bucket.objects.keys()].sort();
    for (let round = 0; round < 20; round++) {
      const blob = await blobs.put(await smallPortrait(300 + round), { contentType: 'image/jpeg' });
      const urls = [64, 65, 66].map((width) => pathOf(blobs.signedUrl(blob, { expiresAt: new Date(Date.now() + 60_000), width })));
      const asked = urls.map(async (url) => (await platform.send(url)).arrayBuffer());
      await Promise.all([...asked, new Promise((resolve) => setImmediate(resolve)).then(() => blobs.delete(blob))]);
    }
    assert.deepEqual([...bucket.objects.keys()].sort(), before);
  });

  test('the hourly upkeep deletes the object that nothing points to, and no other', async () => {
    const { blobs } = platform.platform;
    const orphan = await blobs.put(Buffer.from('nobody has this'), { contentType: 'image/jpeg' });
    for (const object of bucket.objects.values()) object.modifiedAt = new Date(Date.now() - 25 * 3_600_000);
    await jobs.enqueue(orphanQueue, {});
    await until(async () => (await connection.execute('select state::text from jobs.job where name = $1', [orphanQueue])).every(({ state }) => state === 'completed'));
    assert.equal(await blobs.read(orphan), null);
    for (const path of [picture, source]) assert.equal((await platform.send(path)).status, 200);
    assert.deepEqual([...bucket.objects.keys()].filter((name) => name.startsWith('uploads/')), [], 'what was taken long ago is swept as well');
  });

  test('503 or 500, never half a picture, while the bucket does not answer', async () => {
    bucket.failNext(50);
    const { status, text } = await platform.rest(picture);
    bucket.failNext(0);
    assert.ok(status >= 500 && !text.includes('SlowDown') && !text.includes(bucket.url), `${status} ${text}`);
    assert.equal((await platform.send(picture)).status, 200);
  });
});
