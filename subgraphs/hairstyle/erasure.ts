import type { EraseSubject } from '../erasures.ts';
import type { Platform } from '../platform.ts';
import type { Generations } from './generation.ts';
import type { Store } from './store.ts';

/**
 * A client's generations with their pictures, events and idempotency keys; the photos that they were made from, and whatever was made of these
 * photos for nobody in particular, for it shows the same person. A photo that another client's generation was made from, or that is said to show another client, stays. Styles of the client's hair, imported for the client or from one of these photos, are deleted.
 */
export function generationEraser({ connection, blobs, requests }: Pick<Platform, 'connection' | 'blobs' | 'requests'>, store: Store, generations: Pick<Generations, 'withdraw'>): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    const traces = await store.findTraces(accountId, clientId);
    // Credits go back, and no worker adds a picture any more.
    for (const id of traces.generationIds) await generations.withdraw(accountId, id);
    const styleIds = await store.findStyleTraces(accountId, clientId, traces.imageIds);
    const files = [...await store.listFiles(accountId, traces), ...await store.listStyleFiles(accountId, styleIds)];
    for (const blobKey of files) await blobs.delete(blobKey);
    await connection.transaction(async () => {
      const notes = await requests.forget(accountId, [...traces.generationIds, ...traces.imageIds, ...styleIds]);
      const rows = notes + (await store.deleteTraces(accountId, clientId, traces)) + (await store.forgetStyles(accountId, styleIds));
      // Interrupted before, the files are gone already, but their rows were not: each counts once.
      await settle({ rows, files: rows === 0 ? 0 : files.length }, traces.generationIds);
    });
  };
}
