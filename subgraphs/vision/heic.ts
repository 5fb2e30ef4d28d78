import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Where the decoder's own dependency is found. */
const require = createRequire(createRequire(import.meta.url).resolve('heic-decode'));

type Decode = (input: { buffer: Uint8Array }) => Promise<{ width: number; height: number; data: Uint8ClampedArray }>;
type CreateLibrary = (options: { instantiateWasm(imports: object, done: (instance: object) => void): object }) => object;

/** What is needed of it here; its types come only with those of browsers. */
declare const WebAssembly: { Module: new (bytes: Uint8Array) => object; Instance: new (module: object, imports: object) => { exports: object } };

let compiled: object | null = null;

/** A decoder with a memory of its own, which goes with it: one that is used again keeps what its largest picture needed, half a gigabyte. */
function createDecoder(): Decode {
  // Loaded only when the first HEIC comes: the decoder is large.
  const module = (compiled ??= new WebAssembly.Module(readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm'))));
  const createLibrary: CreateLibrary = require('libheif-js/libheif-wasm/libheif.js');
  const wrap: (library: object) => { one: Decode } = require('./lib.js');
  return wrap(createLibrary({
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  })).one;
}

/** Is this an ISO media file, as HEIC is? sharp decodes all other accepted types. */
export function isHeic(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 4, 8) === 'ftyp';
}

/** Decodes the first picture of a HEIC to RGBA, upright already. Blocks its thread for most of a second. */
export async function decodeHeic(bytes: Uint8Array): ReturnType<Decode> {
  return createDecoder()({ buffer: bytes });
}

/** XYZ (D50) of red, green and blue at full light. */
export type Primaries = readonly [red: Xyz, green: Xyz, blue: Xyz];
type Xyz = readonly [x: number, y: number, z: number];

/** As a telephone's pictures have them (SMPTE EG 432-1, adapted to D50). */
const DISPLAY_P3: Primaries = [[0.5151, 0.2412, -0.0011], [0.292, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]];
/** Its number in ITU-T H.273, table 2. */
const P3_CODE = 12;
/** What describes the pictures stands before them. */
const HEADER_BYTES = 65_536;

/** What a HEIC says its numbers mean; null when it says nothing, and then they are sRGB's. The decoder gives them as they are; sharp would convert them. */
export function primariesOf(bytes: Uint8Array): Primaries | null {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEADER_BYTES));
  for (let at = header.indexOf('colr'); at >= 0; at = header.indexOf('colr', at + 4)) {
    const kind = header.toString('latin1', at + 4, at + 8);
    const found = kind === 'prof' ? primariesOfProfile(header.subarray(at + 8)) : kind === 'nclx' && header[at + 9] === P3_CODE ? DISPLAY_P3 : null;
    if (found) return found;
  }
  return null;
}

/** Of an ICC profile (ICC.1:2022, 7.3 and 10.31); null when it is no matrix profile. */
function primariesOfProfile(profile: Buffer): Primaries | null {
  if (profile.length < 132 || profile.toString('latin1', 36, 40) !== 'acsp') return null;
  const found = new Map<string, Xyz>();
  for (let tag = 0, at = 132; tag < profile.readUInt32BE(128) && at + 12 <= profile.length; tag++, at += 12) {
    const [name, offset] = [profile.toString('latin1', at, at + 4), profile.readUInt32BE(at + 4)];
    if (!name.endsWith('XYZ') || offset + 20 > profile.length) continue;
    const value = (index: number): number => profile.readInt32BE(offset + 8 + index * 4) / 65_536;
    found.set(name, [value(0), value(1), value(2)]);
  }
  const [red, green, blue] = ['rXYZ', 'gXYZ', 'bXYZ'].map((name) => found.get(name));
  return red && green && blue ? [red, green, blue] : null;
}
