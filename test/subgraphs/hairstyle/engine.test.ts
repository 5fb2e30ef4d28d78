import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { createVision } from '../../../subgraphs/vision/index.ts';
import { generate, type Generated, openSalon, progress, type ProgressEvent, wholeFile } from './salon.ts';

/** Three friends; the one in the middle by herself is a portrait. */
const friends = await readFile(createRequire(import.meta.url).resolve('@vladmandic/face-api/demo/sample3.jpg'));
const portrait = await sharp(friends).extract({ left: 930, top: 60, width: 480, height: 600 }).jpeg({ quality: 95 }).toBuffer();
const vision = createVision({ workers: 1 });
after(() => vision.close());
const salon = await openSalon(wholeFile, { vision });

const create = 'mutation ($input: CreateImageInput!) { createImage(input: $input) { image { id width height } errors { code ... on ImageRejectedError { issues } } } }';
type Created = { image: { id: string; width: number; height: number } | null; errors: { code: string; issues?: string[] }[] };

async function upload(bytes: Uint8Array) {
  const me = await salon.account(0);
  const { uploadId } = await salon.platform.blobs.stage(me.accountId, bytes.byteLength);
  await salon.platform.blobs.putStaged(me.accountId, uploadId, Readable.from([bytes]), bytes.byteLength);
  return { me, ...(await salon.get<Created>(me, create, { input: { uploadId } })) };
}

test('a portrait goes in and a picture of its own size comes out, changed and marked, with the stages on the way', async () => {
  const { me, image, errors } = await upload(portrait);
  assert.deepEqual(errors, []);
  const order = await salon.get<Generated>(me, generate, { input: { gender: 'FEMININE', mode: 'TEST', styleIds: ['817941'], hairColor: 'Black', imageId: image?.id } });
  const id = order.generation?.id ?? assert.fail(JSON.stringify(order.errors));
  const events = await salon.listen<ProgressEvent>(me, progress, { id, afterSeq: 0 });
  assert.equal(events.at(-1)?.kind, 'COMPLETED', JSON.stringify(events.at(-1)));
  const stages = new Set(events.map((event) => event.progress.stage));
  for (const stage of ['queued', 'validate', 'store', 'done']) assert.ok(stages.has(stage), [...stages].join());
  const [picture] = await salon.store.listPictures(me.accountId, [(await salon.ended(me.accountId, id)).id]);
  assert.ok(picture);
  const bytes = (await salon.platform.blobs.read(picture.blobKey)) ?? assert.fail();
  const { width, height, format, exif } = await sharp(bytes).metadata();
  assert.deepEqual([format, exif, width, height], ['jpeg', undefined, picture.width, picture.height]);
  assert.ok(Math.abs(width / height - (image?.width ?? 0) / (image?.height ?? 1)) < 0.02);
});

test('a picture of several people is refused before it is kept', async () => {
  const { me, errors } = await upload(friends);
  assert.deepEqual(errors.map(({ code, issues }) => [code, issues?.includes('MULTIPLE_FACES')]), [['IMAGE_REJECTED', true]]);
  assert.equal(await salon.store.countImages(me.accountId), 0);
});

test('a picture without a face is refused before it is kept', async () => {
  const noise = { mean: 128, sigma: 20, type: 'gaussian' as const };
  const bytes = await sharp({ create: { width: 600, height: 600, channels: 3, background: '#888', noise } }).jpeg().toBuffer();
  const { me, image, errors } = await upload(bytes);
  assert.deepEqual([image, errors[0]?.code, errors[0]?.issues?.includes('NO_FACE')], [null, 'IMAGE_REJECTED', true]);
  assert.equal(await salon.store.countImages(me.accountId), 0);
});
