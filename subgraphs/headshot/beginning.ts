import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { Failure } from '../../schema/failures.ts';
import type { MutationCreateHeadshotModelArgs } from '../../schema/types/headshot.ts';
import type { BlobKey } from '../blobs.ts';
import { type AccountId, type ClientId, type ModelId, newModelId, newSelfieId, parseClientId, parsePictureId, parseTeamId, type PictureId, type TeamId } from '../ids.ts';
import { ISSUE_SENTENCES } from '../images.ts';
import type { LookRow } from '../looks.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { type Assessment, EngineFault } from '../vision/index.ts';
import type { Parts } from './ending.ts';
import { costOf, inviteLivesMs, isEmail } from './rules.ts';
import type { ModelRow } from './store.ts';

type Given = MutationCreateHeadshotModelArgs;
type Order = { given: Given; keyed: Keyed | null; signal: AbortSignal | undefined };
type Starting = { start(accountId: AccountId, id: ModelId): Promise<ModelRow | null> };
type Chosen = { pictureId: PictureId; look: LookRow; assessment: Assessment };

/**
 * Begins headshots of a person without an invitation: by a link, or at once from a finished look. With its credit, or not at all. Refuses with FORBIDDEN,
 * VALIDATION, NOT_FOUND, IMAGE_REJECTED, INSUFFICIENT_CREDITS, IDEMPOTENCY_CONFLICT or UNAVAILABLE.
 */
export async function beginModel(parts: Parts & Starting, caller: Caller, { given, keyed, signal }: Order): Promise<ModelRow> {
  const { platform: { connection, requests }, store } = parts;
  const { accountId } = caller;
  const replay = async (id: ModelId): Promise<ModelRow | null> => store.findModel(accountId, id);
  // Before all else: a repeated request is answered even when its look is gone by now.
  const earlier = await requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  if (!isEmail(given.email)) throw new Failure('VALIDATION', 'This is not an e-mail address', { path: ['email'] });
  const chosen = await chooseLook(parts, caller, given, signal);
  const id = newModelId();
  return withFile(parts, chosen, async (blobKey, kept) => requests.once(accountId, keyed, id, {
    async work() {
      const begun = await insert(parts, caller, given, { id, chosen });
      const model = chosen && blobKey ? await startFrom(parts, begun, chosen, blobKey) : begun;
      signal?.throwIfAborted();
      connection.afterCommit(kept);
      return model;
    },
    replay,
  }));
}

type NewModel = Pick<ModelRow, 'id' | 'email' | 'title' | 'memberId' | 'teamId' | 'isDevelopment' | 'chargeId' | 'expiresAt'> & Partial<Pick<ModelRow, 'clientId' | 'pictureId'>>;

/** In the running transaction: before its first selfie. */
export async function insertModel({ store, journal }: Parts, accountId: AccountId, model: NewModel): Promise<ModelRow> {
  const row = await store.insertModel(accountId, {
    clientId: null, pictureId: null, ...model, uid: `anon_${randomBytes(10).toString('hex')}`, gender: null, status: 'ONBOARDING', stage: 'onboarding', percent: 0, etaSeconds: null,
    lastSeq: 1, failure: null, favoriteId: null, updatedAt: new Date(), finishedAt: null, endedAt: null, deletedAt: null,
  });
  await journal.begin(row);
  return row;
}

