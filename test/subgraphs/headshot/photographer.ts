import { once } from 'node:events';
import sharp from 'sharp';
import { type AccountId, newGenerationId, newImageId, newPictureId } from '../../../subgraphs/ids.ts';
import type { Assessment, EngineContext, HeadshotRequest, RenderedHeadshot } from '../../../subgraphs/vision/index.ts';
import { until } from '../../support/database.ts';
import type { Studio } from './studio.ts';

/** What an engine does before it makes its n-th picture, counted from 1. */
type Before = (picture: number, request: HeadshotRequest, context: EngineContext) => Promise<void> | void;

/** An engine behind the public interface that makes a plain picture at once, of any photo. It does not listen to its signal. */
export function photographer(before: Before = () => {}, framings: Assessment['framings'] = [{ framing: 'portrait', aspect: '4:5' }, { framing: 'close', aspect: '1:1' }]) {
  let pictures = 0;
  return {
    pictures: () => pictures,
    /** From now on it does this before each picture, and counts anew. */
    does(next: Before): void {
      before = next;
      pictures = 0;
    },
    assess: async (bytes: Uint8Array): Promise<Assessment> => ({ issues: [], remarks: [], score: 0.8, framings, normalised: bytes }),
    async shoot(request: HeadshotRequest, context: EngineContext): Promise<RenderedHeadshot> {
      pictures += 1;
      for (const stage of ['detect', 'segment'] as const) context.onProgress({ stage, fraction: 1 });
      await before(pictures, request, context);
      context.onProgress({ stage: 'render', fraction: 1 });
      const size = { width: 80, height: request.shot.aspect === '1:1' ? 80 : 100 };
      const bytes = await sharp({ create: { ...size, channels: 3, background: context.mode === 'test' ? '#ff0000' : '#8090a0' } }).jpeg().toBuffer();
      return { bytes, original: Buffer.concat([bytes, Buffer.from('finer')]), mime: 'image/jpeg', ...size };
    },
    close: async () => {},
  };
}

/** A door that engine calls wait at. */
export function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const pass = async (signal: AbortSignal): Promise<void> => {
    arrived.resolve();
    await Promise.race([promise, once(signal, 'abort').then(() => signal.throwIfAborted())]);
  };
  return { open: resolve, arrived: arrived.promise, pass };
}

/** A finished look of an account, as hairstyle keeps it. */
export async function addLook({ platform: { blobs, connection } }: Pick<Studio, 'platform'>, accountId: AccountId, { mode = 'LIVE', status = 'COMPLETED', clientId = null as string | null } = {}): Promise<string> {
  const [image, generation, picture] = [newImageId(), newGenerationId(), newPictureId()];
  const bytes = await sharp({ create: { width: 64, height: 80, channels: 3, background: '#caa' } }).jpeg().toBuffer();
  const file = async (): Promise<string> => blobs.put(bytes, { contentType: 'image/jpeg' });
  await connection.execute("insert into hairstyle.image (id, account_id, name, blob_key, width, height, issues) values ($1, $2, 'me.jpg', $3, 64, 80, '[]')", [image, accountId, await file()]);
  await connection.execute(`insert into hairstyle.generation (id, account_id, client_id, mode, gender, force_new_hairline, source_id, style_ids, seed, cost, status, stage, percent, last_seq)
    values ($1, $2, $3, $4, 'FEMININE', false, $5, '["817941"]', 1, 1, $6, 'done', 100, 1)`, [generation, accountId, clientId, mode, image, status]);
  await connection.execute("insert into hairstyle.picture (id, account_id, generation_id, position, style_id, blob_key, width, height, low_quality) values ($1, $2, $3, 0, '817941', $4, 64, 80, false)", [picture, accountId, generation, await file()]);
  return picture;
}

/** Waits until nothing follows for a model. */
export const ended = async ({ store }: Pick<Studio, 'store'>, accountId: AccountId, id: string) => until(async () => {
  const row = await store.findModel(accountId, id as Parameters<Studio['store']['findModel']>[1]);
  return row?.endedAt ? row : null;
}, 60_000);

export const createModel = `mutation ($email: EmailAddress!, $teamId: ID, $isDevelopment: Boolean, $fromGenerationImageId: ID, $clientId: ID, $idempotencyKey: String) {
  createHeadshotModel(email: $email, teamId: $teamId, isDevelopment: $isDevelopment, fromGenerationImageId: $fromGenerationImageId, clientId: $clientId, idempotencyKey: $idempotencyKey) {
    model { id uid email title status isDevelopment progress { status stage percent seq } startedFrom { id } client { id } } signedUrl errors { code message path ... on ImageRejectedError { issues } ... on InsufficientCreditsError { required available } } } }`;
export type Begun = {
  model: { id: string; uid: string; email: string; title: string | null; status: string; isDevelopment: boolean; progress: { status: string; stage: string; percent: number; seq: number }; startedFrom: { id: string } | null; client: { id: string } | null } | null;
  signedUrl: string | null; errors: { code: string; message: string; path: string[] | null; issues?: string[]; required?: number; available?: number }[];
};
export const deleteModel = 'mutation ($id: ID!) { deleteHeadshotModel(id: $id) { deletedId errors { code message } } }';
export type Deleted = { deletedId: string | null; errors: { code: string }[] };
export const progress = `subscription ($id: ID!, $afterSeq: Int) { headshotProgress(id: $id, afterSeq: $afterSeq) {
  seq kind terminal gap progress { status stage percent seq etaSeconds } photo { id urls { main } } failure { code message retryable refunded } model { id status photos { totalCount nodes { id } } } } }`;
export type ProgressEvent = {
  seq: number; kind: string; terminal: boolean; gap: boolean; progress: { status: string; stage: string; percent: number; seq: number; etaSeconds: number | null };
  photo: { id: string; urls: { main: string } | null } | null; failure: { code: string; message: string; retryable: boolean; refunded: boolean } | null; model: { id: string; status: string; photos: { totalCount: number; nodes: { id: string }[] } };
};
