import type { EraseSubject } from '../erasures.ts';
import type { AccountId, ModelId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Models } from './model.ts';
import type { Store } from './store.ts';

const batch = 1000;

/**
 * A client's models with their selfies, photos, events and idempotency keys, and those that were started, for nobody in particular, from a look
 * that is erased: it showed the same person. Looks are hairstyle's, which goes first.
 */
export function modelEraser({ connection, blobs, looks }: Pick<Platform, 'connection' | 'blobs' | 'looks'>, store: Store, models: Pick<Models, 'stop'>): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    const ids = [...await store.listModelsOfClient(accountId, clientId), ...await withoutLook(accountId, looks, store)];
    // Credits go back, and no worker adds a photo any more.
    for (const id of ids) await models.stop(accountId, id);
    const files = await store.listFilesOf(accountId, ids);
    for (const key of files) await blobs.delete(key);
    await connection.transaction(async () => {
      const rows = await store.deleteModels(accountId, ids);
      // Interrupted before, the files are gone already, but their rows were not: each counts once.
      await settle({ rows, files: rows === 0 ? 0 : files.length }, ids);
    });
  };
}

async function withoutLook(accountId: AccountId, looks: Platform['looks'], store: Store): Promise<ModelId[]> {
  const gone: ModelId[] = [];
  for (let after: ModelId | null = null; ;) {
    const read: Awaited<ReturnType<Store['listUnnamed']>> = await store.listUnnamed(accountId, after, batch);
    const present = new Set(await looks.listPresent(accountId, read.map(({ pictureId }) => pictureId)));
    gone.push(...read.filter(({ pictureId }) => !present.has(pictureId)).map(({ id }) => id));
    after = read.at(-1)?.id ?? null;
    if (read.length < batch) return gone;
  }
}
