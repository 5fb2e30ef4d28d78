import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Aspect, Backdrop, Framing, VisionEngine } from '../../../subgraphs/vision/index.ts';
import { say } from './figures.ts';
import type { Portrait } from './portraits.ts';

/** Of different tone, hair and age; whoever can be used where these portraits are not there. */
const people = ['female/1.jpg', 'male/21.jpg', 'female/25.jpg', 'male/17.jpg', 'female/97.jpg', 'male/13.jpg', 'female/13.jpg', 'male/57.jpg', 'female/53.jpg', 'male/25.jpg'];
const backgrounds: readonly (readonly Backdrop[])[] = [
  ['studio-grey', 'office-windows', 'gradient-mist'], ['studio-charcoal', 'office-plants', 'gradient-sage'], ['studio-white', 'office-lounge', 'gradient-slate'], ['studio-sand', 'office-evening', 'studio-blue'],
];
const cell = { width: 200, height: 250, gap: 6, between: 20 };
const file = join('.data/sheets', 'headshots.jpg');

/** Each person's photo beside three of the headshots that are made of it, two people in a row: in .data/sheets. */
export async function headshots(vision: VisionEngine, portraits: readonly Portrait[], names: readonly string[] = people): Promise<void> {
  const chosen = names.flatMap((name) => portraits.find((portrait) => portrait.name === name) ?? []);
  const rows: Uint8Array[][] = [];
  for (const { name, bytes } of chosen.length > 0 ? chosen : portraits) {
    const { issues, framings, normalised } = await vision.assess(bytes);
    if (issues.length > 0) {
      say(`  ${name} is not used: ${issues.join(', ')}`);
      continue;
    }
    const trio = backgrounds[rows.length % backgrounds.length] ?? [];
    rows.push([normalised, ...await Promise.all(trio.map(async (backdrop, index) => shoot(vision, normalised, { name, backdrop, ...framings[index % framings.length] ?? { framing: 'close', aspect: '1:1' } })))]);
  }
  if (rows.length === 0) return say('  none of these photos shows head and shoulders');
  await mkdir('.data/sheets', { recursive: true });
  await writeFile(file, await tile(rows));
  say(`  ${file}: ${rows.length} people`);
}

type Shot = { name: string; backdrop: Backdrop; framing: Framing; aspect: Aspect };

async function shoot(vision: VisionEngine, photo: Uint8Array, { name, ...shot }: Shot): Promise<Uint8Array> {
  return (await vision.shoot({ photo, photoKey: name, shot }, { signal: new AbortController().signal, seed: 7, mode: 'live', onProgress: () => undefined })).original;
}

/** Rows of a photo and three pictures, two in a line. */
export async function tile(rows: readonly (readonly Uint8Array[])[], fit: 'contain' | 'cover' = 'contain'): Promise<Uint8Array> {
  const { width, height, gap, between } = cell;
  const across = 4 * width + 3 * gap;
  const input = await Promise.all(rows.flatMap((row, person) => row.map(async (bytes, at) => ({
    input: await sharp(bytes).resize({ width, height, fit: at === 0 ? 'cover' : fit, position: fit === 'cover' ? 'top' : 'centre', background: '#ffffff' }).toBuffer(), left: (person % 2) * (across + between) + at * (width + gap), top: Math.floor(person / 2) * (height + gap),
  }))));
  const size = { width: 2 * across + between, height: Math.ceil(rows.length / 2) * (height + gap) - gap };
  return sharp({ create: { ...size, channels: 3, background: '#ffffff' } }).composite(input).jpeg({ quality: 86 }).toBuffer();
}
