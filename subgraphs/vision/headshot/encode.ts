import sharp from 'sharp';
import type { RenderedHeadshot } from '../engine.ts';
import { testMark } from '../mark.ts';
import type { Raster } from '../raster.ts';

/** The files of a headshot: a JPEG, and the same hardly compressed; both marked in TEST mode. */
export async function encodeHeadshot({ width, height, rgb }: Raster, mode: 'live' | 'test'): Promise<RenderedHeadshot> {
  const encode = async (quality: number): Promise<Uint8Array> => {
    const picture = sharp(rgb, { raw: { width, height, channels: 3 } });
    if (mode === 'test') picture.composite([{ input: Buffer.from(testMark(width, height)) }]);
    return new Uint8Array(await picture.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer());
  };
  const [bytes, original] = [await encode(88), await encode(97)];
  return { bytes, original, mime: 'image/jpeg', width, height };
}
