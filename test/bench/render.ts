import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { styles } from '../../subgraphs/hairstyle/catalogue/styles.ts';
import { createVision, type EngineStage, type RenderedImage } from '../../subgraphs/vision/index.ts';
import { portrait } from '../support/photos.ts';

const rounds = 3;
const batch = 8;

/** Pictures per minute of the embedded engine on all cores, and where the time of a picture goes. */
export async function run(): Promise<void> {
  const workers = Math.min(2, availableParallelism());
  const vision = createVision({ workers });
  // As large as the engine works: what a phone sends is reduced to this.
  const { normalised } = await vision.inspect(await sharp(await portrait()).resize({ height: 1024 }).jpeg({ quality: 90 }).toBuffer());
  const draw = async (round: number): Promise<RenderedImage[]> => Promise.all(Array.from({ length: batch }, async (_, n) => {
    const style = styles[(round * batch + n) % styles.length];
    if (!style) throw new Error('the catalogue is empty');
    const request = { photo: normalised, photoKey: `bench-${round}`, look: style.look, color: { hex: '#6b4226' }, forceNewHairline: false };
    return vision.generate(request, { signal: new AbortController().signal, seed: n, mode: 'live', onProgress: () => undefined });
  }));
  await draw(rounds);
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const images: RenderedImage[] = [];
  for (let round = 0; round < rounds; round++) images.push(...await draw(round));
  const minutes = (performance.now() - startedAt) / 60_000;
  const { user, system } = process.cpuUsage(cpu);
  await vision.close();
  process.stdout.write(`${workers} threads: ${(images.length / minutes).toFixed(1)} pictures a minute, ${((user + system) / 1e6 / images.length).toFixed(2)} s of CPU each\n`);
  for (const [stage, share] of sharesOf(images)) process.stdout.write(`  ${stage.padEnd(8)} ${(share * 100).toFixed(1)} %\n`);
}

function sharesOf(images: readonly RenderedImage[]): [EngineStage, number][] {
  const spent = new Map<EngineStage, number>();
  const stages: readonly EngineStage[] = ['decode', 'detect', 'segment', 'render', 'encode'];
  for (const { timingsMs } of images) for (const stage of stages) spent.set(stage, (spent.get(stage) ?? 0) + (timingsMs[stage] ?? 0));
  const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
  return [...spent].map(([stage, ms]) => [stage, ms / total]);
}

if (import.meta.main) await run();
