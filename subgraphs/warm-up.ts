import { join } from 'node:path';
import sharp from 'sharp';
import type { SubgraphName } from '../schema/sdl.ts';
import type { Platform } from './platform.ts';
import { EngineFault } from './vision/index.ts';

/**
 * Starts every thread of the engine and loads its models by a first look at a photo, so that no client waits for that, in a process of these
 * subgraphs: each of them looks at photos, and a gateway without any does not. In the tests most platforms never look at one.
 */
export async function warmUp({ env, vision, log }: Pick<Platform, 'env' | 'vision' | 'log'>, names: readonly SubgraphName[]): Promise<void> {
  if (env.mode === 'test' || names.length === 0) return;
  try {
    const photo = await drawnPortrait();
    await Promise.all(Array.from({ length: env.renderWorkers }, async () => vision.inspect(photo)));
  } catch (error) {
    // Stopped before it was warm.
    if (!(error instanceof EngineFault && error.code === 'UNAVAILABLE')) log.warn({ err: error }, 'the engine did not warm up');
  }
}

/** A face of our own drawing, which the engine takes for one: a preview of the catalogue as a JPEG. */
export async function drawnPortrait(): Promise<Uint8Array> {
  return sharp(join(import.meta.dirname, 'hairstyle/catalogue/previews/158634.webp')).resize({ width: 768 }).jpeg({ quality: 92 }).toBuffer();
}
