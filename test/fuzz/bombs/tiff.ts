import { type Bomb, repeated } from './bomb.ts';

type Entry = { tag: number; type: number; count: number; value: number };
const entry = ({ tag, type, count, value }: Entry): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.writeUInt32LE(count, 4);
  bytes.writeUInt32LE(value >>> 0, 8);
  return bytes;
};
const little = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
function directory(entries: readonly Entry[], next: number): Buffer {
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length);
  return Buffer.concat([count, ...entries.map(entry), little(next)]);
}
const head = (first: number): Buffer => Buffer.concat([Buffer.from('II*\0', 'latin1'), little(first)]);

/** Directory behind directory: each is 18 bytes, with one entry that leads to the next as well. */
const chain = (count: number, tag = 0x8769): Buffer =>
  Buffer.concat([head(8), ...repeated(count, (at) => directory([{ tag, type: 4, count: 1, value: 8 + (at + 1) * 18 }], 8 + (at + 1) * 18)), directory([], 0)]);
/** Two that lead to each other, and to themselves. */
const circle = (): Buffer => Buffer.concat([head(8), directory([{ tag: 0x8769, type: 4, count: 1, value: 26 }], 26), directory([{ tag: 0x8769, type: 4, count: 1, value: 8 }, { tag: 0xa005, type: 4, count: 1, value: 26 }], 8)]);
const wide = (): Buffer => Buffer.concat([head(8), directory(repeated(65_535, (at) => ({ tag: at, type: 10, count: 2 ** 32 - 1, value: 8 })), 8)]);

/** EXIF is a TIFF without pixels. */
export const exifOf = { chain, circle, wide };

const picture = (width: number, height: number): Entry[] => [
  { tag: 256, type: 4, count: 1, value: width }, { tag: 257, type: 4, count: 1, value: height }, { tag: 258, type: 3, count: 1, value: 8 }, { tag: 259, type: 3, count: 1, value: 1 },
  { tag: 262, type: 3, count: 1, value: 1 }, { tag: 273, type: 4, count: 1, value: 8 }, { tag: 278, type: 4, count: 1, value: height }, { tag: 279, type: 4, count: 1, value: width * height },
];

/** No accepted type, but one that everything that tells types has to look into. */
export const tiffBombs: Record<string, Bomb> = {
  'TIFF with 250,000 directories': () => chain(250_000),
  'TIFF with 250,000 directories below each other': () => chain(250_000, 330),
  'TIFF with directories in a circle': () => circle(),
  'TIFF with a directory of 65,535 entries that all lead to itself': () => wide(),
  'TIFF of 4,000 megapixels': () => Buffer.concat([head(8), directory(picture(65_000, 65_000), 0)]),
  'TIFF whose directory lies behind its end': () => head(2 ** 32 - 1),
};
