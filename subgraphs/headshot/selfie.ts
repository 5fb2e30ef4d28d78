import sharp from 'sharp';
import { Failure } from '../../schema/failures.ts';
import type { StagedUpload } from '../blobs.ts';
import { newSelfieId, parseSelfieId, parseUploadId, type SelfieId, type UploadId } from '../ids.ts';
import { findEarlyIssue } from '../images.ts';
import type { Platform } from '../platform.ts';
import { checkUploadSize } from '../staged.ts';
import { type Assessment, EngineFault, EngineRefusal } from '../vision/index.ts';
import type { OpenGuest, OpenGuests } from './guest.ts';
import type { Links } from './link.ts';
import type { OnboardingModel } from './models.ts';
import type { Journal } from './progress.ts';
import { withoutFiles } from './selfie-files.ts';
import { adviceFor, cleanSelfieName, isAlike, mostSelfies, uploadsOfLink } from './selfie-rules.ts';
import type { SelfieRow, Store } from './store.ts';

type Parts = { platform: Platform; store: Store; journal: Journal; links: Links; open: OpenGuests };
export type Selfies = ReturnType<typeof createSelfies>;

const lookMs = 60_000;

/** The photos that a person sends of themself. All refuse with NOT_FOUND a link that is of no use, and with VALIDATION before acceptance and once they are complete. */
export function createSelfies(parts: Parts) {
  const { open, store, platform: { blobs, quotas }, links } = parts;
  return {
    /** Refuses with VALIDATION, LIMIT_REACHED or RATE_LIMITED. */
    async beginUpload(token: string, byteLength: number): Promise<StagedUpload> {
      checkUploadSize(byteLength);
      const { guest, model } = await open.get(token);
      await checkRoom(store, model);
      await quotas.take(uploadsOfLink, guest.inviteId ?? guest.modelId, 'Too many photos were sent.');
      const upload = await blobs.stage(guest.accountId, byteLength);
      return { ...upload, uploadId: links.ownUpload(guest, upload.uploadId) as UploadId };
    },
    /** The same upload gives the same selfie. Refuses with VALIDATION, NOT_FOUND, IMAGE_REJECTED, CONFLICT, LIMIT_REACHED or UNAVAILABLE; nothing is kept then, and after the last the upload can be used again. */
    add: async (token: string, upload: Sent, signal?: AbortSignal): Promise<Added> => add(parts, token, upload, signal),
    /** Refuses with NOT_FOUND. */
    async remove(token: string, id: string): Promise<{ removedId: SelfieId; onboarding: OnboardingModel }> {
      const selfieId = parseSelfieId(id);
      return withoutFiles(parts.platform, async (deleteLater) => {
        const { guest: { accountId }, invite, model } = await open.hold(token);
        const gone = selfieId && (await store.deleteSelfie(accountId, model.id, selfieId));
        if (!gone) throw new Failure('NOT_FOUND', 'No such photo', { path: ['id'] });
        deleteLater([gone.blobKey]);
        return { removedId: gone.id, onboarding: { invite, model, selfies: await store.listSelfies(accountId, model.id) } };
      });
    },
  };
}

async function checkRoom(store: Store, { accountId, id }: OpenGuest['model']): Promise<void> {
  if ((await store.countSelfies(accountId, id)).all >= mostSelfies) throw new Failure('LIMIT_REACHED', `At most ${mostSelfies} photos can be sent. Remove one to send another one.`);
}

type Sent = { uploadId: string; name?: string | null | undefined };
type Added = { selfie: SelfieRow; onboarding: OnboardingModel };

async function add(parts: Parts, token: string, { uploadId: given, name }: Sent, signal: AbortSignal | undefined): Promise<Added> {
  const { open, store, links, platform: { blobs } } = parts;
  const { guest, invite, model } = await open.get(token);
  const { accountId } = guest;
  const uploadId = parseUploadId(links.readUpload(guest, given) ?? '');
  const findAdded = async (): Promise<Added | null> => uploadId && addedBefore(uploadId, { invite, model, selfies: await store.listSelfies(accountId, model.id) });
  const earlier = await findAdded();
  if (earlier) return earlier;
  await checkRoom(store, model);
  const bytes = uploadId && (await blobs.takeStaged(accountId, uploadId, taker));
  if (!bytes) {
    // Whoever had it a moment ago may be done by now.
    const meanwhile = await findAdded();
    if (meanwhile) return meanwhile;
    throw new Failure('NOT_FOUND', 'No bytes were sent for this upload, or they were used already', { path: ['uploadId'] });
  }
  try {
    const added = await keep(parts, token, { ...(await look(parts, bytes, signal)), name: cleanSelfieName(name), uploadId }, signal);
    await blobs.forgetStaged(accountId, uploadId, taker);
    return added;
  } catch (error) {
    const isFinal = error instanceof Failure && error.code !== 'UNAVAILABLE';
    await (isFinal ? blobs.forgetStaged(accountId, uploadId, taker) : blobs.restoreStaged(accountId, uploadId, bytes));
    throw error;
  }
}

