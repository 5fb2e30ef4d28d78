import { drawnHeic } from '../../support/photos.ts';
import { type Bomb, many, mostBytes, repeated, uint16, uint32 } from './bomb.ts';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const box = (type: string, ...data: Uint8Array[]): Buffer => {
  const body = Buffer.concat(data);
  return Buffer.concat([uint32(body.length + 8), latin(type), body]);
};
/** With a version and flags. */
const full = (type: string, version: number, ...data: Uint8Array[]): Buffer => box(type, Buffer.from([version, 0, 0, 0]), ...data);
const fileType = (brand = 'heic'): Buffer => box('ftyp', latin(brand), uint32(0), latin('mif1heicmiaf'));

/** The parts of the one valid picture. */
function parts(): { hvcC: Buffer; pixels: Buffer } {
  const bytes = Buffer.from(drawnHeic());
  const cut = (type: string): Buffer => {
    const at = bytes.indexOf(type) - 4;
    return bytes.subarray(at, at + bytes.readUInt32BE(at));
  };
  return { hvcC: cut('hvcC'), pixels: cut('mdat').subarray(8) };
}

type Item = { type: string; /** Null: the same as the item before it. */ data: Buffer | null; properties: number[]; extents?: number };
type Still = { items: Item[]; properties: Buffer[]; references?: Buffer[]; more?: Buffer[] };

/** A whole file: item 1 is the picture to show. */
function heic({ items, properties, references = [], more = [] }: Still): Buffer {
  const build = (start: number): Buffer => {
    let [at, length] = [start, 0];
    const places = items.map(({ data, extents = 1 }, index) => {
      at += data ? length : 0;
      length = data?.length ?? length;
      return Buffer.concat([uint16(index + 1), uint16(0), uint16(extents), many(extents, () => Buffer.concat([uint32(at), uint32(length)]))]);
    });
    const meta = full('meta', 0,
      full('hdlr', 0, uint32(0), latin('pict'), Buffer.alloc(13)), full('pitm', 0, uint16(1)), full('iloc', 0, Buffer.from([0x44, 0]), uint16(items.length), ...places),
      full('iinf', 0, uint16(items.length), ...items.map(({ type }, index) => full('infe', 2, uint16(index + 1), uint16(0), latin(type), Buffer.from([0])))),
      box('iprp', box('ipco', ...properties), full('ipma', 0, uint32(items.length), ...items.map((item, index) => Buffer.concat([uint16(index + 1), Buffer.from([item.properties.length, ...item.properties])])))),
      ...references.length > 0 ? [full('iref', 0, ...references)] : [], ...more);
    return Buffer.concat([fileType(), meta, box('mdat', ...items.flatMap(({ data }) => data ?? []))]);
  };
  return build(build(0).indexOf('mdat') + 4);
}

const extent = (width: number, height: number): Buffer => full('ispe', 0, uint32(width), uint32(height));
const grid = (rows: number, columns: number, width: number, height: number): Buffer => Buffer.concat([Buffer.from([0, 1, rows - 1, columns - 1]), uint32(width), uint32(height)]);
const refers = (from: number, to: number[]): Buffer => box('dimg', uint16(from), uint16(to.length), ...to.map(uint16));

/** `rows` by `columns` times the same picture, which says that it is as large as is said. */
function tiled(rows: number, columns: number, width: number, height: number): Buffer {
  const { hvcC, pixels } = parts();
  const tiles = repeated(rows * columns, (at): Item => ({ type: 'hvc1', data: at === 0 ? pixels : null, properties: [0x81, 3] }));
  const items: Item[] = [{ type: 'grid', data: grid(rows, columns, width, height), properties: [2] }, ...tiles];
  return heic({ items, properties: [hvcC, extent(width, height), extent(480, 600)], references: [refers(1, tiles.map((_, at) => at + 2))] });
}

/** Grids of one grid each. */
function nested(levels: number): Buffer {
  const { hvcC, pixels } = parts();
  const items = [...repeated(levels, () => ({ type: 'grid', data: grid(1, 1, 480, 600), properties: [2] })), { type: 'hvc1', data: pixels, properties: [0x81, 2] }];
  return heic({ items, properties: [hvcC, extent(480, 600)], references: repeated(levels, (level) => refers(level + 1, [level + 2])) });
}

/** One picture whose coded data says that it is of another size than the file. */
function mislabelled(width: number, height: number, told: [number, number]): Buffer {
  const { hvcC, pixels } = parts();
  return heic({ items: [{ type: 'hvc1', data: pixels, properties: [0x81, 2] }], properties: [withSize(hvcC, width, height), extent(...told)] });
}

