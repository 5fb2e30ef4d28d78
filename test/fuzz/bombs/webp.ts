import sharp from 'sharp';
import { type Bomb, many } from './bomb.ts';

const little = (value: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
};
const chunk = (type: string, data: Uint8Array): Buffer => Buffer.concat([Buffer.from(type, 'latin1'), little(data.length, 4), data, Buffer.alloc(data.length % 2)]);
function webp(...chunks: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), ...chunks]);
  return Buffer.concat([Buffer.from('RIFF', 'latin1'), little(body.length, 4), body]);
}
/** Bit 2 of the flags: moving; bit 6: a profile; bit 4: EXIF. */
const extended = (flags: number, width: number, height: number): Buffer => chunk('VP8X', Buffer.concat([little(flags, 4), little(width - 1, 3), little(height - 1, 3)]));
const plain = (width: number, height: number, lossless: boolean): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#886655' }, limitInputPixels: false }).webp({ lossless, quality: 1, effort: 0 }).toBuffer();
/** The chunk with the pixels. */
const pixelsOf = async (width: number, height: number, lossless = true): Promise<Buffer> => (await plain(width, height, lossless)).subarray(12);
const frame = (pixels: Buffer, width: number, height: number): Buffer => chunk('ANMF', Buffer.concat([little(0, 6), little(width - 1, 3), little(height - 1, 3), little(10, 3), Buffer.from([0]), pixels]));
const moving = async (width: number, height: number, count: number): Promise<Buffer> => {
  const pixels = await pixelsOf(16, 16);
  return webp(extended(2, width, height), chunk('ANIM', little(0, 6)), many(count, () => frame(pixels, 16, 16)));
};

export const webpBombs: Record<string, Bomb> = {
  'lossless WebP of 49 megapixels': () => plain(7000, 7000, true),
  'lossy WebP of 49 megapixels': () => plain(7000, 7000, false),
  'lossless WebP of 16,383 by 16,383': async () => {
    const bytes = Buffer.from(await plain(300, 300, true));
    // Two times 14 bits behind the chunk's signature.
    bytes.writeUInt32LE(0x0fff_ffff, 21);
    return bytes;
  },
  'WebP whose canvas is 2^24 by 2^24': async () => webp(extended(0, 2 ** 24, 2 ** 24), await pixelsOf(300, 300)),
  'WebP whose canvas is not its picture': async () => webp(extended(0, 300, 300), await pixelsOf(7000, 7000)),
  'WebP with 50,000 frames': () => moving(300, 300, 50_000),
  'WebP with frames on a canvas of 16,384 by 16,384': () => moving(16_384, 16_384, 1000),
  'WebP with one frame on a canvas of 16,384 by 16,384': () => moving(16_384, 16_384, 1),
  'WebP with 400,000 unknown chunks': async () => webp(extended(0, 300, 300), many(400_000, () => chunk('test', Buffer.alloc(4))), await pixelsOf(300, 300)),
  'WebP with 400,000 chunks behind its picture': async () => webp(extended(0, 300, 300), await pixelsOf(300, 300), many(400_000, () => chunk('EXIF', Buffer.alloc(4)))),
  'WebP with a profile of 5 MB': async () => webp(extended(0x20, 300, 300), chunk('ICCP', Buffer.alloc(5_000_000, 1)), await pixelsOf(300, 300)),
  'WebP whose size is a lie': async () => Buffer.concat([Buffer.from('RIFF', 'latin1'), little(2 ** 32 - 1, 4), Buffer.from('WEBP', 'latin1'), await pixelsOf(300, 300)]),
};
