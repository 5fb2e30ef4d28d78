import { createHmac } from 'node:crypto';
import type { Platform } from '../platform.ts';
import type { WebhookDialect, WebhookEvent } from '../webhooks.ts';
import type { ModelStatus } from './rules.ts';
import type { ModelRow } from './store.ts';

/** What models' events are told under. */
export const modelSource = 'headshot.model';
export type Announce = (model: ModelRow, event: Extract<WebhookEvent, `model.${string}`>) => Promise<void>;

/** As on REST. */
const words = {
  ONBOARDING: 'onboarding', WAITING: 'waiting', PENDING: 'pending', GENERATING_HEADSHOTS: 'generatingHeadshots', ACTIVE: 'active', FAILED: 'failed', DELETED: 'deleted',
} as const satisfies Record<ModelStatus, string>;

/** Tells the endpoints of an account of its models, in the running transaction: each event as things are then, whatever becomes of them. */
export const createAnnounce = ({ webhooks }: Pick<Platform, 'webhooks'>): Announce => async (model, event) =>
  webhooks.publish(modelSource, { accountId: model.accountId, subjectId: model.id, event, data: objectOf(model) });

function objectOf({ id, uid, accountId, title, gender, status, isDevelopment, finishedAt, deletedAt, expiresAt, createdAt }: ModelRow) {
  return {
    _id: id, uid, title, trigger: gender && gender.toLowerCase(), status: words[status], isDevelopment, finishedAt, deletedAt, inviteExpiresAt: expiresAt, createdAt,
    organization: `org_${accountId.replaceAll('-', '')}`,
  };
}

/** The documented body, and beside the headers of Standard Webhooks the documented ones: HMAC-SHA-256 of `timestamp.body` by the secret's 64 hexadecimal digits. */
export const modelDialect: WebhookDialect = {
  body: async ({ eventId, event, occurredAt, data }) => ({ id: eventId, event, createdAt: occurredAt.toISOString(), objectType: 'model', object: data }),
  headers({ text, timestampSeconds, secrets: [secret = new Uint8Array()] }) {
    const signature = createHmac('sha256', Buffer.from(secret).toString('hex')).update(`${timestampSeconds}.${text}`).digest('hex');
    return { 'x-headshotpro-signature': `sha256=${signature}`, 'x-headshotpro-timestamp': String(timestampSeconds) };
  },
};
