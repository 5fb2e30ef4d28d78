import type { AccountId, ModelId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Store } from './store.ts';

type Kept = { blobs: Platform['blobs']; store: Store };

/** Deletes the files of all selfies of a model, and says how many. Their rows are deleted after that, by `deleteSelfies`: whatever happens in between, it can be done again. */
export async function deleteSelfieFiles({ blobs, store }: Kept, accountId: AccountId, modelId: ModelId): Promise<number> {
  const selfies = await store.listSelfies(accountId, modelId);
  for (const { blobKey } of selfies) await blobs.delete(blobKey);
  return selfies.length;
}
