import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { decodeRaster } from '../../../subgraphs/vision/decode.ts';
import { detectFaces } from '../../../subgraphs/vision/faces.ts';
import { pyramid } from '../../../subgraphs/vision/raster.ts';

/** `lab`: what a published method says of its skin; null where nobody has said. */
export type Portrait = { name: string; bytes: Uint8Array; lab: readonly [number, number, number] | null };

/** Portraits of all tones that lie beside the project and are no part of it. */
export const beside = join(import.meta.dirname, '../../../../shared/portraits');

/** The labelled portraits where they are present, else the people in the photos of a development dependency, whom nobody has labelled. */
export async function readPortraits(): Promise<Portrait[]> {
  const labels = join(beside, 'skin_reference.jsonl');
  if (!existsSync(labels)) return cutDemoPeople();
  return readFileSync(labels, 'utf8').trim().split('\n').map((line) => {
    const { file, thong_lab: lab } = JSON.parse(line) as { file: string; thong_lab: [number, number, number] };
    return { name: file, bytes: readFileSync(join(beside, file)), lab };
  });
}

async function cutDemoPeople(): Promise<Portrait[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
  const people: Portrait[] = [];
  for (const number of [1, 2, 3, 4, 5, 6]) {
    const bytes = readFileSync(join(folder, `sample${number}.jpg`));
    const { width, height } = await sharp(bytes).metadata();
    const faces = await detectFaces(pyramid(await decodeRaster(bytes, Math.max(width, height))));
    for (const [index, face] of faces.entries()) {
      // Whoever stands too close to somebody else cannot be cut out alone.
      if (face.width < 80 || faces.some((other) => other !== face && Math.hypot(other.x - face.x, other.y - face.y) < face.width * 1.9)) continue;
      const [left, top] = [Math.max(0, Math.round(face.x - face.width * 0.4)), Math.max(0, Math.round(face.y - face.height * 0.6))];
      const [right, bottom] = [Math.min(width, Math.round(face.x + face.width * 1.4)), Math.min(height, Math.round(face.y + face.height * 1.6))];
      people.push({ name: `sample${number}.${index}`, bytes: await sharp(bytes).extract({ left, top, width: right - left, height: bottom - top }).jpeg({ quality: 95 }).toBuffer(), lab: null });
    }
  }
  return people;
}

/** Pictures with nobody in them: the portraits with the face painted over, locks of hair, and patterns. */
export async function readFaceless(portraits: readonly Portrait[]): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  for (const { bytes } of portraits) {
    const raster = await decodeRaster(bytes, 1024);
    const covers = (await detectFaces(pyramid(raster))).map((face) => `<rect x="${face.x - face.width * 0.1}" y="${face.y - face.height * 0.25}" width="${face.width * 1.2}" height="${face.height * 1.35}" fill="#b58a6c"/>`);
    const cover = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${raster.width}" height="${raster.height}">${covers.join('')}</svg>`);
    pictures.push(await sharp(raster.rgb, { raw: { width: raster.width, height: raster.height, channels: 3 } }).composite([{ input: cover }]).jpeg({ quality: 92 }).toBuffer());
  }
  const locks = join(import.meta.dirname, '../../../subgraphs/hairstyle/catalogue/previews');
  for (let number = 101; number <= 138; number++) pictures.push(await sharp(join(locks, `color_${number}-full.webp`)).jpeg().toBuffer());
  for (const sigma of [20, 60]) pictures.push(await sharp({ create: { width: 640, height: 640, channels: 3, background: '#c69a7b', noise: { type: 'gaussian', mean: 128, sigma } } }).jpeg().toBuffer());
  for (const background of ['#c69a7b', '#6b4a38', '#ffffff', '#000000']) pictures.push(await sharp({ create: { width: 640, height: 640, channels: 3, background } }).jpeg().toBuffer());
  return pictures;
}
