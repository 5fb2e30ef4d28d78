import type { Logger } from 'pino';
import { type EngineContext, EngineFault, EngineRefusal } from '../vision/engine.ts';
import { embedded, type EngineConfig } from './config.ts';

type MadeBy = { engine: string; isFallback: boolean };
type Ways<Picture> = { remote(context: EngineContext): Promise<Picture>; own(context: EngineContext): Promise<Picture> };

/** Gives an engine its time, and its work to the embedded one when it fails; the picture says who made it. What was canceled is made by nobody. */
export async function drawOrFallBack<Picture extends object>({ config, log }: { config: EngineConfig; log: Logger }, context: EngineContext, { remote, own }: Ways<Picture>): Promise<Picture & { madeBy: MadeBy }> {
  const deadline = AbortSignal.timeout(config.timeoutMs);
  try {
    return { ...(await remote({ ...context, signal: AbortSignal.any([context.signal, deadline]) })), madeBy: { engine: config.name, isFallback: false } };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof EngineRefusal) throw error;
    const fault = deadline.aborted ? new EngineFault('TIMEOUT', `not finished within ${config.timeoutMs} ms`) : error instanceof EngineFault ? error : new EngineFault('UNAVAILABLE', 'the engine failed', { cause: error });
    log.warn({ engine: config.name, code: fault.code, reason: fault.message, fallback: config.fallback }, 'an engine did not draw');
    if (!config.fallback) throw fault;
    return { ...(await own(context)), madeBy: { engine: embedded, isFallback: true } };
  }
}
