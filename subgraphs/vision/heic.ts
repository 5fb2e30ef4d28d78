import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

type Decode = (input: { buffer: Uint8Array }) => Promise<{ width: number; height: number; data: Uint8ClampedArray }>;

/** Is this an ISO media file, as HEIC is? sharp decodes all other accepted types. */
export function isHeic(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 4, 8) === 'ftyp';
}

/** Decodes the first picture of a HEIC to RGBA, upright already. Blocks its thread for most of a second. */
export async function decodeHeic(bytes: Uint8Array): ReturnType<Decode> {
  // Loaded only when the first HEIC comes: the decoder is large.
  const decode: Decode = require('heic-decode');
  return decode({ buffer: bytes });
}

/** Does a HEIC say that its numbers mean Display P3, as a telephone's do? The decoder gives them as they are; sharp would convert them. */
export function isDisplayP3(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEADER_BYTES)).toString('latin1');
  for (let at = text.indexOf('colr'); at >= 0; at = text.indexOf('colr', at + 4)) {
    const kind = text.slice(at + 4, at + 8);
    // An ICC profile names itself, in UTF-16; code points have a number for their primaries.
    if (kind === 'prof' && text.slice(at, at + PROFILE_BYTES).replaceAll('\0', '').includes('Display P3')) return true;
    if (kind === 'nclx' && text.charCodeAt(at + 9) === P3_PRIMARIES) return true;
  }
  return false;
}

/** What describes the pictures stands before them. */
const HEADER_BYTES = 65_536;
const PROFILE_BYTES = 4096;
/** SMPTE EG 432-1 in ITU-T H.273, table 2. */
const P3_PRIMARIES = 12;
