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
export function modelEraser({ connection, blobs, looks, requests }: Pick<Platform, 'connection' | 'blobs' | 'looks' | 'requests'>, store: Store, models: Pick<Models, 'stop'>): EraseSubject {
  return async ({ accountId, clientId }, settle, foresee) => {
    const ids = [...await store.listModelsOfClient(accountId, clientId), ...await withoutLook(accountId, looks, store)];
    const files = await connection.transaction(async () => {
      // Credits go back, and no worker adds a photo any more. Whenever this is interrupted, the upkeep deletes files of what is stopped.
      for (const id of ids) await models.stop(accountId, id);
      const keys = await store.listFilesOf(accountId, ids);
      await foresee({ rows: (await requests.forget(accountId, ids)) + (await store.countModelRows(accountId, ids)), files: keys.length });
      return keys;
    });
    for (const key of files) await blobs.delete(key);
    await connection.transaction(async () => {
      await store.deleteModels(accountId, ids);
      await settle({ rows: 0, files: 0 }, ids);
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
