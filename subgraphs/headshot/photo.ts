import { roundedExpiry } from '../blobs.ts';
import type { AccountId, PhotoId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import { type Parts, purgeModel } from './ending.ts';
import type { PhotoRow } from './photo-store.ts';
import type { LikedStatus } from './rules.ts';
import type { ModelRow } from './store.ts';

export type Photos = ReturnType<typeof createPhotos>;
type Photo = { accountId: AccountId; id: PhotoId | null };

const urlsLiveForMs = 24 * 3_600_000;
const thumbnailPx = 320;

/** The headshots that were made: what people think of them, and their end. All give null for what is not there, or deleted. */
export function createPhotos(parts: Parts) {
  const { store, journal } = parts;
  return {
    rate: async (photo: Photo, liked: LikedStatus): Promise<PhotoRow | null> => change(parts, photo, async (row) => (row.likedStatus === liked ? row : store.ratePhoto(row.accountId, row.id, liked))),
    /** Makes it the one of its model that the person is to be seen by. */
    choose: async (photo: Photo): Promise<PhotoRow | null> => change(parts, photo, async (row, model) => {
      if (model.favoriteId === row.id) return row;
      await store.setFavorite(row.accountId, row.modelId, row.id);
      await journal.announce(model, 'model.favorite_selected');
      return row;
    }),
    /** With its files, at once. */
    async remove(photo: Photo): Promise<PhotoRow | null> {
      const removed = await change(parts, photo, async (row, { favoriteId }) => {
        if (favoriteId === row.id) await store.setFavorite(row.accountId, row.modelId, null);
        await store.markPhotosDeleted(row.accountId, row.modelId, [row.id]);
        return row;
      });
      if (!removed) return null;
      await purgeModel(parts, removed.accountId, removed.modelId);
      return (await store.findPhotos(removed.accountId, [removed.id]))[0] ?? null;
    },
  };
}

/** In a transaction that holds first the model and then the photo. */
async function change({ platform: { connection }, store }: Parts, { accountId, id }: Photo, work: (row: PhotoRow, model: ModelRow) => Promise<PhotoRow | null>): Promise<PhotoRow | null> {
  const [found] = id === null ? [] : await store.findPhotos(accountId, [id]);
  if (!found) return null;
  return connection.transaction(async () => {
    const model = await store.lockModel(accountId, found.modelId);
    const row = await store.lockPhoto(accountId, found.id);
    return model && row?.status === 'ACTIVE' ? work(row, model) : null;
  });
}

/** Signed addresses of a photo's files, for 24 hours; null once they are deleted. */
export function urlsOf(blobs: Platform['blobs'], { blobKey, originalBlobKey, id, modelId }: PhotoRow) {
  if (blobKey === null || originalBlobKey === null) return null;
  const options = { expiresAt: inADay(), fileName: `headshot-${modelId.slice(-6)}-${id.slice(-6)}.jpg` };
  return { main: blobs.signedUrl(blobKey, options), thumbnail: blobs.signedUrl(blobKey, { ...options, width: thumbnailPx }), original: blobs.signedUrl(originalBlobKey, options) };
}

/** When addresses end that are given now: with the photo, if that comes first. */
export const urlsExpireAt = ({ createdAt }: PhotoRow, { headshotsMs }: { headshotsMs: number }): Date => new Date(Math.min(roundedExpiry(inADay()).getTime(), createdAt.getTime() + headshotsMs));
const inADay = (): Date => new Date(Date.now() + urlsLiveForMs);
