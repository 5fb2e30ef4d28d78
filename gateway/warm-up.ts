import type { Platform } from '../subgraphs/platform.ts';
import { EngineFault } from '../subgraphs/vision/index.ts';
import { drawnPortrait } from './files.ts';

/**
 * Starts every thread of the engine and loads its models by a first look at a photo, so that no client waits for that. In the tests most
 * platforms never look at one.
 */
export async function warmUp({ env, vision, log }: Pick<Platform, 'env' | 'vision' | 'log'>): Promise<void> {
  if (env.mode === 'test') return;
  try {
    const photo = await drawnPortrait();
    await Promise.all(Array.from({ length: env.renderWorkers }, async () => vision.inspect(photo)));
  } catch (error) {
    // Stopped before it was warm.
    if (!(error instanceof EngineFault && error.code === 'UNAVAILABLE')) log.warn({ err: error }, 'the engine did not warm up');
  }
}
