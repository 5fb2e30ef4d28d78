import type { EngineStage, HairColorTarget, HairstyleEngine, RenderedImage } from '../vision/engine.ts';
import type { Look } from '../vision/looks/look.ts';

/** Pictures to make of one photo. */
export type RenderOrder = {
  photo: Uint8Array;
  photoKey: string;
  /** What to draw, each with its place among the pictures of the job. */
  looks: readonly { position: number; look: Look }[];
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

/** Makes the pictures, `atOnce` at a time. The first thing that fails stops the others and is thrown once they have ended. */
export async function renderAll(engine: HairstyleEngine, order: RenderOrder, atOnce: number, signal: AbortSignal, reports: RenderReports): Promise<void> {
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const waiting = [...order.looks];
  const { photo, photoKey, color, forceNewHairline, mode, seed } = order;
  const drawRest = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      stopped.throwIfAborted();
      const { position, look } = next;
      const onProgress = ({ stage, fraction }: { stage: EngineStage; fraction: number }): void => reports.onProgress(position, stage, fraction);
      const started = performance.now();
      const image = await engine.generate({ photo, photoKey, look, color, forceNewHairline }, { signal: stopped, seed, mode, onProgress });
      stopped.throwIfAborted();
      await reports.onPicture(position, image, performance.now() - started);
    }
  };
  const lines = Array.from({ length: Math.min(atOnce, waiting.length) }, async () => drawRest().catch((error: unknown) => failed.abort(error)));
  await Promise.all(lines);
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

/** How long a picture takes here of late. */
export function createPace() {
  let seconds: number | null = null;
  return {
    /** Null until the first picture. */
    secondsPerPicture: (): number | null => seconds,
    note(tookMs: number): void {
      seconds = seconds === null ? tookMs / 1000 : seconds * 0.7 + (tookMs / 1000) * 0.3;
    },
  };
}
