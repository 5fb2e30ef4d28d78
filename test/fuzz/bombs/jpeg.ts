import sharp from 'sharp';
import { type Bomb, many, repeated, uint16 } from './bomb.ts';
import { exifOf } from './tiff.ts';

const segment = (marker: number, data: Uint8Array): Buffer => Buffer.concat([Buffer.from([0xff, marker]), uint16(data.length + 2), data]);
const start = Buffer.from([0xff, 0xd8]);
const end = Buffer.from([0xff, 0xd9]);
const quantization = segment(0xdb, Buffer.from([0, ...repeated(64, () => 1)]));
/** One code of one bit for each table: for DC "no difference", for AC the given symbol. */
const huffman = (kind: 0 | 1, symbol: number): Buffer => segment(0xc4, Buffer.from([kind << 4, 1, ...repeated(15, () => 0), symbol]));
const frame = (marker: number, width: number, height: number): Buffer => segment(marker, Buffer.concat([Buffer.from([8]), uint16(height), uint16(width), Buffer.from([1, 1, 0x11, 0])]));
const scan = (from: number, to: number, approximation: number, data: Uint8Array): Buffer => Buffer.concat([segment(0xda, Buffer.from([1, 1, 0, from, to, approximation])), data]);

const blocks = (width: number, height: number): number => Math.ceil(width / 8) * Math.ceil(height / 8);

/** Grey, progressive: a first scan of one bit a block, and then scans of a hundred bytes that each go over all blocks again. */
function progressive(width: number, height: number, scans: number): Buffer {
  const first = scan(0, 0, 0, Buffer.alloc(Math.ceil(blocks(width, height) / 8)));
  // The code of one bit, then 14 bits of length: a run of 2^14 to 2^15 - 1 blocks with nothing in them.
  const runs = Math.ceil(blocks(width, height) / (2 ** 15 - 1));
  const nothing = bits(repeated(runs, () => '0' + '1'.repeat(14)).join(''));
  return Buffer.concat([start, quantization, frame(0xc2, width, height), huffman(0, 0), first, huffman(1, 0xe0), many(scans, () => scan(1, 63, 0, nothing)), end]);
}

/** The same, each scan of which adds a bit to every number of every block: it has to look at them all. */
function refining(width: number, height: number, scans: number): Buffer {
  const bytes = progressive(width, height, scans);
  let left = 13;
  for (let at = bytes.indexOf(Buffer.from([1, 63, 0])); at >= 0; at = bytes.indexOf(Buffer.from([1, 63, 0]), at + 1)) {
    bytes[at + 2] = left === 13 ? 13 : ((left + 1) << 4) | left;
    left = Math.max(0, left - 1);
  }
  return bytes;
}

/** The same picture, as if it was coded arithmetically. */
function arithmetic(bytes: Buffer): Buffer {
  for (const marker of [0xc0, 0xc2]) {
    const at = bytes.indexOf(Buffer.from([0xff, marker, 0, 11, 8]));
    if (at >= 0) bytes[at + 1] = marker + 9;
  }
  return bytes;
}

/** With a zero byte behind every 255, as the format wants it. */
function bits(text: string): Buffer {
  const bytes = (text.match(/.{1,8}/g) ?? []).map((eight) => Number.parseInt(eight.padEnd(8, '1'), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])));
}

const baseline = (width: number, height: number): Buffer => Buffer.concat([start, quantization, frame(0xc0, width, height), huffman(0, 0), huffman(1, 0), scan(0, 63, 0, Buffer.alloc(Math.ceil(blocks(width, height) / 4))), end]);
const photo = (): Promise<Buffer> => sharp({ create: { width: 320, height: 320, channels: 3, background: '#886655' } }).jpeg().toBuffer();
const behindStart = async (...segments: Buffer[]): Promise<Buffer> => Buffer.concat([start, ...segments, (await photo()).subarray(2)]);
const exif = (bytes: Buffer): Buffer => segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), bytes.subarray(0, 65_000)]));

export const jpegBombs: Record<string, Bomb> = {
  'JPEG of 65,535 by 65,535': () => baseline(65_535, 65_535).subarray(0, 4_000_000),
  'JPEG of 49 megapixels': () => baseline(7000, 7000),
  'progressive JPEG of 49 megapixels': () => progressive(7000, 7000, 5),
  'progressive JPEG of 49 megapixels with 1,000 scans': () => progressive(7000, 7000, 1000),
  'progressive JPEG of 49 megapixels with 40,000 scans': () => progressive(7000, 7000, 40_000),
  'progressive JPEG of 1 megapixel with 100,000 scans': () => progressive(1000, 1000, 100_000),
  'progressive JPEG of 49 megapixels with 10 scans': () => progressive(7000, 7000, 9),
  'progressive JPEG of 49 megapixels with 10 refining scans': () => refining(7000, 7000, 9),
  'progressive JPEG of 33 megapixels with 15 refining scans': () => refining(5700, 5700, 14),
  'progressive JPEG of 16 megapixels with 90 scans': () => progressive(4000, 4000, 90),
  'JPEG with a million comments': () => behindStart(many(1_000_000, () => segment(0xfe, Buffer.alloc(0)))),
  'JPEG with 200,000 comments of 20 bytes': () => behindStart(many(200_000, () => segment(0xfe, Buffer.alloc(20, 65)))),
  'JPEG with 500,000 application segments': () => behindStart(many(500_000, (at) => segment(0xe0 + (at % 16), Buffer.alloc(4)))),
  'JPEG with 70 profiles': () => behindStart(many(70, (at) => segment(0xe2, Buffer.concat([Buffer.from('ICC_PROFILE\0', 'latin1'), Buffer.from([at + 1, 70]), Buffer.alloc(65_000)])))),
  'JPEG with 3,600 directories of EXIF': () => behindStart(exif(exifOf.chain(3600))),
  'JPEG with directories of EXIF in a circle': () => behindStart(exif(exifOf.circle())),
  'JPEG with EXIF of 65,535 entries': () => behindStart(exif(exifOf.wide())),
  'JPEG with 70 times EXIF of 5,000 entries': () => ((wide) => behindStart(many(70, () => wide)))(exif(exifOf.wide())),
  'JPEG with 5 MB of filling': () => behindStart(Buffer.alloc(5_000_000, 0xff)),
  'JPEG with a restart at every block': () => Buffer.concat([start, quantization, frame(0xc0, 7000, 7000), segment(0xdd, uint16(1)), huffman(0, 0), huffman(1, 0), scan(0, 63, 0, many(700_000, (at) => Buffer.from([0x3f, 0xff, 0xd0 + (at % 8)]))), end]),
  'JPEG without pixels': () => Buffer.concat([start, quantization, frame(0xc0, 320, 320), end]),
  'JPEG of no height': () => baseline(320, 0),
  'JPEG of 12 bits': () => {
    const bytes = Buffer.from(baseline(320, 320));
    bytes[bytes.indexOf(Buffer.from([0xff, 0xc0])) + 4] = 12;
    return bytes;
  },
  'JPEG with arithmetic coding of 49 megapixels': () => arithmetic(baseline(7000, 7000)),
  'progressive JPEG with arithmetic coding of 49 megapixels with 64 scans': () => arithmetic(progressive(7000, 7000, 63)),
};
