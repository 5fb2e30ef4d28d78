import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { colors as palette } from '../../../subgraphs/palette.ts';
import { type HairStyle, styles } from '../../../subgraphs/hairstyle/catalogue/styles.ts';
import type { VisionEngine } from '../../../subgraphs/vision/index.ts';
import { say } from './figures.ts';
import type { Portrait } from './portraits.ts';

/** Of different tone, hair and age; the first eight where these portraits are not there. */
const people = ['female/1.jpg', 'female/25.jpg', 'female/49.jpg', 'female/85.jpg', 'male/1.jpg', 'male/21.jpg', 'male/57.jpg', 'male/93.jpg'];
const looks = [817941, 739205, 619872, 465910, 968230, 160948, 946281, 204317, 614253, 473065, 320679, 820195];
const colors = [null, 'Black', 'Honey blond'];
const cell = { width: 256, height: 320 };
const folder = '.data/sheets';

/** A page of pictures for each color, people by styles, to be looked at: in .data/sheets. */
export async function sheet(vision: VisionEngine, portraits: readonly Portrait[], only = { people, looks: chosenStyles(), colors }): Promise<void> {
  const chosen = only.people.flatMap((name) => portraits.filter((portrait) => portrait.name === name));
  const rows = await Promise.all((chosen.length > 0 ? chosen : portraits.slice(0, 8)).map(async ({ name, bytes }) => ({ name, photo: (await vision.inspect(bytes)).normalised })));
  await mkdir(folder, { recursive: true });
  for (const name of only.colors) {
    const hex = palette.find((color) => color.name === name)?.hex;
    const pictures = await Promise.all(rows.map(async ({ name: person, photo }) => [photo, ...await Promise.all(
      only.looks.map(async ({ id, look }) => (await vision.generate({ photo, photoKey: person, look, color: hex ? { hex } : null, forceNewHairline: false }, { signal: new AbortController().signal, seed: id, mode: 'live', onProgress: () => undefined })).bytes),
    )]));
    const file = join(folder, `${(name ?? 'own').replaceAll(' ', '-').toLowerCase()}.jpg`);
    await writeFile(file, await tile(pictures));
    say(`  ${file}: ${rows.length} people, ${only.looks.map(({ description }) => description).join(', ')}`);
  }
}

function chosenStyles(): HairStyle[] {
  return looks.flatMap((id) => styles.filter((style) => style.id === id));
}

async function tile(rows: readonly (readonly Uint8Array[])[]): Promise<Uint8Array> {
  const columns = Math.max(...rows.map((row) => row.length));
  const input = await Promise.all(rows.flatMap((row, y) => row.map(async (bytes, x) => ({
    input: await sharp(bytes).resize({ ...cell, fit: 'cover', position: 'top' }).toBuffer(), left: x * cell.width, top: y * cell.height,
  }))));
  return sharp({ create: { width: columns * cell.width, height: rows.length * cell.height, channels: 3, background: '#ffffff' } }).composite(input).jpeg({ quality: 85 }).toBuffer();
}
