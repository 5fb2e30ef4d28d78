import type { EraseSubject } from '../erasures.ts';
import type { AccountId, ImageId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Store } from './store.ts';

const batch = 1000;

/**
 * A client's readings, and those that were made for nobody in particular of a photo that is erased: it showed the same person. The photos are
 * hairstyle's, which knows whom they show and goes first.
 */
export function readingEraser({ connection, photos, requests }: Pick<Platform, 'connection' | 'photos' | 'requests'>, store: Store): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    const gone = await erasedPhotos(accountId, photos, store);
    await connection.transaction(async () => {
      const readings = await store.deleteTraces(accountId, clientId, gone);
      await requests.forget(accountId, readings);
      await settle({ rows: readings.length, files: 0 }, []);
    });
  };
}

async function erasedPhotos(accountId: AccountId, photos: Platform['photos'], store: Store): Promise<ImageId[]> {
  const gone: ImageId[] = [];
  for (let after: ImageId | null = null; ;) {
    const read: ImageId[] = await store.listUnnamedImages(accountId, after, batch);
    const present = new Set(await photos.listPresent(accountId, read));
    gone.push(...read.filter((id) => !present.has(id)));
    after = read.at(-1) ?? null;
    if (read.length < batch) return gone;
  }
}
