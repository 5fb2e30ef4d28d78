import sharp from 'sharp';
import { EngineFault } from '../vision/engine.ts';
import type { Raster } from '../vision/raster.ts';

/** Greatest picture that an engine may send. */
export const mostPictureBytes = 32 * 1024 * 1024;
const mostPixels = 40_000_000;
const leastSide = 256;
/** How far the shape of an answer may differ from the wanted one: engines round sides to multiples of 8 or 64. */
const mostSkew = 0.06;

export type PictureSize = { width: number; height: number };

export async function sizeOf(photo: Uint8Array): Promise<PictureSize> {
  const { width, height } = await sharp(photo).metadata();
  return { width, height };
}

/** What an engine sent, of the wanted shape and no larger. Throws EngineFault for everything else. */
export async function pictureFrom(bytes: Uint8Array, wanted: PictureSize): Promise<Raster> {
  const { data, info } = await decoded(bytes, wanted);
  return { width: info.width, height: info.height, rgb: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength) };
}

async function decoded(bytes: Uint8Array, wanted: PictureSize): Promise<{ data: Buffer; info: { width: number; height: number } }> {
  const broken = (why: string, cause?: unknown): never => {
    throw new EngineFault('UNAVAILABLE', `the engine's answer is ${why}`, { cause });
  };
  try {
    const image = sharp(bytes, { failOn: 'truncated', limitInputPixels: mostPixels });
    const { width, height, format } = await image.metadata();
    if (!['jpeg', 'png', 'webp'].includes(format)) return broken(`a ${format}`);
    if (Math.min(width, height) < leastSide || Math.abs(Math.log((width / height) * (wanted.height / wanted.width))) > mostSkew) return broken(`of a wrong size, ${width} x ${height}`);
    return await image.resize(wanted.width, wanted.height, { fit: 'cover', withoutEnlargement: true }).toColorspace('srgb').flatten({ background: '#ffffff' }).raw().toBuffer({ resolveWithObject: true });
  } catch (error) {
    return error instanceof EngineFault ? Promise.reject(error) : broken('no picture', error);
  }
}
