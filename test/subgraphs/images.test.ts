import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { examineImage, ISSUE_SENTENCES } from '../../subgraphs/images.ts';
import { createVision, type ImageIssue } from '../../subgraphs/vision/index.ts';
import { portrait } from '../support/photos.ts';

/** Nothing may be decoded for these. */
const unseeing = { inspect: async () => assert.fail('the picture was decoded') };
const plain = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#8899aa' } });

async function assertRefused(bytes: Uint8Array, issue: ImageIssue): Promise<void> {
  const examined = await examineImage(unseeing, bytes);
  assert.ok(!examined.accepted, 'it was accepted');
  assert.ok(examined.issues.includes(issue), `${issue} is not among ${examined.issues.join(', ')}`);
  assert.equal(examined.message, ISSUE_SENTENCES[examined.issues[0] ?? 'NOT_AN_IMAGE']);
}

test('a text, an SVG and an empty file are no images', async () => {
  await assertRefused(Buffer.from('I am a portrait, my name ends in .jpg'), 'NOT_AN_IMAGE');
  await assertRefused(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"><rect width="600" height="600"/></svg>'), 'NOT_AN_IMAGE');
  await assertRefused(Buffer.alloc(0), 'NOT_AN_IMAGE');
});

test('a GIF is of an unsupported type', async () => {
  await assertRefused(await plain(300, 300).gif().toBuffer(), 'UNSUPPORTED_TYPE');
});

test('6 MB and 100 megapixels are too large, and are not decoded to find out', async () => {
  await assertRefused(Buffer.alloc(6 * 1024 * 1024, 1), 'TOO_LARGE');
  await assertRefused(await plain(10_000, 10_000).png({ compressionLevel: 9 }).toBuffer(), 'TOO_LARGE');
});

const vision = createVision({ workers: 1 });
after(() => vision.close());

test('a face in the dark, in glare, blurred or too small is refused with the issue; on the way there it is accepted with a remark', async () => {
  const original = await portrait();
  const examine = async (change: (photo: Sharp) => Sharp): Promise<[boolean, string]> => {
    const { accepted, issues } = await examineImage(vision, await change(sharp(original)).jpeg({ quality: 92 }).toBuffer());
    return [accepted, issues.join()];
  };
  assert.deepEqual(await examine((photo) => photo), [true, '']);
  assert.deepEqual(await examine((photo) => photo.linear(0.12, 0)), [false, 'TOO_DARK']);
  assert.deepEqual(await examine((photo) => photo.linear(0.3, 0)), [true, 'TOO_DARK']);
  assert.deepEqual(await examine((photo) => photo.linear(2.4, 0)), [false, 'TOO_BRIGHT']);
  assert.deepEqual(await examine((photo) => photo.linear(1.6, 0)), [true, 'TOO_BRIGHT']);
  assert.deepEqual(await examine((photo) => photo.blur(9)), [false, 'BLURRY']);
  assert.deepEqual(await examine((photo) => photo.resize({ width: 220 }).extend({ left: 60, right: 60, background: '#c8c8c8' })), [true, 'TOO_SMALL']);
  assert.deepEqual(await examine((photo) => photo.resize({ width: 120 })), [false, 'TOO_SMALL']);
});

test('a photo that lies on its side or upside down is refused, a tilted one is not, and metadata are heeded', async () => {
  const original = await portrait();
  const examine = async (degrees: number, orientation = 1): Promise<[boolean, string]> => {
    const { accepted, issues } = await examineImage(vision, await sharp(original).rotate(degrees, { background: '#c8c8c8' }).withMetadata({ orientation }).jpeg({ quality: 92 }).toBuffer());
    return [accepted, issues.join()];
  };
  for (const degrees of [90, 180, 270]) assert.deepEqual(await examine(degrees), [false, 'NOT_UPRIGHT'], `${degrees} degrees`);
  assert.deepEqual([await examine(12), await examine(36), await examine(90, 8), await examine(180, 3)], [[true, ''], [true, 'NOT_UPRIGHT'], [true, ''], [true, '']]);
});
