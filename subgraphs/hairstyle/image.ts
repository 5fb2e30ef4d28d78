import { Failure } from '../../schema/failures.ts';
import type { CreateImageInput } from '../../schema/types/hairstyle.ts';
import { type BlobKey, type StagedUpload, uploadLimitBytes } from '../blobs.ts';
import { type AccountId, newImageId, parseImageId, parseUploadId } from '../ids.ts';
import { examineImage } from '../images.ts';
import { OutboundRefused } from '../outbound.ts';
import type { Platform } from '../platform.ts';
import type { ImageIssue } from '../vision/engine.ts';
import { checkHttpUrl, cleanFileName, type ImageChoice } from './rules.ts';
import type { ImageRow, Store } from './store.ts';

/** A checked photo whose file is stored and which is nobody's yet. */
type PreparedImage = { name: string | null; blobKey: BlobKey; width: number; height: number; issues: readonly ImageIssue[] };
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
      if (byteLength < 1 || byteLength > uploadLimitBytes) throw new Failure('VALIDATION', 'Send at most 5 MB', { path: ['byteLength'] });
      return platform.blobs.stage(accountId);
    },
    /** Refuses with VALIDATION, NOT_FOUND or IMAGE_REJECTED; nothing is kept then. */
    async create(accountId: AccountId, input: CreateImageInput): Promise<ImageRow> {
      const prepared = await prepare(parts, await readInput(parts, accountId, input), cleanFileName(input.name) ?? nameInUrl(input.url), ['input', input.url ? 'url' : 'uploadId']);
      return withPrepared(parts, prepared, async (kept) => {
        const row = await insert(parts, accountId, prepared);
        kept();
        return row;
      });
    },
    /**
     * Gives `work` the photo that was chosen. `keep` may be called in a transaction: only then does a fetched photo become the account's.
     * Refuses with NOT_FOUND or IMAGE_REJECTED.
     */
    async withChosen<Result>(accountId: AccountId, choice: ImageChoice, work: (keep: () => Promise<ImageRow>) => Promise<Result>): Promise<Result> {
      const present = await findChosen(store, accountId, choice);
      if (present) return work(async () => present);
      const url = choice.by === 'url' ? choice.url : choice.by === 'name' ? choice.orUrl : null;
      if (url === null) throw notFound(['input', choice.by === 'id' ? 'imageId' : 'imageName']);
      const path = ['input', 'imageUrl'];
      const prepared = await prepare(parts, await fetchImage(platform, url, path), nameInUrl(url), path);
      return withPrepared(parts, prepared, async (kept) => work(async () => {
        const row = await insert(parts, accountId, prepared);
        platform.connection.afterCommit(kept);
        return row;
      }));
    },
  };
}

async function findChosen(store: Store, accountId: AccountId, choice: ImageChoice): Promise<ImageRow | null> {
  if (choice.by === 'name') return store.findImageByName(accountId, choice.name);
  const id = choice.by === 'id' ? parseImageId(choice.id) : null;
  return id && ((await store.findImages(accountId, [id]))[0] ?? null);
}

async function readInput({ platform }: Parts, accountId: AccountId, { uploadId, url }: CreateImageInput): Promise<Uint8Array> {
  if (Boolean(uploadId) === Boolean(url)) throw new Failure('VALIDATION', 'Exactly one of uploadId and url is needed', { path: ['input'] });
  if (url) return fetchImage(platform, checkHttpUrl(url, 'url'), ['input', 'url']);
  const id = parseUploadId(uploadId ?? '');
  const bytes = id && (await platform.blobs.takeStaged(accountId, id));
  if (!bytes) throw new Failure('NOT_FOUND', 'No bytes were sent for this upload, or they were used already', { path: ['input', 'uploadId'] });
  return bytes;
}

const rejected = (issues: readonly ImageIssue[], message: string, path: readonly string[]): Failure => new Failure('IMAGE_REJECTED', message, { path, issues });

async function fetchImage({ outbound }: Platform, url: string, path: readonly string[]): Promise<Uint8Array> {
  try {
    const answer = await outbound.fetchBytes(url, fetchLimits);
    if (answer.status === 200) return answer.bytes;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    if (error.reason === 'TOO_LARGE') throw rejected(['TOO_LARGE'], 'The image is over 5 MB', path);
  }
  // One answer for all: what lies behind an address is not ours to tell.
  throw rejected(['UNREACHABLE'], 'Image not found or inaccessible', path);
}

async function prepare({ platform }: Parts, bytes: Uint8Array, name: string | null, path: readonly string[]): Promise<PreparedImage> {
  const examined = await examineImage(platform.vision, bytes);
  if (!examined.accepted) throw rejected(examined.issues, examined.message, path);
  const { jpeg, width, height, issues } = examined;
  return { name, blobKey: await platform.blobs.put(jpeg, { contentType: 'image/jpeg' }), width, height, issues };
}

/** Deletes the file again unless the photo was kept. */
async function withPrepared<Result>({ platform }: Parts, { blobKey }: PreparedImage, work: (kept: () => void) => Promise<Result>): Promise<Result> {
  let isKept = false;
  try {
    return await work(() => (isKept = true));
  } finally {
    if (!isKept) await platform.blobs.delete(blobKey);
  }
}

async function insert({ store }: Parts, accountId: AccountId, { name, ...image }: PreparedImage): Promise<ImageRow> {
  const id = newImageId();
  return store.insertImage(accountId, { id, name: name ?? `IMG-${id.slice(-8)}.jpg`, ...image });
}

function nameInUrl(url: string | null | undefined): string | null {
  const last = URL.parse(url ?? '')?.pathname.split('/').at(-1) ?? '';
  return /\.(jpe?g|png|webp|hei[cf])$/i.test(last) ? cleanFileName(last) : null;
}
