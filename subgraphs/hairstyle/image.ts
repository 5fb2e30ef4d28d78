import { Failure } from '../../schema/failures.ts';
import type { CreateImageInput } from '../../schema/types/hairstyle.ts';
import { type BlobKey, type StagedUpload, uploadLimitBytes } from '../blobs.ts';
import { type AccountId, type ImageId, newImageId, parseImageId } from '../ids.ts';
import { examineImage } from '../images.ts';
import { OutboundRefused } from '../outbound.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import { checkUploadSize, withStaged } from '../staged.ts';
import { EngineFault, type ImageIssue } from '../vision/engine.ts';
import { checkHttpUrl, cleanFileName, type ImageChoice } from './rules.ts';
import type { ImageRow, Store } from './store.ts';

/** A checked photo whose file is stored and which is nobody's yet. */
type PreparedImage = { name: string | null; blobKey: BlobKey; width: number; height: number; issues: readonly ImageIssue[] };
/** What was sent or fetched, and where the input names it. */
type Photo = { bytes: Uint8Array; name: string | null; path: readonly string[] };
type Parts = { platform: Platform; store: Store };

const acceptedTypes = new Set(['image/png', 'image/jpeg', 'image/jpg', 'image/webp', 'image/heic', 'image/heif']);
const fetchLimits = { timeoutMs: 10_000, maxBytes: uploadLimitBytes, redirects: 3 };
const notFound = (path: readonly string[]): Failure => new Failure('NOT_FOUND', 'Image not found or inaccessible', { path });

export type Images = ReturnType<typeof createImages>;

/** The photos of accounts: uploaded or fetched, checked, kept. */
export function createImages(parts: Parts) {
  const { platform, store } = parts;
  return {
    /** An address for one upload. Refuses with VALIDATION what could not be accepted anyway. */
    async beginUpload(accountId: AccountId, { contentType, byteLength }: { contentType: string; byteLength: number }): Promise<StagedUpload> {
      if (!acceptedTypes.has(contentType.toLowerCase())) throw new Failure('VALIDATION', 'Send a PNG, JPEG, WebP or HEIC', { path: ['contentType'] });
      checkUploadSize(byteLength);
      return platform.blobs.stage(accountId, byteLength);
    },
    /** Refuses with VALIDATION, NOT_FOUND, IMAGE_REJECTED, IDEMPOTENCY_CONFLICT or UNAVAILABLE; nothing is kept then, and after the last an upload can be used again. */
    create: async (accountId: AccountId, input: CreateImageInput, keyed: Keyed | null, signal?: AbortSignal): Promise<ImageRow> => create(parts, accountId, { input, keyed, signal }),
    /** Gives `work` what was sent or fetched, or a photo of the account, and where the input names it. What was sent can be used again when it fails for now. */
    withBytes: async <Id extends string, Result>(accountId: AccountId, request: PhotoRequest<Id, Result>, work: (bytes: Uint8Array, path: readonly string[]) => Promise<Result>): Promise<Result> => withBytes(parts, accountId, request, work),
    /**
     * Gives `work` the photo that was chosen. `keep` may be called in a transaction: only then does a fetched photo become the account's.
     * Refuses with NOT_FOUND, IMAGE_REJECTED or UNAVAILABLE.
     */
    async withChosen<Result>(accountId: AccountId, choice: ImageChoice, signal: AbortSignal | undefined, work: (keep: () => Promise<ImageRow>) => Promise<Result>): Promise<Result> {
      const present = await findChosen(store, accountId, choice);
      if (present) return work(async () => present);
      const url = choice.by === 'url' ? choice.url : choice.by === 'name' ? choice.orUrl : null;
      if (url === null) throw notFound(['input', choice.by === 'id' ? 'imageId' : 'imageName']);
      const path = ['input', 'imageUrl'];
      const photo: Photo = { bytes: await fetchImage(platform, url, path, signal), name: nameInUrl(url), path };
      return withPrepared(parts, photo, signal, async (prepared, kept) => work(async () => {
        const row = await insert(parts, accountId, prepared);
        platform.connection.afterCommit(kept);
        return row;
      }));
    },
  };
}

type Order = { input: CreateImageInput; keyed: Keyed | null; signal: AbortSignal | undefined };

async function create(parts: Parts, accountId: AccountId, { input, keyed, signal }: Order): Promise<ImageRow> {
  const { platform: { connection, requests }, store } = parts;
  const replay = async (id: ImageId): Promise<ImageRow | null> => (await store.findImages(accountId, [id]))[0] ?? null;
  // Before all else: a repeated request is answered even when its upload was used.
  const earlier = await requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const id = newImageId();
  return withBytes(parts, accountId, { input, keyed, replay, signal }, async (bytes, path) => {
    const photo: Photo = { bytes, name: cleanFileName(input.name) ?? nameInUrl(input.url), path };
    return withPrepared(parts, photo, signal, async (prepared, kept) => requests.once(accountId, keyed, id, {
      async work() {
        const row = await insert(parts, accountId, prepared, id);
        // Whoever was told that it took too long will send it again.
        signal?.throwIfAborted();
        connection.afterCommit(kept);
        return row;
      },
      replay,
    }));
  });
}

