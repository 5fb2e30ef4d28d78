import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { examineImage, ISSUE_SENTENCES } from '../../subgraphs/images.ts';
import type { ImageIssue } from '../../subgraphs/vision/index.ts';

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
