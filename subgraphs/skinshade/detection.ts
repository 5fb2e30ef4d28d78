import { Failure } from '../../schema/failures.ts';
import type { DetectSkinShadeInput } from '../../schema/types/skinshade.ts';
import { type AccountId, type ClientId, type ImageId, newReadingId, parseClientId, parseImageId, type ReadingId } from '../ids.ts';
import { findEarlyIssue, ISSUE_SENTENCES } from '../images.ts';
import type { Platform } from '../platform.ts';
import { skinShadeQuota } from '../quotas.ts';
import type { Keyed } from '../requests.ts';
import { withStaged } from '../staged.ts';
import type { Caller } from '../subgraph.ts';
import { EngineFault, EngineRefusal, type ImageIssue, type RefusalCode, type SkinShade } from '../vision/engine.ts';
import { chooseSource, nextMonth, secondsToNextMonth } from './rules.ts';
import type { ReadingRow, Store } from './store.ts';

type Parts = { platform: Platform; store: Store };
/** What is to be read: bytes that were sent for it, or a photo of the account. */
type Picture = { bytes: Uint8Array; imageId: ImageId | null; path: readonly string[] };
export type Usage = { limit: number; remaining: number; resetsAt: Date };
/** `replayed`: an earlier request with the same idempotency key made it. */
export type Detected = { reading: ReadingRow; usage: Usage; replayed: boolean };
export type Detections = ReturnType<typeof createDetections>;

/** The readings of accounts: made of a picture, counted, kept. */
export function createDetections(parts: Parts) {
  return {
    /**
     * Counted and kept together, or not at all.
     * @throws Failure VALIDATION, NOT_FOUND, RATE_LIMITED, IMAGE_REJECTED, IDEMPOTENCY_CONFLICT; UNAVAILABLE, and then an upload can be used again.
     */
    detect: async (caller: Caller, input: DetectSkinShadeInput, keyed: Keyed | null, signal?: AbortSignal): Promise<Detected> => detect(parts, caller, { input, keyed, signal }),
    usage: async ({ keyId }: Caller): Promise<Usage> => usageOf(await parts.platform.quotas.used(skinShadeQuota, keyId)),
  };
}

const { limit: monthlyLimit } = skinShadeQuota;
const usageOf = (used: number): Usage => ({ limit: monthlyLimit, remaining: Math.max(0, monthlyLimit - used), resetsAt: nextMonth(new Date()) });
const exhausted = (): Failure => new Failure('RATE_LIMITED', `This API key has used its ${monthlyLimit} detections of this month`, { retryAfterSeconds: secondsToNextMonth(new Date()) });

type Order = { input: DetectSkinShadeInput; keyed: Keyed | null; signal: AbortSignal | undefined };

async function detect(parts: Parts, caller: Caller, { input, keyed, signal }: Order): Promise<Detected> {
  const { platform: { quotas, requests }, platform, store } = parts;
  const { accountId, keyId } = caller;
  const replay = async (earlier: ReadingId): Promise<Detected | null> => {
    const [reading] = await store.findReadings(accountId, [earlier]);
    return reading ? { reading, usage: usageOf(await quotas.used(skinShadeQuota, keyId)), replayed: true } : null;
  };
  // Before all else: a repeated request is answered even when its upload was used.
  const earlier = await requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const clientId = await findClient(platform, accountId, input.clientId);
  const read = async (picture: Picture): Promise<Detected> => {
    // Not the last word: that is counted when it is known that the picture is not refused. But it saves the work for nothing.
    if ((await quotas.used(skinShadeQuota, keyId)) >= monthlyLimit) throw exhausted();
    const shade = await readShade(parts, picture, signal);
    const id = newReadingId();
    return requests.once(accountId, keyed, id, { work: async () => keep(parts, caller, { id, picture, clientId, shade }), replay });
  };
  const source = chooseSource(input);
  if (source.by === 'image') return read(await findPhoto(parts, accountId, source.id));
  const path = ['input', 'uploadId'];
  return withStaged(platform, accountId, { uploadId: source.id, path, keyed, replay }, async (bytes) => read({ bytes, imageId: null, path }));
}

type Finding = { id: ReadingId; picture: Picture; clientId: ClientId | null; shade: SkinShade };

/** In the running transaction. */
async function keep({ platform, store }: Parts, { accountId, keyId }: Caller, { id, picture: { imageId, path }, clientId, shade }: Finding): Promise<Detected> {
  if (clientId !== null && !(await platform.clients.holdClient(accountId, clientId))) throw noClient();
  if (imageId !== null && !(await platform.photos.holdPhoto(accountId, imageId))) throw noPhoto(path);
  if (imageId !== null && clientId !== null) await platform.photos.showsClient(accountId, imageId, clientId);
  const used = await platform.quotas.count(skinShadeQuota, keyId);
  if (used === null) throw exhausted();
  const [l, a, b] = shade.lab;
  const reading = await store.insertReading(accountId, { id, clientId, imageId, l, a, b, confidence: shade.confidence, warnings: shade.warnings });
  return { reading, usage: usageOf(used), replayed: false };
}

const noClient = (): Failure => new Failure('NOT_FOUND', 'Client not found', { path: ['input', 'clientId'] });
const noPhoto = (path: readonly string[]): Failure => new Failure('NOT_FOUND', 'Image not found or inaccessible', { path });

async function findClient({ clients }: Platform, accountId: AccountId, id: string | null | undefined): Promise<ClientId | null> {
  if (id === null || id === undefined) return null;
  const clientId = parseClientId(id);
  if (!clientId || !(await clients.findClient(accountId, clientId))) throw noClient();
  return clientId;
}

async function findPhoto({ platform: { blobs, photos } }: Parts, accountId: AccountId, id: string): Promise<Picture> {
  const [path, imageId] = [['input', 'imageId'], parseImageId(id)];
  const photo = imageId && (await photos.findPhoto(accountId, imageId));
  const bytes = photo && (await blobs.read(photo.blobKey));
  if (!imageId || !bytes) throw noPhoto(path);
  return { bytes, imageId, path };
}

const issueOf = {
  NO_FACE: 'NO_FACE', MULTIPLE_FACES: 'MULTIPLE_FACES', FACE_TOO_SMALL: 'TOO_SMALL', GREYSCALE: 'GREYSCALE', IMAGE_TOO_LARGE: 'TOO_LARGE', UNSUPPORTED_IMAGE: 'NOT_AN_IMAGE',
  NO_HAIR: 'NO_FACE', HEAD_COVERED: 'NO_FACE',
} as const satisfies Record<RefusalCode, ImageIssue>;

async function readShade({ platform: { log, vision } }: Parts, { bytes, imageId, path }: Picture, signal: AbortSignal | undefined): Promise<SkinShade> {
  const rejected = (issue: ImageIssue): Failure => new Failure('IMAGE_REJECTED', ISSUE_SENTENCES[issue], { path, issues: [issue] });
  // A photo of the account was looked at when it was taken in.
  const early = imageId === null ? await findEarlyIssue(bytes, documentedTypes) : null;
  if (early) throw rejected(early);
  return vision.detectShade(bytes, { signal }).catch((error: unknown) => {
    if (error instanceof EngineRefusal) throw rejected(issueOf[error.code]);
    if (!(error instanceof EngineFault)) throw error;
    log.warn({ err: error }, 'a shade was not read');
    throw new Failure('UNAVAILABLE', 'The image could not be looked at in time. Please try again.');
  });
}

/** What the document names; a photo of the account has become a JPEG, whatever it was. */
const documentedTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/heic', 'image/heif']);
