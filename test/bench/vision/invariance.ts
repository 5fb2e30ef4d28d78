import sharp, { type Sharp } from 'sharp';
import type { VisionEngine } from '../../../subgraphs/vision/index.ts';
import { deltaE, quantile, say, verdict } from './figures.ts';
import { encodeHeic } from './heic.ts';
import type { Portrait } from './portraits.ts';

type Change = (bytes: Uint8Array) => Promise<Uint8Array | null>;

const asJpeg = (change: (image: Sharp, size: { width: number; height: number }) => Sharp, quality = 92): Change => async (bytes) => {
  const { width, height } = await sharp(bytes).metadata();
  return change(sharp(bytes), { width, height }).jpeg({ quality }).toBuffer();
};

/** The seven other ways of EXIF to store the same upright picture: how the pixels are laid down, and the number that says so. */
const laid: Record<number, (image: Sharp) => Sharp> = {
  2: (image) => image.flop(), 3: (image) => image.rotate(180), 4: (image) => image.flip(),
  5: (image) => image.rotate(270).flop(), 6: (image) => image.rotate(270), 7: (image) => image.rotate(90).flop(), 8: (image) => image.rotate(90),
};

/** What may happen to a picture on its way and must not change the skin in it. */
export const changes: Record<string, Change> = {
  'JPEG of quality 40': asJpeg((image) => image, 40),
  '0.4 times as large': asJpeg((image, { width }) => image.resize(Math.round(width * 0.4))),
  'cropped to the head': asJpeg((image, { width, height }) => image.extract({ left: Math.round(width * 0.1), top: Math.round(height * 0.06), width: Math.round(width * 0.82), height: Math.round(height * 0.84) })),
  'mirrored': asJpeg((image) => image.flop()),
  ...Object.fromEntries(Object.entries(laid).map(([number, lay]): [string, Change] => [`EXIF orientation ${number}`, async (bytes) =>
    // In two steps: sharp would mirror before it rotates.
    sharp(await lay(sharp(bytes)).png({ compressionLevel: 1 }).toBuffer()).withMetadata({ orientation: Number(number) }).jpeg({ quality: 92 }).toBuffer()])),
  'PNG': async (bytes) => sharp(bytes).png({ compressionLevel: 1 }).toBuffer(),
  'HEIC': (bytes) => encodeHeic(bytes),
};

/** How far the shade moves when only the file changes. */
export async function invariance(vision: VisionEngine, portraits: readonly Portrait[]): Promise<void> {
  for (const [name, change] of Object.entries(changes)) {
    const moved: number[] = [];
    for (const { bytes } of portraits) {
      const changed = await change(bytes);
      if (changed === null) break;
      const [before, after] = await Promise.all([vision.detectShade(bytes), vision.detectShade(changed)]);
      moved.push(deltaE(after.lab, before.lab));
    }
    if (moved.length === 0) say(`  ${name.padEnd(44)} not measured: heif-enc (Debian's libheif-examples) is not installed`);
    else say(`${verdict(`${name}, 90 %`, quantile(moved, 0.9), 1)}   largest ${Math.max(...moved).toFixed(2)}`);
  }
}