/** Who takes an upload of a guest: nobody else can, and whoever asks again finds it where a killed process left it. */
const taker = 'addSelfie';

function addedBefore(uploadId: UploadId, onboarding: OnboardingModel): Added | null {
  const selfie = onboarding.selfies.find((each) => each.uploadId === uploadId);
  return selfie ? { selfie, onboarding } : null;
}

type Looked = { assessment: Assessment; likeness: string; name: string | null; uploadId: UploadId };

async function look({ platform: { log, vision } }: Parts, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Omit<Looked, 'name' | 'uploadId'>> {
  const early = await findEarlyIssue(bytes);
  if (early) throw rejected(early);
  const deadline = AbortSignal.timeout(lookMs);
  try {
    const assessment = await vision.assess(bytes, { signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
    return { assessment, likeness: await likenessOf(assessment.normalised) };
  } catch (error) {
    if (error instanceof EngineRefusal) throw rejected('NOT_AN_IMAGE');
    if (!(error instanceof EngineFault) && !(deadline.aborted && !signal?.aborted)) throw error;
    log.warn({ err: error }, 'a selfie was not looked at');
    throw new Failure('UNAVAILABLE', 'The photo could not be looked at in time. Please try again.');
  }
}

const rejected = (issue: Parameters<typeof adviceFor>[0]): Failure => new Failure('IMAGE_REJECTED', adviceFor(issue), { path: ['uploadId'], issues: [issue] });

/** Stores the file first and deletes it again unless its row is committed. */
async function keep({ open, platform: { blobs, connection }, store, journal }: Parts, token: string, { assessment, likeness, name, uploadId }: Looked, signal: AbortSignal | undefined): Promise<Added> {
  const { normalised, ...found } = assessment;
  const { width, height } = await sharp(normalised).metadata();
  const blobKey = await blobs.put(normalised, { contentType: 'image/jpeg' });
  let isKept = false;
  try {
    const kept = await connection.transaction(async () => {
      const { guest: { accountId }, invite: before, model } = await open.hold(token);
      signal?.throwIfAborted();
      const others = await store.listSelfies(accountId, model.id);
      // Of two that were sent by the same upload at once, the second.
      const earlier = addedBefore(uploadId, { invite: before, model, selfies: others });
      if (earlier) return earlier;
      await checkRoom(store, model);
      const twin = others.find((other) => isAlike(other.likeness, likeness));
      if (twin) throw new Failure('CONFLICT', 'You have sent this photo already', { path: ['uploadId'], existingId: twin.id });
      const selfie = await store.insertSelfie(accountId, { id: newSelfieId(), modelId: model.id, name, uploadId, blobKey, width, height, likeness, isUsable: found.issues.length === 0, assessment: found });
      const invite = before?.status === 'ACCEPTED' ? await store.changeInvite(accountId, before.id, { status: 'UPLOADING' }) : before;
      if (invite && invite !== before) await journal.tellInvite(invite);
      return { selfie, onboarding: { invite, model, selfies: [...others, selfie] } };
    });
    isKept = kept.selfie.blobKey === blobKey;
    return kept;
  } finally {
    if (!isKept) await blobs.delete(blobKey);
  }
}

/** Whether each of 16 x 16 fields of a picture is darker than its right neighbour, as 64 hexadecimal digits: what hardly changes with size and compression. */
export async function likenessOf(picture: Uint8Array): Promise<string> {
  const [columns, rows] = [17, 16];
  const gray = await sharp(picture).greyscale().resize(columns, rows, { fit: 'fill' }).raw().toBuffer();
  let bits = 0n;
  for (let at = 0; at < columns * rows; at++) if (at % columns < columns - 1) bits = (bits << 1n) | BigInt((gray[at] ?? 0) < (gray[at + 1] ?? 0));
  return bits.toString(16).padStart(64, '0');
}
