import type { EraseSubject } from '../erasures.ts';
import type { Platform } from '../platform.ts';
import type { Generations } from './generation.ts';
import type { Store } from './store.ts';

/**
 * A client's generations with their pictures, events and idempotency keys; the photos that they were made from, and whatever was made of these
 * photos for nobody in particular, for it shows the same person. A photo that another client's generation was made from, or that is said to show another client, stays.
 */
export function generationEraser({ connection, blobs }: Pick<Platform, 'connection' | 'blobs'>, store: Store, generations: Pick<Generations, 'withdraw'>): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    const traces = await store.findTraces(accountId, clientId);
    // Credits go back, and no worker adds a picture any more.
    for (const id of traces.generationIds) await generations.withdraw(accountId, id);
    const files = [...await store.listFiles(accountId, traces)];
    for (const blobKey of files) await blobs.delete(blobKey);
    await connection.transaction(async () => {
      const rows = await store.deleteTraces(accountId, clientId, traces);
      // Interrupted before, the files are gone already, but their rows were not: each counts once.
      await settle({ rows, files: rows === 0 ? 0 : files.length }, traces.generationIds);
    });
  };
}
