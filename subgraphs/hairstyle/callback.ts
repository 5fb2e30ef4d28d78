import type { BlobStore } from '../blobs.ts';
import { type AccountId, jobIdOf, parseGenerationId } from '../ids.ts';
import { createSecret, type WebhookContent } from '../webhooks.ts';
import type { Status } from './rules.ts';
import type { Store } from './store.ts';

const statuses: Record<Status, string> = { QUEUED: 'pending', PROCESSING: 'processing', COMPLETED: 'completed', FAILED: 'failed', CANCELED: 'canceled' };
export const urlsLiveForMs = 24 * 3_600_000;

/** What a generation's callback says: the REST body of the generation, with `id` and `mode`, its links signed at this moment. Null: it is gone. */
export async function callbackContent(store: Store, blobs: BlobStore, accountId: AccountId, subjectId: string): Promise<WebhookContent | null> {
  const id = parseGenerationId(subjectId);
  const generation = id && (await store.findGeneration(accountId, id));
  if (!generation) return null;
  const pictures = await store.listPictures(accountId, [generation.id]);
  const expiresAt = new Date(Date.now() + urlsLiveForMs);
  const images = pictures.map(({ blobKey }) => blobs.signedUrl(blobKey, { expiresAt }));
  const data = { images, status: statuses[generation.status], id: jobIdOf(generation.id), mode: generation.mode.toLowerCase() };
  return { body: { data, message: generation.failure?.message ?? 'Success', status: 'success' }, secret: await store.getWebhookSecret(accountId, createSecret()) };
}
