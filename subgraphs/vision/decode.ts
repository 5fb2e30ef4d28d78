import sharp from 'sharp';
import type { Raster } from './raster.ts';

/** Longest side of the picture the analysis and the renderer work on, px. */
export const WORKING_SIDE_PX = 1024;

/** Decodes a JPEG, PNG or WebP to sRGB without alpha (transparent is white), orientation applied, no larger than `side`. */
export async function decodeRaster(bytes: Uint8Array, side: number): Promise<Raster> {
  const { data, info } = await sharp(bytes, { failOn: 'truncated' })
    .autoOrient()
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .toColorspace('srgb')
    .flatten({ background: '#ffffff' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const rgb = new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
  if (info.channels !== 3) throw new Error(`sharp gave ${info.channels} channels`);
  return { width: info.width, height: info.height, rgb };
}