/** The decoder's configuration with another size in its sequence parameters (ITU-T H.265, 7.3.2.2): two numbers behind 14 fixed bytes and the chroma format. */
function withSize(hvcC: Buffer, width: number, height: number): Buffer {
  const sps = hvcC.indexOf(Buffer.from([0x42, 0x01]));
  const length = hvcC.readUInt16BE(sps - 2);
  const raw = hvcC.toString('hex', sps, sps + length).match(/../g)!.join('').replaceAll('000003', '0000');
  const bits = BigInt(`0x1${raw}`).toString(2).slice(1);
  let at = 15 * 8;
  const read = (): number => {
    const zeros = bits.indexOf('1', at) - at;
    const value = Number.parseInt(bits.slice(at + zeros, at + 2 * zeros + 1), 2) - 1;
    at += 2 * zeros + 1;
    return value;
  };
  const write = (value: number): string => '0'.repeat((value + 1).toString(2).length - 1) + (value + 1).toString(2);
  read();
  read();
  const sizeAt = at;
  read();
  read();
  const changed = bits.slice(0, sizeAt) + write(width) + write(height) + bits.slice(at);
  const bytes = Buffer.from((changed.match(/.{1,8}/g) ?? []).map((eight) => Number.parseInt(eight.padEnd(8, '0'), 2)));
  const escaped = Buffer.from(bytes.toString('hex').match(/../g)!.join(' ').replaceAll(/00 00 (0[0-3])/g, '00 00 03 $1').replaceAll(' ', ''), 'hex');
  const body = Buffer.concat([hvcC.subarray(8, sps - 2), uint16(escaped.length), escaped, hvcC.subarray(sps + length)]);
  return box('hvcC', body);
}

const deep = (levels: number): Buffer => repeated(levels, () => 0).reduce<Buffer>((inner) => box('meta', Buffer.alloc(4), inner), Buffer.alloc(0));

export const heicBombs: Record<string, Bomb> = {
  'HEIC that says 40,000 by 40,000': () => mislabelled(480, 600, [40_000, 40_000]),
  'HEIC that says 7,000 by 7,000': () => mislabelled(480, 600, [7000, 7000]),
  'HEIC that says 300 by 300 and is 8,192 by 8,192': () => mislabelled(8192, 8192, [300, 300]),
  'HEIC that says 300 by 300 and is 16,384 by 16,384': () => mislabelled(16_384, 16_384, [300, 300]),
  'HEIC of 6,000 by 8,000 with the pixels of a small one': () => mislabelled(6000, 8000, [6000, 8000]),
  'HEIC of 16 tiles': () => tiled(4, 4, 1920, 2400),
  'HEIC of 160 tiles': () => tiled(16, 10, 4800, 9600),
  'HEIC of 990 tiles': () => tiled(33, 30, 14_400, 19_800),
  'HEIC of 990 tiles that says 480 by 600': () => tiled(33, 30, 480, 600),
  'HEIC of 10,000 tiles that says 480 by 600': () => tiled(100, 100, 480, 600),
  'HEIC of four levels of tiles': () => nested(4),
  'HEIC of 300 levels of tiles': () => nested(300),
  'HEIC of tiles in a circle': () => heic({ items: [{ type: 'grid', data: grid(1, 1, 480, 600), properties: [1] }], properties: [extent(480, 600)], references: [refers(1, [1])] }),
  'HEIC of 60,000 pieces': () => heic({ items: [{ type: 'hvc1', data: parts().pixels, properties: [0x81, 2], extents: 60_000 }], properties: [parts().hvcC, extent(480, 600)] }),
  'HEIC of 60,000 items': () => heic({ items: [{ type: 'hvc1', data: parts().pixels, properties: [0x81, 2] }, ...repeated(60_000, () => ({ type: 'hvc1', data: Buffer.alloc(0), properties: [0x81, 2] }))], properties: [parts().hvcC, extent(480, 600)] }),
  'HEIC with 200,000 properties': () => heic({ items: [{ type: 'hvc1', data: parts().pixels, properties: [0x81, 2] }], properties: [parts().hvcC, extent(480, 600), many(200_000, () => extent(1, 1))] }),
  'HEIC with boxes 100,000 deep': () => Buffer.concat([fileType(), box('meta', Buffer.alloc(4), deep(5000))]),
  'HEIC with 600,000 empty boxes': () => Buffer.concat([fileType(), many(600_000, () => box('free')), Buffer.from(drawnHeic()).subarray(28)]),
  'HEIC with boxes of no length': () => Buffer.concat([fileType(), many(100_000, () => Buffer.concat([uint32(1), latin('free'), uint32(0), uint32(0)]))]),
  'HEIC with a profile of 4 MB': () => heic({ items: [{ type: 'hvc1', data: parts().pixels, properties: [0x81, 2, 3] }], properties: [parts().hvcC, extent(480, 600), box('colr', latin('prof'), Buffer.alloc(4_000_000, 1))] }),
  'HEIC with 300,000 color boxes': () => heic({ items: [{ type: 'hvc1', data: parts().pixels, properties: [0x81, 2] }], properties: [parts().hvcC, extent(480, 600)], more: [many(300_000, () => box('colr', latin('none')))] }),
  'HEIC of nothing but its type': () => fileType(),
  'HEIC of a brand that is a film': () => Buffer.concat([fileType('hevc'), Buffer.alloc(10_000)]),
  'film that is called HEIC': () => Buffer.concat([fileType('isom'), Buffer.from(drawnHeic()).subarray(28)]),
};

for (const [name, make] of Object.entries(heicBombs)) heicBombs[name] = async () => (await make()).subarray(0, mostBytes);
