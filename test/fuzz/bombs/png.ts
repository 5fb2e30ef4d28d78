import { crc32, deflateSync } from 'node:zlib';
import { exifOf } from './tiff.ts';
import { type Bomb, many, mostBytes, repeated, uint32 } from './bomb.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);

export function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  return Buffer.concat([uint32(data.length), typed, uint32(crc32(typed))]);
}

type Header = { width: number; height: number; depth?: number; color?: number; interlaced?: boolean };
const header = ({ width, height, depth = 8, color = 2, interlaced = false }: Header): Buffer =>
  chunk('IHDR', Buffer.concat([uint32(width), uint32(height), Buffer.from([depth, color, 0, 0, interlaced ? 1 : 0])]));

const channels: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** All zeros, as many as the header promises. */
const pixels = ({ width, height, depth = 8, color = 2 }: Header): Buffer =>
  chunk('IDAT', deflateSync(Buffer.alloc((1 + Math.ceil((width * depth * (channels[color] ?? 1)) / 8)) * height), { level: 9 }));
const png = (...chunks: Buffer[]): Buffer => Buffer.concat([signature, ...chunks, chunk('IEND', Buffer.alloc(0))]);

const small = { width: 300, height: 300 };
const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
/** A gigabyte of zeros in a megabyte. */
const gigabyte = (): Buffer => {
  const block = deflateSync(Buffer.alloc(1 << 20), { level: 9 });
  // Of a stream the last block says so; all others repeat.
  const one = Buffer.concat([block.subarray(2, -4)]);
  one[0] = one[0]! & 0xfe;
  return Buffer.concat([latin('\x78\xda'), ...repeated(1024, () => one)]);
};
const megabyte = deflateSync(Buffer.alloc(1 << 20), { level: 9 });

export const pngBombs: Record<string, Bomb> = {
  'PNG of 2,500 megapixels': () => png(header({ width: 50_000, height: 50_000, depth: 1, color: 0 }), chunk('IDAT', deflateSync(Buffer.alloc(1000)))),
  'PNG of 2^31 - 1 by 2^31 - 1': () => png(header({ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }), chunk('IDAT', deflateSync(Buffer.alloc(1000)))),
  'PNG of 49 megapixels': () => png(header({ width: 7000, height: 7000 }), pixels({ width: 7000, height: 7000 })),
  'PNG of 49 megapixels with 8 bytes each': () => png(header({ width: 7000, height: 7000, depth: 16, color: 6 }), pixels({ width: 7000, height: 7000, depth: 16, color: 6 })),
  'interlaced PNG of 49 megapixels with 8 bytes each': () => {
    const large = { width: 7000, height: 7000, depth: 16, color: 6, interlaced: true };
    // Seven passes have up to seven filter bytes a line more.
    return png(header(large), chunk('IDAT', deflateSync(Buffer.alloc((7000 * 8 + 8) * 7000 + 100_000), { level: 9 })));
  },
  'PNG of 49 megapixels with 4 bytes each': () => png(header({ width: 7000, height: 7000, color: 6 }), pixels({ width: 7000, height: 7000, color: 6 })),
  'PNG of 33 megapixels with 6 bytes each': () => png(header({ width: 5700, height: 5700, depth: 16 }), pixels({ width: 5700, height: 5700, depth: 16 })),
  'interlaced PNG of 49 megapixels with 4 bytes each': () => png(header({ width: 7000, height: 7000, color: 6, interlaced: true }), chunk('IDAT', deflateSync(Buffer.alloc((7000 * 4 + 8) * 7000 + 100_000), { level: 9 }))),
  'PNG of one line of 49 megapixels': () => png(header({ width: 49_000_000, height: 1, color: 0 }), pixels({ width: 49_000_000, height: 1, color: 0 })),
  'PNG with 400,000 chunks': () => png(header(small), many(400_000, () => chunk('teSt', Buffer.alloc(0))), pixels(small)),
  'PNG with 200,000 texts': () => png(header(small), many(200_000, (at) => chunk('tEXt', latin(`k${at % 10}\0`))), pixels(small)),
  'PNG with a text of a gigabyte': () => png(header(small), chunk('zTXt', Buffer.concat([latin('Comment\0\0'), gigabyte()])), pixels(small)),
  'PNG with 4,000 texts of a megabyte': () => png(header(small), many(4000, (at) => chunk('zTXt', Buffer.concat([latin(`k${at}\0\0`), megabyte]))), pixels(small)),
  'PNG with a profile of a gigabyte': () => png(header(small), chunk('iCCP', Buffer.concat([latin('icc\0\0'), gigabyte()])), pixels(small)),
  'PNG with pixels of a gigabyte behind the last': () => png(header(small), chunk('IDAT', gigabyte())),
  'PNG with 5 MB of empty pixel chunks': () => png(header(small), many(400_000, () => chunk('IDAT', Buffer.alloc(0))), pixels(small)),
  'PNG with 4,096 frames': () => {
    const still = deflateSync(Buffer.alloc(901 * 300));
    const frame = (at: number) => Buffer.concat([chunk('fcTL', Buffer.concat([uint32(at * 2), uint32(300), uint32(300), uint32(0), uint32(0), Buffer.from([0, 1, 0, 1, 0, 0])])), chunk('fdAT', Buffer.concat([uint32(at * 2 + 1), still]))]);
    return png(header(small), chunk('acTL', Buffer.concat([uint32(4096), uint32(0)])), pixels(small), many(4096, frame));
  },
  'PNG with directories of EXIF in a circle': () => png(header(small), chunk('eXIf', exifOf.circle()), pixels(small)),
  'PNG with 60,000 directories of EXIF': () => png(header(small), chunk('eXIf', exifOf.chain(60_000)), pixels(small)),
  'PNG with a chunk of 2 GB': () => Buffer.concat([signature, header(small), uint32(2 ** 31 - 1), latin('tEXt'), Buffer.alloc(1000)]),
  'PNG with wrong checksums': () => {
    const bytes = png(header(small), pixels(small));
    bytes[29] = bytes[29]! ^ 0xff;
    return bytes;
  },
  'PNG whose palette is missing': () => png(header({ ...small, color: 3 }), pixels({ ...small, color: 3 })),
  'PNG of no width': () => png(header({ width: 0, height: 300 }), pixels(small)),
};

for (const [name, make] of Object.entries(pngBombs)) pngBombs[name] = async () => (await make()).subarray(0, mostBytes);
