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