/** The picture that was named, if it holds headshots. Without one there must be somebody who may send a link. */
async function chooseLook({ platform, store }: Parts, { accountId, accountKind }: Caller, { fromGenerationImageId: given, isDevelopment }: Given, signal: AbortSignal | undefined): Promise<Chosen | null> {
  if (given === null || given === undefined) {
    if (accountKind === 'organization' && !(await store.isWhitelabel(accountId))) throw new Failure('FORBIDDEN', 'This feature is not enabled for your organization');
    return null;
  }
  const path = ['fromGenerationImageId'];
  const pictureId = parsePictureId(given);
  const look = pictureId && (await platform.looks.findLook(accountId, pictureId));
  const bytes = look && (await platform.blobs.read(look.blobKey));
  if (!pictureId || !look || !bytes) throw new Failure('NOT_FOUND', 'No such finished picture', { path });
  if (look.isMarked && !isDevelopment) throw new Failure('VALIDATION', 'The picture was made in test mode and is marked: headshots of it need isDevelopment', { path });
  const assessment = await platform.vision.assess(bytes, signal ? { signal } : {}).catch((error: unknown) => {
    if (!(error instanceof EngineFault)) throw error;
    throw new Failure('UNAVAILABLE', 'The picture could not be looked at in time. Please try again.');
  });
  const [issue] = assessment.issues;
  if (issue) throw new Failure('IMAGE_REJECTED', ISSUE_SENTENCES[issue], { path, issues: assessment.issues });
  return { pictureId, look, assessment };
}

/** Stores the picture as a selfie, and deletes the file again unless it was kept. */
async function withFile({ platform: { blobs } }: Parts, chosen: Chosen | null, work: (blobKey: BlobKey | null, kept: () => void) => Promise<ModelRow>): Promise<ModelRow> {
  if (!chosen) return work(null, () => {});
  const blobKey = await blobs.put(chosen.assessment.normalised, { contentType: 'image/jpeg' });
  let isKept = false;
  try {
    return await work(blobKey, () => (isKept = true));
  } finally {
    if (!isKept) await blobs.delete(blobKey);
  }
}

/** In the running transaction: the model with what it holds, and its credit. */
async function insert(parts: Parts, { accountId, keyId }: Caller, { email, teamId, clientId, isDevelopment }: Given, { id, chosen }: { id: ModelId; chosen: Chosen | null }): Promise<ModelRow> {
  const { platform: { credits, looks } } = parts;
  const client = await holdClient(parts, accountId, clientId ?? chosen?.look.clientId);
  // Whoever erases the picture waits for this transaction, or this one finds nothing.
  if (chosen && !(await looks.holdLook(accountId, chosen.pictureId))) throw new Failure('NOT_FOUND', 'No such finished picture', { path: ['fromGenerationImageId'] });
  const team = await holdTeam(parts, accountId, teamId);
  const cost = costOf(isDevelopment ?? false);
  await credits.reserve(accountId, id, cost, 'Headshots', keyId);
  return insertModel(parts, accountId, {
    id, email: email.trim(), title: null, memberId: null, teamId: team, clientId: client, pictureId: chosen?.pictureId ?? null, isDevelopment: isDevelopment ?? false,
    chargeId: cost === 0 ? null : id, expiresAt: new Date(Date.now() + inviteLivesMs),
  });
}

async function holdClient({ platform: { clients } }: Parts, accountId: AccountId, given: string | null | undefined): Promise<ClientId | null> {
  if (given === null || given === undefined) return null;
  const clientId = parseClientId(given);
  if (!clientId || !(await clients.holdClient(accountId, clientId))) throw new Failure('NOT_FOUND', 'No such client', { path: ['clientId'] });
  return clientId;
}

async function holdTeam({ store }: Parts, accountId: AccountId, given: string | null | undefined): Promise<TeamId | null> {
  if (given === null || given === undefined) return null;
  const teamId = parseTeamId(given);
  if (!teamId || !(await store.holdTeam(accountId, teamId))) throw new Failure('NOT_FOUND', 'No such team', { path: ['teamId'] });
  return teamId;
}

/** In the running transaction: with its one selfie the model is complete, and its credit is spent. */
async function startFrom({ platform: { credits }, store, start }: Parts & Starting, { accountId, id }: ModelRow, { assessment }: Chosen, blobKey: BlobKey): Promise<ModelRow> {
  const { width, height } = await sharp(assessment.normalised).metadata();
  const { issues, remarks, score, framings } = assessment;
  await store.insertSelfie(accountId, { id: newSelfieId(), modelId: id, name: null, blobKey, width, height, likeness: '0', isUsable: true, assessment: { issues, remarks, score, framings } });
  await credits.consume(id);
  const started = await start(accountId, id);
  assert(started, 'a model that was made just now has ended');
  return started;
}
