import { type Metrics, secondsSince } from '../metrics.ts';
import { EngineFault, EngineRefusal, type EngineStage } from './engine.ts';
import type { VisionEngine } from './index.ts';

type Task = 'hairstyle' | 'headshot' | 'inspect' | 'shade' | 'assess';

/** The engine, with its work measured picture by picture and stage by stage. */
export function measured(vision: VisionEngine, metrics: Metrics): VisionEngine {
  const timed = async <T>(task: Task, work: () => Promise<T>): Promise<T> => {
    const startedAt = performance.now();
    const note = (outcome: string): void => metrics.images.observe({ task, outcome }, secondsSince(startedAt));
    try {
      const result = await work();
      note('ok');
      return result;
    } catch (error) {
      note(error instanceof EngineRefusal ? 'refused' : error instanceof EngineFault ? 'fault' : 'interrupted');
      throw error;
    }
  };
  return {
    ...vision,
    generate: (request, context) => timed('hairstyle', async () => {
      const image = await vision.generate(request, context);
      for (const [stage, ms] of Object.entries(image.timingsMs)) metrics.imageStages.observe({ task: 'hairstyle', stage }, ms / 1000);
      return image;
    }),
    shoot: (request, context) => timed('headshot', async () => {
      const stages = createStages();
      const image = await vision.shoot(request, { ...context, onProgress: (progress) => (stages.note(progress.stage), context.onProgress(progress)) });
      for (const [stage, seconds] of stages.spent) metrics.imageStages.observe({ task: 'headshot', stage }, seconds);
      return image;
    }),
    inspect: (bytes, options) => timed('inspect', () => vision.inspect(bytes, options)),
    detectShade: (bytes, options) => timed('shade', () => vision.detectShade(bytes, options)),
    assess: (bytes, options) => timed('assess', () => vision.assess(bytes, options)),
  };
}

/** A report is about what was done since the one before; how long a thread was waited for before the first one, it does not say. */
function createStages(): { note(stage: EngineStage): void; spent: ReadonlyMap<EngineStage, number> } {
  const spent = new Map<EngineStage, number>();
  let since: number | null = null;
  return {
    spent,
    note(stage) {
      spent.set(stage, (spent.get(stage) ?? 0) + (since === null ? 0 : secondsSince(since)));
      since = performance.now();
    },
  };
}
