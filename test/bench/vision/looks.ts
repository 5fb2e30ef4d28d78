import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { styles } from '../../../subgraphs/hairstyle/catalogue/styles.ts';
import { colors as palette } from '../../../subgraphs/palette.ts';
import type { VisionEngine } from '../../../subgraphs/vision/index.ts';
import { say } from './figures.ts';
import { tile } from './headshots.ts';
import type { Portrait } from './portraits.ts';

type Wish = { style: number; color: string | null };
const own = (style: number): Wish => ({ style, color: null });
const colored = (style: number, color: string): Wish => ({ style, color });

/** Of different tone, hair and age, each with three styles of the catalogue that they could ask a salon for. */
const people: readonly (readonly [string, readonly [Wish, Wish, Wish]])[] = [
  ['female/1.jpg', [own(316785), colored(462817, 'Honey blond'), own(850417)]], ['male/21.jpg', [own(987453), own(609134), own(541837)]],
  ['female/25.jpg', [own(591276), colored(904371, 'Silver'), own(739205)]], ['male/93.jpg', [own(651942), own(869304), own(614253)]],
  ['female/97.jpg', [own(859420), own(493657), own(295643)]], ['male/1.jpg', [own(320679), own(709826), own(905748)]],
  ['female/85.jpg', [own(180365), colored(195763, 'Copper'), own(648739)]], ['male/17.jpg', [own(541837), own(214586), own(796420)]],
];
const folder = '.data/sheets';

/** Each person's photo beside three pictures of them in other styles, two people in a row: in .data/sheets. */
export async function looks(vision: VisionEngine, portraits: readonly Portrait[]): Promise<void> {
  const chosen = people.flatMap(([name, wishes]) => portraits.filter((portrait) => portrait.name === name).map(({ bytes }) => ({ name, bytes, wishes })));
  const shown = chosen.length > 0 ? chosen : portraits.map(({ name, bytes }, i) => ({ name, bytes, wishes: people[i % people.length]![1] }));
  const rows: Uint8Array[][] = [];
  for (const { name, bytes, wishes } of shown) {
    const photo = (await vision.inspect(bytes)).normalised;
    rows.push([photo, ...await Promise.all(wishes.map(async (wish) => draw(vision, photo, name, wish)))]);
  }
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'styles.jpg');
  await writeFile(file, await tile(rows, 'cover'));
  say(`  ${file}: ${rows.length} people`);
}

async function draw(vision: VisionEngine, photo: Uint8Array, photoKey: string, { style: id, color }: Wish): Promise<Uint8Array> {
  const { look } = styles.find((style) => style.id === id) ?? fail(`there is no style ${id}`);
  const hex = palette.find(({ name }) => name === color)?.hex;
  if (color !== null && hex === undefined) fail(`there is no color ${color}`);
  const how = { signal: new AbortController().signal, seed: id, mode: 'live', onProgress: () => undefined } as const;
  return (await vision.generate({ photo, photoKey, look, color: hex ? { hex } : null, forceNewHairline: false }, how)).bytes;
}

function fail(message: string): never {
  throw new Error(message);
}
