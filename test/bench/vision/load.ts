import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import sharp from 'sharp';
import { createVision, type VisionEngine } from '../../../subgraphs/vision/index.ts';
import { mean, say, verdict } from './figures.ts';
import { encodeHeic } from './heic.ts';
import type { Portrait } from './portraits.ts';

const images = 1000;

/** What a service feels: other requests beside a decoding, memory over a day, more threads. */
export async function load(portraits: readonly Portrait[]): Promise<void> {
  await eventLoop(portraits);
  await memory(portraits);
  await throughput(portraits);
}

async function withVision<Result>(workers: number, work: (vision: VisionEngine) => Promise<Result>): Promise<Result> {
  const vision = createVision({ workers });
  try {
    return await work(vision);
  } finally {
    await vision.close();
  }
}

async function eventLoop([portrait]: readonly Portrait[]): Promise<void> {
  const heic = portrait ? await encodeHeic(await sharp(portrait.bytes).resize(4000, 3000, { fit: 'cover' }).jpeg().toBuffer(), 60) : null;
  if (heic === null) return say('  event loop beside HEICs: not measured, heif-enc (Debian\'s libheif-examples) is not installed');
  await withVision(availableParallelism(), async (vision) => {
    await Promise.all(Array.from({ length: availableParallelism() }, async () => vision.detectShade(heic)));
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await Promise.all(Array.from({ length: 24 }, async () => vision.detectShade(heic)));
    delay.disable();
    say(`${verdict('delay of the event loop beside 12 MP HEICs, 99 %', delay.percentile(99) / 1e6, 50, 1)} ms, longest ${(delay.max / 1e6).toFixed(1)} ms`);
  });
}

async function memory(portraits: readonly Portrait[]): Promise<void> {
  await withVision(1, async (vision) => {
    const sizes: number[] = [];
    for (let image = 0; image < images; image++) {
      await vision.detectShade(portraits[image % portraits.length]?.bytes ?? new Uint8Array());
      if (image % 10 === 9) sizes.push(process.memoryUsage.rss() / 1e6);
    }
    // The first fifth fills pools; growth after that would be a leak.
    const [early, late] = [mean(sizes.slice(20, 40)), mean(sizes.slice(-20))];
    say(`${verdict(`memory after ${images} images over that after 300`, late / early, 1.05)}   ${early.toFixed(0)} MB, ${late.toFixed(0)} MB`);
  });
}

async function throughput(portraits: readonly Portrait[]): Promise<void> {
  let single = 0;
  for (let workers = 1; workers <= availableParallelism(); workers++) {
    const perSecond = await withVision(workers, async (vision) => {
      const detectAll = async (): Promise<unknown> => Promise.all(portraits.flatMap(({ bytes }) => [bytes, bytes]).slice(0, 80).map(async (bytes) => vision.detectShade(bytes)));
      await detectAll();
      const startedAt = performance.now();
      await detectAll();
      return Math.min(80, portraits.length * 2) / ((performance.now() - startedAt) / 1000);
    });
    single ||= perSecond;
    say(`  ${`shades a second, ${workers} thread${workers > 1 ? 's' : ''}`.padEnd(44)} ${perSecond.toFixed(1).padStart(8)}   ${(perSecond / single).toFixed(2)} times one`);
  }
}
