import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import sharp from 'sharp';
import { drawnPortrait } from '../../subgraphs/warm-up.ts';
import { cutDemoPortrait, findDemoPhoto } from '../../gateway/files.ts';

/** The group photo that the portrait is cut from: several faces. */
function groupPhoto(): string {
  const file = findDemoPhoto();
  assert.ok(file, 'the development dependencies are not installed');
  return file;
}

/** One frontal face with long hair, 480 x 620. */
export const portrait = async (): Promise<Uint8Array> => cutDemoPortrait(groupPhoto());

/** The same face at `width` pixels, for tests that want many pictures and not fine ones. */
export const smallPortrait = async (width: number): Promise<Uint8Array> => sharp(await portrait()).resize({ width }).jpeg({ quality: 90 }).toBuffer();

export const severalFaces = async (): Promise<Uint8Array> => sharp(groupPhoto()).resize({ width: 1400 }).jpeg().toBuffer();

/** A woman seen from the side, from another photo of the same dependency. */
export const profile = async (): Promise<Uint8Array> => sharp(createRequire(import.meta.url).resolve('@vladmandic/face-api/demo/sample2.jpg')).extract({ left: 249, top: 77, width: 314, height: 383 }).jpeg({ quality: 95 }).toBuffer();

const blinds = { left: 0, top: 0, width: 420, height: 300 };
/** A sharp, well-lit corner of the same photo with nobody in it. */
export const nobody = async (): Promise<Uint8Array> => sharp(await sharp(groupPhoto()).extract(blinds).toBuffer()).resize({ width: 840 }).jpeg().toBuffer();

/** 100 megapixels in a few hundred kilobytes. */
export const hundredMegapixels = async (): Promise<Uint8Array> =>
  sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: '#886655' }, limitInputPixels: false }).png({ compressionLevel: 9 }).toBuffer();

export const truncatedJpeg = async (): Promise<Uint8Array> => (await portrait()).subarray(0, 9_000);

export const animatedGif = async (): Promise<Uint8Array> => {
  const frames = ['#ff0000', '#0000ff'].map((background) => sharp({ create: { width: 300, height: 300, channels: 3, background } }).png().toBuffer());
  return sharp(await Promise.all(frames), { join: { animated: true } }).gif({ loop: 0, delay: [100, 100] }).toBuffer();
};

export const svg = (): Uint8Array => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><circle cx="200" cy="200" r="150"/></svg>');

/** A face of our own drawing as a HEIC of 480 x 600, with sRGB's colors or, as a telephone writes them, with Display P3's; the same as a PNG. */
export const drawnHeic = (colors: 'srgb' | 'p3' = 'srgb'): Uint8Array => new Uint8Array(readFileSync(join(import.meta.dirname, colors === 'p3' ? 'pictures/drawn-p3.heic' : 'pictures/drawn.heic')));
export const drawnPng = async (): Promise<Uint8Array> => sharp(await drawnPortrait()).resize({ width: 480 }).png().toBuffer();
