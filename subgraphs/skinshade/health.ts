import { access, constants } from 'node:fs/promises';
import sharp from 'sharp';
import type { Platform } from '../platform.ts';
import { EngineRefusal } from '../vision/engine.ts';

/** Shorter than the patience of whoever asks. */
const answerWithinMs = 2_000;
/** For so long an answer of the model holds: anybody may ask, and each time would cost a look at a picture. */
const modelHoldsMs = 2_000;

export type Health = { healthy: boolean; app: string; model: string; database: string };

/** Tries what a detection needs: a place for uploads, the model, the database. */
export function createHealth({ connection, env, log, vision }: Pick<Platform, 'connection' | 'env' | 'log' | 'vision'>) {
  const plain = sharp({ create: { width: 64, height: 64, channels: 3, background: '#c69a7b' } }).png().toBuffer();
  const look = async (): Promise<void> => {
    // Nobody is in the picture; to say so, the picture must be decoded and the model be run.
    await vision.detectShade(await plain).catch((error: unknown) => {
      if (!(error instanceof EngineRefusal && error.code === 'NO_FACE')) throw error;
    });
  };
  let model: { at: number; answer: Promise<boolean> } | null = null;
  const modelAnswers = (): Promise<boolean> => {
    if (model === null || performance.now() - model.at > modelHoldsMs) model = { at: performance.now(), answer: answers(look(), () => vision.isLoaded()) };
    return model.answer;
  };
  /** `whenLate`: what silence means. */
  const answers = async (asked: Promise<unknown>, whenLate: () => boolean): Promise<boolean> => {
    const late = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => late.resolve(whenLate()), answerWithinMs);
    return Promise.race([asked.then(() => true), late.promise]).catch((error: unknown) => {
      log.warn({ err: error }, 'a part of the skin-shade service does not answer');
      return false;
    }).finally(() => clearTimeout(timer));
  };
  return async (): Promise<Health> => {
    // Threads that are loaded and late are at work for somebody else.
    const [app, hasModel, hasDatabase] = await Promise.all([answers(access(env.dataDir, constants.W_OK), () => false), modelAnswers(), answers(connection.execute('select 1'), () => false)]);
    return {
      healthy: app && hasModel && hasDatabase,
      app: app ? 'App is running' : 'App is not running',
      model: hasModel ? 'AI model is loaded' : 'AI model is not loaded',
      database: hasDatabase ? 'Database is connected' : 'Database is not connected',
    };
  };
}
