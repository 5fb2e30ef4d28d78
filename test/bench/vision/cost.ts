import sharp from 'sharp';
import { toRaster } from '../../../subgraphs/vision/decode.ts';
import { detectShade } from '../../../subgraphs/vision/shade.ts';
import { quantile, say, verdict } from './figures.ts';
import type { Portrait } from './portraits.ts';

const rounds = 15;
const sizes = [{ name: '1 MP', side: 1000, most: 3.5 }, { name: '12 MP', side: 3464, most: 2.2 }];

/** CPU of a shade over that of decoding and shrinking the same JPEG, each with one thread; the smallest of several rounds, taken in turn. */
export async function cost(portraits: readonly Portrait[]): Promise<void> {
  const threads = sharp.concurrency();
  sharp.concurrency(1);
  sharp.cache(false);
  for (const { name, side, most } of sizes) {
    const photos = await Promise.all(portraits.slice(0, 4).map(async ({ bytes }) => grainy(bytes, side)));
    const [plain, shade]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      for (const photo of photos) {
        plain.push(await cpuMs(async () => toRaster(sharp(photo).autoOrient(), 640)));
        shade.push(await cpuMs(async () => detectShade(photo)));
      }
    }
    const [base, all] = [quantile(plain, 0.25), quantile(shade, 0.25)];
    say(`${verdict(`${name}: times decode and resize to 640 px`, all / base, most)}   ${all.toFixed(1)} ms, decode and resize ${base.toFixed(1)} ms`);
  }
  sharp.concurrency(threads);
}

/** Enlarged, with the grain of a camera: a smooth enlargement would decode faster than any photo. */
async function grainy(bytes: Uint8Array, side: number): Promise<Uint8Array> {
  const grain = await sharp({ create: { width: side, height: side, channels: 3, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 5 } } }).png({ compressionLevel: 1 }).toBuffer();
  return sharp(bytes).resize(side, side, { fit: 'cover' }).composite([{ input: grain, blend: 'soft-light' }]).jpeg({ quality: 88 }).toBuffer();
}

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}
