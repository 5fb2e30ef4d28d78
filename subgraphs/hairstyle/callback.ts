import { Failure } from '../../schema/failures.ts';
import type { BlobStore } from '../blobs.ts';
import { type AccountId, jobIdOf, parseGenerationId } from '../ids.ts';
import { type Outbound, OutboundRefused } from '../outbound.ts';
import type { WebhookDialect, WebhookEvent, WebhookMessage } from '../webhooks.ts';
import { checkHttpUrl, type Status } from './rules.ts';
import type { GenerationRow, Store } from './store.ts';

const statuses: Record<Status, string> = { QUEUED: 'pending', PROCESSING: 'processing', COMPLETED: 'completed', FAILED: 'failed', CANCELED: 'canceled' };
export const urlsLiveForMs = 24 * 3_600_000;

export const endEvents = { COMPLETED: 'generation.completed', FAILED: 'generation.failed', CANCELED: 'generation.canceled' } as const satisfies Partial<Record<Status, WebhookEvent>>;

/** The address in normal form. Refuses with VALIDATION what would not be called, as far as that is known without asking anybody. */
export function checkCallback(outbound: Pick<Outbound, 'check'>, given: string): string {
  const url = checkHttpUrl(given, 'callbackUrl');
  try {
    outbound.check(url);
    return url;
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    throw new Failure('VALIDATION', `The callback address is refused: ${error.message}`, { path: ['input', 'callbackUrl'] });
  }
}

/** How the end of a generation is told: to its callback address as REST would, with `id` and `mode`; to an endpoint in the form that Standard Webhooks proposes. */
export function generationDialect(store: Store, blobs: BlobStore): WebhookDialect {
  return {
    async body({ accountId, subjectId, event, occurredAt, isCallback }: WebhookMessage) {
      const id = parseGenerationId(subjectId);
      const generation = id && (await store.findGeneration(accountId, id));
      if (!generation) return null;
      const images = await linksOf(store, blobs, accountId, generation);
      const data = { images, status: statuses[generation.status], id: jobIdOf(generation.id), mode: generation.mode.toLowerCase() };
      if (isCallback) return { data, message: generation.failure?.message ?? 'Success', status: 'success' };
      return { type: event, timestamp: occurredAt.toISOString(), data: { ...data, client_id: generation.clientId, failure: generation.failure } };
    },
  };
}

/** Signed at this moment. */
async function linksOf(store: Store, blobs: BlobStore, accountId: AccountId, { id }: GenerationRow): Promise<string[]> {
  const pictures = await store.listPictures(accountId, [id]);
  const expiresAt = new Date(Date.now() + urlsLiveForMs);
  return pictures.map(({ blobKey }) => blobs.signedUrl(blobKey, { expiresAt }));
}
