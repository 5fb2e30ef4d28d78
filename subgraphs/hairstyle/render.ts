import { makeAll } from '../picture-jobs.ts';
import type { EngineStage, HairColorTarget, HairPiece, HairstyleEngine, HairstyleRequest, RenderedImage } from '../vision/engine.ts';
import type { Look } from '../vision/looks/look.ts';

/** One picture: what to draw, who draws it, and its place among the pictures of the job. */
export type Wanted = { position: number; look: Look | HairPiece; engine: HairstyleEngine; words: NonNullable<HairstyleRequest['words']> };

/** Pictures to make of one photo. */
export type RenderOrder = {
  photo: Uint8Array;
  photoKey: string;
  looks: readonly Wanted[];
  color: HairColorTarget | null;
  forceNewHairline: boolean;
  mode: 'live' | 'test';
  seed: number;
};

export type RenderReports = {
  onProgress(position: number, stage: EngineStage, fraction: number): void;
  /** Awaited before the next picture is begun in its place. */
  onPicture(position: number, image: RenderedImage, tookMs: number): Promise<void>;
};

/** Makes the pictures, `atOnce` at a time. */
export async function renderAll({ looks, ...order }: RenderOrder, atOnce: number, signal: AbortSignal, reports: RenderReports): Promise<void> {
  const { photo, photoKey, color, forceNewHairline, mode, seed } = order;
  return makeAll(looks, atOnce, signal, async ({ position, look, engine, words }, stopped) => {
    const onProgress = ({ stage, fraction }: { stage: EngineStage; fraction: number }): void => reports.onProgress(position, stage, fraction);
    const started = performance.now();
    const image = await engine.generate({ photo, photoKey, look, color, forceNewHairline, words }, { signal: stopped, seed, mode, onProgress });
    stopped.throwIfAborted();
    await reports.onPicture(position, image, performance.now() - started);
  });
}
