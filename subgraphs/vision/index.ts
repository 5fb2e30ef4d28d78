import type { HairstyleEngine, HeadshotEngine, SkinShadeEngine } from './engine.ts';
import type { Inspection } from './inspect.ts';
import { Pool } from './pool.ts';
import type { LiftedHair } from './transplant/lift.ts';

export { EngineFault, EngineRefusal } from './engine.ts';
export type {
  EngineContext, EngineStage, HairColorTarget, HairstyleEngine, HairstyleRequest, ImageIssue, PreparedPhoto, RefusalCode, RenderedImage,
  ShadeWarning, SkinShade, SkinShadeEngine,
} from './engine.ts';
export type { Aspect, Assessment, Backdrop, Framing, HeadshotEngine, HeadshotRequest, HeadshotShot, RenderedHeadshot } from './engine.ts';
export { backdrops } from './headshot/backdrop.ts';
export type { Inspection } from './inspect.ts';
export type { LiftedHair } from './transplant/lift.ts';

/** Looks at photos, reads skin shades, draws hairstyles and makes headshots, in threads of this process. */
export type VisionEngine = HairstyleEngine & SkinShadeEngine & HeadshotEngine & {
  /** Rejects with EngineRefusal UNSUPPORTED_IMAGE when the bytes cannot be decoded, with EngineFault, or with the signal's reason. */
  inspect(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<Inspection>;
  /** Takes the hair out of a portrait that `inspect` found nothing wrong with. Rejects with EngineFault, or with the signal's reason. */
  liftHair(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<LiftedHair>;
  /** Are the models in memory, so that the next call is fast? */
  isLoaded(): boolean;
};

/** `workers` threads at most, each started when there is work for it; `timeoutMs` is for one picture or one photo, waiting not counted. */
export function createVision({ workers, timeoutMs = 60_000 }: { workers: number; timeoutMs?: number }): VisionEngine {
  const pool = new Pool({ size: workers, timeoutMs });
  return {
    info: () => ({ id: 'embedded', version: '1', quality: 'preview' }),
    async generate(request, { signal, seed, mode, onProgress }) {
      const answer = await pool.run({ order: { kind: 'generate', request, seed, mode }, signal, onProgress });
      if (answer.kind !== 'generated') throw new Error('no picture was answered');
      return answer.image;
    },
    async inspect(bytes, { signal } = {}) {
      const answer = await pool.run({ order: { kind: 'inspect', bytes }, signal, onProgress: () => {} });
      if (answer.kind !== 'inspected') throw new Error('no inspection was answered');
      return answer.inspection;
    },
    async liftHair(bytes, { signal } = {}) {
      const answer = await pool.run({ order: { kind: 'lift', bytes }, signal, onProgress: () => {} });
      if (answer.kind !== 'lifted') throw new Error('no hair was answered');
      return answer.hair;
    },
    async detectShade(bytes, { signal } = {}) {
      const answer = await pool.run({ order: { kind: 'shade', bytes }, signal, onProgress: () => {} });
      if (answer.kind !== 'shaded') throw new Error('no shade was answered');
      return answer.shade;
    },
    async assess(bytes, { signal } = {}) {
      const answer = await pool.run({ order: { kind: 'assess', bytes }, signal, onProgress: () => {} });
      if (answer.kind !== 'assessed') throw new Error('no assessment was answered');
      return answer.assessment;
    },
    async shoot(request, { signal, seed, mode, onProgress }) {
      const answer = await pool.run({ order: { kind: 'headshot', request, seed, mode }, signal, onProgress });
      if (answer.kind !== 'shot') throw new Error('no headshot was answered');
      return answer.image;
    },
    isLoaded: () => pool.isLoaded,
    close: async () => pool.close(),
  };
}