async function findChosen(store: Store, accountId: AccountId, choice: ImageChoice): Promise<ImageRow | null> {
  if (choice.by === 'name') return store.findImageByName(accountId, choice.name);
  const id = choice.by === 'id' ? parseImageId(choice.id) : null;
  return id && ((await store.findImages(accountId, [id]))[0] ?? null);
}

type PhotoInput = { uploadId?: string | null; url?: string | null; imageId?: string | null };

/** `replay`: finds what an earlier request with the same key made. */
type PhotoRequest<Id extends string, Result> = { input: PhotoInput; keyed: Keyed | null; replay: (id: Id) => Promise<Result | null>; signal: AbortSignal | undefined };

async function withBytes<Id extends string, Result>(parts: Parts, accountId: AccountId, { input, keyed, replay, signal }: PhotoRequest<Id, Result>, work: (bytes: Uint8Array, path: readonly string[]) => Promise<Result>): Promise<Result> {
  const { platform, store } = parts;
  const { uploadId, url, imageId } = input;
  if ([uploadId, url, imageId].filter(Boolean).length !== 1) throw new Failure('VALIDATION', imageId === undefined ? 'Exactly one of uploadId and url is needed' : 'Exactly one of uploadId, imageId and url is needed', { path: ['input'] });
  const path = ['input', url ? 'url' : imageId ? 'imageId' : 'uploadId'];
  if (uploadId) return withStaged(platform, accountId, { uploadId, path, keyed, replay }, async (bytes) => work(bytes, path));
  if (url) return work(await fetchImage(platform, checkHttpUrl(url, 'url'), path, signal), path);
  const row = await findChosen(store, accountId, { by: 'id', id: imageId ?? '' });
  const kept = row && (await platform.blobs.read(row.blobKey));
  if (!kept) throw notFound(path);
  return work(kept, path);
}

const rejected = (issues: readonly ImageIssue[], message: string, path: readonly string[]): Failure => new Failure('IMAGE_REJECTED', message, { path, issues });

async function fetchImage({ outbound }: Platform, url: string, path: readonly string[], signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const answer = await outbound.fetchBytes(url, { ...fetchLimits, ...signal && { signal } });
    if (answer.status === 200) return answer.bytes;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    if (error.reason === 'TOO_LARGE') throw rejected(['TOO_LARGE'], 'The image is over 5 MB', path);
  }
  // One answer for all: what lies behind an address is not ours to tell.
  throw rejected(['UNREACHABLE'], 'Image not found or inaccessible', path);
}

async function prepare({ platform }: Parts, { bytes, name, path }: Photo, signal: AbortSignal | undefined): Promise<PreparedImage> {
  const examined = await examineImage(platform.vision, bytes, signal ? { signal } : {}).catch((error: unknown) => {
    if (!(error instanceof EngineFault)) throw error;
    platform.log.warn({ err: error }, 'a photo was not looked at');
    throw new Failure('UNAVAILABLE', 'The image could not be looked at in time. Please try again.');
  });
  if (!examined.accepted) throw rejected(examined.issues, examined.message, path);
  const { jpeg, width, height, issues } = examined;
  return { name, blobKey: await platform.blobs.put(jpeg, { contentType: 'image/jpeg' }), width, height, issues };
}

/** Checks a photo and stores its file, and deletes the file again unless the photo was kept. */
async function withPrepared<Result>(parts: Parts, photo: Photo, signal: AbortSignal | undefined, work: (prepared: PreparedImage, kept: () => void) => Promise<Result>): Promise<Result> {
  const prepared = await prepare(parts, photo, signal);
  let isKept = false;
  try {
    return await work(prepared, () => (isKept = true));
  } finally {
    if (!isKept) await parts.platform.blobs.delete(prepared.blobKey);
  }
}

async function insert({ store }: Parts, accountId: AccountId, { name, ...image }: PreparedImage, id = newImageId()): Promise<ImageRow> {
  return store.insertImage(accountId, { id, name: name ?? `IMG-${id.slice(-8)}.jpg`, ...image });
}

function nameInUrl(url: string | null | undefined): string | null {
  const last = URL.parse(url ?? '')?.pathname.split('/').at(-1) ?? '';
  return /\.(jpe?g|png|webp|hei[cf])$/i.test(last) ? cleanFileName(last) : null;
}
