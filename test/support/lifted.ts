import sharp from 'sharp';
import { createCatalogue } from '../../subgraphs/hairstyle/catalogue.ts';
import type { PreparedPhoto } from '../../subgraphs/vision/engine.ts';
import { preparePhoto } from '../../subgraphs/vision/prepare.ts';
import { renderLook } from '../../subgraphs/vision/strands/render.ts';
import { portrait } from './photos.ts';

const still = { color: null, forceNewHairline: false, seed: 1, onProgress: () => {} };
const jpegOf = async ({ width, height }: PreparedPhoto, rgb: Uint8ClampedArray): Promise<Uint8Array> =>
  new Uint8Array(await sharp(rgb, { raw: { width, height, channels: 3 } }).jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer());

/** The woman of `portrait`, whose own hair the frame cuts off, with hair that is whole in the picture; and without any. */
export async function importables(): Promise<{ photo: PreparedPhoto; short: Uint8Array; bald: Uint8Array; cutOff: Uint8Array }> {
  const cutOff = await portrait();
  const photo = await preparePhoto(cutOff);
  const crew = createCatalogue(() => 'https://look.example').getStyle('412569');
  return { photo, cutOff, short: await jpegOf(photo, renderLook(photo, crew.look, still).rgb), bald: await jpegOf(photo, photo.plate) };
}
