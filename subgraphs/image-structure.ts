/**
 * What a file is made of, before any library reads it. Pixels alone do not say what a picture costs: one of a megapixel with 100,000 scans
 * occupied a thread for minutes, and nothing stops a decoder that is at work.
 */

/** Of a file, and of what it says about itself. A photo of a telephone has some dozens; the libraries keep each one and search among them. */
const mostParts = 2_000;
/** Passes over all pixels. Encoders write about ten, and for large pictures each costs. */
const mostScans = 64;
const mostScannedPixels = 500_000_000;
/** Pixels as they are unpacked: 50 megapixels with four bytes each. */
const mostUnpackedBytes = 200_000_000;

/** Pictures of a HEIC that are put together from others. A telephone writes one or two; the decoder goes through those that lead to each other for minutes. */
const mostGrids = 16;
/** Tiles and all else in a HEIC: 48 megapixels in tiles of 512 by 512 are 192, and each costs, whatever size the whole is said to have. */
const mostItems = 400;

/** What is wrong with a JPEG, PNG, WebP or HEIC that has more to it than any camera or program writes. Null: nothing, or it is no such file. */
export function findOverload(bytes: Uint8Array): 'TOO_LARGE' | 'NOT_AN_IMAGE' | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 33) return null;
  if (buffer.readUInt16BE(0) === 0xffd8) return isOverloadedJpeg(buffer) ? 'NOT_AN_IMAGE' : null;
  if (buffer.readUInt32BE(0) === 0x8950_4e47) return unpackedBytes(buffer) > mostUnpackedBytes ? 'TOO_LARGE' : countPngChunks(buffer) > mostParts ? 'NOT_AN_IMAGE' : null;
  if (buffer.toString('latin1', 4, 8) === 'ftyp') return isOverloadedHeic(buffer) ? 'NOT_AN_IMAGE' : null;
  return buffer.toString('latin1', 0, 4) === 'RIFF' && countWebpChunks(buffer) > mostParts ? 'NOT_AN_IMAGE' : null;
}

/** From marker to marker (ITU-T T.81, annex B); within the data of a scan 255 is followed by 0 or by the number of a restart. */
function isOverloadedJpeg(buffer: Buffer): boolean {
  let [scans, parts, pixels] = [0, 0, 0];
  for (let at = nextMarker(buffer, 2); at + 9 <= buffer.length; at = nextMarker(buffer, at)) {
    const marker = buffer[at + 1] ?? 0;
    if (marker === 0xd9) return false;
    // Arithmetic coding and the like: no browser shows it, and it is dear.
    if (isFrame(marker) && marker > 0xc2) return true;
    if (isFrame(marker)) pixels = Math.max(pixels, buffer.readUInt16BE(at + 5) * buffer.readUInt16BE(at + 7));
    if (marker === 0xda) scans += 1;
    parts += 1;
    if (parts > mostParts || scans > mostScans || scans * pixels > mostScannedPixels) return true;
    at += 2 + buffer.readUInt16BE(at + 2);
  }
  return false;
}

/** Where the next marker stands that has a length behind it, or ends the picture. Megabytes may lie before it, so each step counts. */
function nextMarker(buffer: Buffer, from: number): number {
  let at = from;
  for (; at < buffer.length; at += 1) {
    const marker = buffer[at] === 0xff ? (buffer[at + 1] ?? 0) : 0;
    if (marker > 1 && marker !== 0xff && (marker < 0xd0 || marker > 0xd8)) break;
  }
  return at;
}

/** C4 are tables, C8 and CC are no frames either. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

const channels: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** What is interlaced is held whole and gone over seven times: it counts twice. */
function unpackedBytes(png: Buffer): number {
  return png.readUInt32BE(16) * png.readUInt32BE(20) * (channels[png[25] ?? 0] ?? 4) * Math.max(1, (png[24] ?? 8) / 8) * (png[28] === 1 ? 2 : 1);
}

/** But for those with pixels, which are as many as the encoder likes unless there is next to nothing in them. */
function countPngChunks(buffer: Buffer): number {
  let count = 0;
  for (let at = 8; at + 8 <= buffer.length && count <= mostParts; at += 12 + buffer.readUInt32BE(at)) {
    if (buffer.readUInt32BE(at) < 256 || buffer.toString('latin1', at + 4, at + 8) !== 'IDAT') count += 1;
  }
  return count;
}

function countWebpChunks(buffer: Buffer): number {
  let count = 0;
  for (let at = 12; at + 8 <= buffer.length && count <= mostParts; at += 8 + buffer.readUInt32LE(at + 4) + (buffer.readUInt32LE(at + 4) % 2)) count += 1;
  return count;
}

/** By its items (ISO/IEC 23008-12): the box `infe`, its version and flags, two numbers of 16 bits, the type. */
function isOverloadedHeic(buffer: Buffer): boolean {
  let [items, grids] = [0, 0];
  for (let at = buffer.indexOf('infe'); at >= 0 && items <= mostItems; at = buffer.indexOf('infe', at + 4)) {
    items += 1;
    if (buffer.toString('latin1', at + 12, at + 16) === 'grid') grids += 1;
  }
  return items > mostItems || grids > mostGrids;
}
