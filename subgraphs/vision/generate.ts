import sharp from 'sharp';
import { requireHairline } from './amount.ts';
import type { EngineStage, HairstyleRequest, PreparedPhoto, RenderedImage } from './engine.ts';
import { testMark } from './mark.ts';
import { preparePhoto } from './prepare.ts';
import type { Raster } from './raster.ts';
import { renderLook } from './strands/render.ts';
import { renderPiece } from './transplant/render.ts';
import type { Order, Progress } from './worker.ts';

type Report = (progress: Progress) => void;
type GenerateOrder = Extract<Order, { kind: 'generate' }>;

/** Smallest advance within a stage that is reported. */
const STEP = 0.05;

/** Makes pictures one after the other and keeps the analysis of the last `photosKept` photos. */
export function createGenerator(photosKept: number): (order: GenerateOrder, tell: Report) => Promise<RenderedImage> {
  const kept = new Map<string, PreparedPhoto>();
  const prepare = async ({ photo, photoKey }: HairstyleRequest, report: Report): Promise<PreparedPhoto> => {
    const prepared = kept.get(photoKey) ?? (await preparePhoto(photo, (stage, fraction) => report({ stage, fraction })));
    // Moved to the end: the photo that was not asked for longest goes first.
    kept.delete(photoKey);
    kept.set(photoKey, prepared);
    for (const key of [...kept.keys()].slice(0, -photosKept)) kept.delete(key);
    return prepared;
  };
  return async ({ request, seed, mode }, tell) => {
    const { report, timingsMs } = measured(tell);
    const prepared = await prepare(request, report);
    const { look, color, forceNewHairline } = request;
    requireHairline(prepared, forceNewHairline);
    const options = { color, forceNewHairline, seed, onProgress: (fraction: number) => report({ stage: 'render', fraction }) };
    const { rgb, quality, warnings } = 'picture' in look ? await renderPiece(prepared, look, options) : renderLook(prepared, look, options);
    const { width, height } = prepared;
    const bytes = await encodePicture({ width, height, rgb }, mode);
    report({ stage: 'encode', fraction: 1 });
    return { bytes, mime: 'image/jpeg', width, height, quality, warnings, timingsMs: timingsMs() };
  };
}

/** JPEG without metadata; a `test` picture carries its mark. Same pixels, same bytes. */
export async function encodePicture({ width, height, rgb }: Raster, mode: 'live' | 'test'): Promise<Uint8Array> {
  const picture = sharp(rgb, { raw: { width, height, channels: 3 } });
  if (mode === 'test') picture.composite([{ input: Buffer.from(testMark(width, height)) }]);
  return new Uint8Array(await picture.jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer());
}

/** Passes on reports that say something new, and takes the time between them to the stage that reports. */
function measured(tell: Report): { report: Report; timingsMs(): Partial<Record<EngineStage, number>> } {
  const spent: Partial<Record<EngineStage, number>> = {};
  let last: Progress | null = null;
  let since = performance.now();
  const report: Report = (progress) => {
    const now = performance.now();
    spent[progress.stage] = (spent[progress.stage] ?? 0) + now - since;
    since = now;
    if (last?.stage === progress.stage && progress.fraction < 1 && progress.fraction < last.fraction + STEP) return;
    last = progress;
    tell(progress);
  };
  return { report, timingsMs: () => Object.fromEntries(Object.entries(spent).map(([stage, ms]) => [stage, Math.round(ms)])) };
}
