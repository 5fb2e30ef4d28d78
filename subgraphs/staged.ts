import { Failure } from '../schema/failures.ts';
import { type BlobStore, uploadLimitBytes } from './blobs.ts';
import { type AccountId, parseUploadId } from './ids.ts';
import type { Keyed, Requests } from './requests.ts';

type Parts = { blobs: Pick<BlobStore, 'takeStaged' | 'forgetStaged' | 'restoreStaged'>; requests: Pick<Requests, 'findEarlier'> };
type Upload<Id, Result> = {
  uploadId: string;
  /** Where the input names it. */
  path: readonly string[];
  keyed: Keyed | null;
  replay: (id: Id) => Promise<Result | null>;
  /** Whether it is used up by what was thrown. By default: by every refusal but UNAVAILABLE. */
  isFinal?: (error: unknown) => boolean;
};

const isRefusal = (error: unknown): boolean => error instanceof Failure && error.code !== 'UNAVAILABLE';

/** Refuses with VALIDATION what could not be sent. */
export function checkUploadSize(byteLength: number): void {
  if (byteLength < 1) throw new Failure('VALIDATION', 'An upload has at least one byte', { path: ['byteLength'] });
  if (byteLength > uploadLimitBytes) throw new Failure('VALIDATION', 'Send at most 5 MB', { path: ['byteLength'] });
}

/**
 * Gives `work` the bytes that were sent for an upload. They are used up by what comes of it, unless the same may succeed later. A request with an idempotency key finds them again
 * after the process that took them for it was killed, and is answered as the first one where there was one.
 * @throws Failure NOT_FOUND when there are none; IDEMPOTENCY_CONFLICT.
 */
export async function withStaged<Id extends string, Result>({ blobs, requests }: Parts, accountId: AccountId, { uploadId: given, path, keyed, replay, isFinal = isRefusal }: Upload<Id, Result>, work: (bytes: Uint8Array) => Promise<Result>): Promise<Result> {
  const [uploadId, by] = [parseUploadId(given), keyed && `${keyed.operation} ${keyed.key}`];
  const bytes = uploadId && (await blobs.takeStaged(accountId, uploadId, by));
  if (!bytes) {
    // Whoever had the key a moment ago may be done by now.
    const earlier = await requests.findEarlier(accountId, keyed, replay);
    if (earlier !== null) return earlier;
    throw new Failure('NOT_FOUND', 'No bytes were sent for this upload, or they were used already', { path });
  }
  try {
    const result = await work(bytes);
    await blobs.forgetStaged(accountId, uploadId, by);
    return result;
  } catch (error) {
    await (isFinal(error) ? blobs.forgetStaged(accountId, uploadId, by) : blobs.restoreStaged(accountId, uploadId, bytes));
    throw error;
  }
}
