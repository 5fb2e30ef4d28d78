import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { toSrgb } from './color.ts';
import { EngineRefusal } from './engine.ts';
import { decodeHeic, isHeic, primariesOf } from './heic.ts';
import type { Raster } from './raster.ts';

/** Longest side of the picture the analysis and the renderer work on, px. */
export const WORKING_SIDE_PX = 1024;
const MOST_PIXELS = 50_000_000;

/** Decodes a JPEG, PNG or WebP to sRGB without alpha (transparent is white), orientation applied, no larger than `side`. */
export async function decodeRaster(bytes: Uint8Array, side: number): Promise<Raster> {
  return toRaster(sharp(bytes, { failOn: 'truncated', limitInputPixels: MOST_PIXELS }).autoOrient(), side);
}

/** A decoded photo; `width` and `height` are those of the upright original, px. */
export type OpenPhoto = { raster: Raster; width: number; height: number; mime: string };

/** The same for every accepted type. Refuses with UNSUPPORTED_IMAGE what cannot be decoded. */
export async function openPhoto(bytes: Uint8Array, side: number): Promise<OpenPhoto> {
  return (isHeic(bytes) ? openHeic(bytes, side) : openOther(bytes, side)).catch((error: unknown) => {
    throw new EngineRefusal('UNSUPPORTED_IMAGE', `The photo cannot be decoded: ${error instanceof Error ? error.message : 'unknown reason'}`);
  });
}

async function openHeic(bytes: Uint8Array, side: number): Promise<OpenPhoto> {
  const { width, height, data } = await decodeHeic(bytes);
  const raster = await toRaster(sharp(data, { raw: { width, height, channels: 4 } }), side);
  const primaries = primariesOf(bytes);
  return { raster: primaries ? toSrgb(raster, primaries) : raster, width, height, mime: 'image/heic' };
}

async function openOther(bytes: Uint8Array, side: number): Promise<OpenPhoto> {
  const { format, autoOrient: { width, height } } = await sharp(bytes, { failOn: 'truncated', limitInputPixels: MOST_PIXELS }).metadata();
  return { raster: await decodeRaster(bytes, side), width, height, mime: `image/${format}` };
}

/** Shrinks to at most `side` px. */
export async function toRaster(image: Sharp, side: number): Promise<Raster> {
  const { data, info } = await image
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .toColorspace('srgb')
    .flatten({ background: '#ffffff' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`sharp gave ${info.channels} channels`);
  return { width: info.width, height: info.height, rgb: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength) };
}

export const fromRaster = ({ width, height, rgb }: Raster): Sharp => sharp(rgb, { raw: { width, height, channels: 3 } });
