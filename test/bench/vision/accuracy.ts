import { EngineRefusal, type SkinShade, type VisionEngine } from '../../../subgraphs/vision/index.ts';
import { deltaE, mean, quantile, say, verdict } from './figures.ts';
import { type Portrait, readFaceless } from './portraits.ts';

/** Of the reference's lightness. */
const bands = [[0, 45], [45, 55], [55, 65], [65, 100]] as const;

/** Whether faces are found where they are and nowhere else, and how far shades are from the labels. */
export async function accuracy(vision: VisionEngine, portraits: readonly Portrait[]): Promise<void> {
  const found = await Promise.all(portraits.map(async (portrait) => ({ ...portrait, shade: await detect(vision, portrait.bytes) })));
  const read = found.filter((one): one is Portrait & { shade: SkinShade } => one.shade !== null);
  say(verdict(`faces not found, of ${portraits.length}`, portraits.length - read.length, 0, 0));
  const faceless = await readFaceless(portraits);
  const mistaken = (await Promise.all(faceless.map(async (bytes) => detect(vision, bytes)))).filter((shade) => shade !== null);
  say(verdict(`pictures without a face accepted, of ${faceless.length}`, mistaken.length, 0, 0));
  const errors = read.flatMap(({ shade, lab }) => (lab === null ? [] : [{ error: deltaE(shade.lab, lab), l: lab[0] }]));
  if (errors.length === 0) return say('  no labels here: ../shared/portraits is not present');
  const all = errors.map(({ error }) => error);
  say(verdict('CIEDE2000 to the label, mean', mean(all), 4));
  say(verdict('CIEDE2000 to the label, median', quantile(all, 0.5), 3));
  say(`  ${'CIEDE2000 to the label, 90 %, largest'.padEnd(44)} ${quantile(all, 0.9).toFixed(2).padStart(8)} ${Math.max(...all).toFixed(2)}`);
  for (const [from, to] of bands) {
    const inside = errors.filter(({ l }) => l >= from && l < to).map(({ error }) => error);
    if (inside.length > 0) say(verdict(`  lightness ${from} to ${to}, ${inside.length} faces, mean`, mean(inside), 5));
  }
  const doubted = read.filter(({ shade }) => shade.warnings.length > 0);
  say(`  warned of: ${doubted.length} of ${read.length}; ${[...Map.groupBy(doubted.flatMap(({ shade }) => shade.warnings), (name) => name)].map(([name, those]) => `${name} ${those.length}`).join(', ')}`);
}

/** Null: refused. */
async function detect(vision: VisionEngine, bytes: Uint8Array): Promise<SkinShade | null> {
  return vision.detectShade(bytes).catch((error: unknown) => {
    if (error instanceof EngineRefusal) return null;
    throw error;
  });
}
