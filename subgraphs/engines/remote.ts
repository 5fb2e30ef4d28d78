import type { EngineContext } from '../vision/engine.ts';
import type { Values } from './template.ts';

/** What is wanted: of this photo, and what its template is filled with once the engine has a name for it. */
export type RemoteJob = { photo: Uint8Array; values(image: string): Values };

/** An engine on another machine: a photo and a filled template go in, the bytes of a picture come out, as they were sent. */
export type RemoteEngine = {
  version: string;
  /** Rejects with EngineFault, or with the signal's reason; then the work is stopped there, too. */
  draw(job: RemoteJob, context: EngineContext): Promise<Uint8Array>;
};
