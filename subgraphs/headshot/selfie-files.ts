import type { BlobKey } from '../blobs.ts';
import type { AccountId, ModelId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Store } from './store.ts';

type Kept = { blobs: Platform['blobs']; store: Store };
/** Has files deleted when the transaction that deletes their rows is committed. */
export type DeleteLater = (keys: readonly BlobKey[]) => void;

/** Deletes the files of all selfies of a model, and says how many. Their rows are deleted after that, by `deleteSelfies`: whatever happens in between, it can be done again. */
export async function deleteSelfieFiles({ blobs, store }: Kept, accountId: AccountId, modelId: ModelId): Promise<number> {
  const selfies = await store.listSelfies(accountId, modelId);
  for (const { blobKey } of selfies) await blobs.delete(blobKey);
  return selfies.length;
}

/** Does `work` in a transaction and, when that is committed, deletes the files whose keys it gave away: their rows must be gone by then. */
export async function withoutFiles<Result>({ blobs, connection }: Pick<Platform, 'blobs' | 'connection'>, work: (deleteLater: DeleteLater) => Promise<Result>): Promise<Result> {
  const keys: BlobKey[] = [];
  const result = await connection.transaction(async () => work((more) => void keys.push(...more)));
  for (const key of keys) await blobs.delete(key);
  return result;
}
