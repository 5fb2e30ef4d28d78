import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { ulid } from 'ulid';
import type { SubgraphName } from '../schema/sdl.ts';
import type { AccountId } from './ids.ts';
import type { JobRun, Jobs } from './jobs.ts';
import type { Logger } from './log.ts';
import { type Outbound, OutboundRefused } from './outbound.ts';

/** What to send, made at the moment of sending, and the account's `whsec_…` secret to sign it with. */
export type WebhookContent = { body: object; secret: string };
/** What the messages are about, behind the name of the subgraph that sends them. */
export type WebhookSource = `${SubgraphName}.${string}`;
export type WebhookBuilder = (accountId: AccountId, subjectId: string) => Promise<WebhookContent | null>;

/** Calls addresses that customers gave us, signed as Standard Webhooks says, until one answers 2xx or the schedule ends. */
export type Webhooks = {
  /** Says how the messages of a subgraph's source are made. Before the jobs start. Null from `build`: nothing is left to tell. */
  define(source: WebhookSource, build: WebhookBuilder): void;
  /** In the running transaction: the message leaves exactly when it commits. */
  send(source: WebhookSource, message: { accountId: AccountId; subjectId: string; url: string }): Promise<void>;
};

type Delivery = { source: WebhookSource; messageId: string; accountId: AccountId; subjectId: string; url: string; attempt: number };
type Outcome = 'delivered' | 'refused' | { retryAfterSeconds: number | null };

/** Of each subgraph its own: only where its jobs run is known what its messages say. */
const queueOf = (source: WebhookSource): string => `${source.split('.', 1)[0]}.webhooks`;
/** Seconds to wait after each failed attempt: ten attempts in about 75 hours (Standard Webhooks, "Retry Schedule"). */
export const scheduleSeconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;

/** A new signing secret: `whsec_` and 32 random bytes in base64. */
export const createSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export function createWebhooks({ jobs, outbound, log }: { jobs: Jobs; outbound: Outbound; log: Logger }): Webhooks {
  const builders = new Map<string, WebhookBuilder>();
  const queues = new Set<string>();
  const enqueue = async (delivery: Delivery, startAfter?: Date): Promise<void> =>
    jobs.enqueue(queueOf(delivery.source), delivery, { jobKey: `${delivery.messageId}.${delivery.attempt}`, tenant: delivery.accountId, ...(startAfter && { startAfter }) });
  const deliver = async ({ data, signal }: JobRun<Delivery>): Promise<void> => {
    const content = await builders.get(data.source)?.(data.accountId, data.subjectId);
    if (!content) return log.warn({ webhook: data.messageId, source: data.source }, 'nothing to deliver');
    const outcome = await attempt(outbound, data, content, signal);
    const waitSeconds = typeof outcome === 'object' ? secondsToWait(data.attempt, outcome.retryAfterSeconds) : null;
    log.info({ webhook: data.messageId, attempt: data.attempt, outcome, waitSeconds }, 'webhook');
    if (waitSeconds !== null) await enqueue({ ...data, attempt: data.attempt + 1 }, new Date(Date.now() + waitSeconds * 1000));
  };
  return {
    define(source, build) {
      builders.set(source, build);
      const queue = queueOf(source);
      if (!queues.has(queue)) jobs.define<Delivery>(queue, { concurrency: 4, retryLimit: 3, deadlineSeconds: 60, ...queue === 'hairstyle.webhooks' && { formerly: 'webhooks' } }, deliver);
      queues.add(queue);
    },
    send: async (source, message) => enqueue({ ...message, source, messageId: `msg_${ulid()}`, attempt: 1 }),
  };
}

/** How long to wait after a failed attempt, with up to a tenth more so that many do not come at once. Null: no attempt is left. */
export function secondsToWait(attempt: number, retryAfterSeconds: number | null, random: () => number = Math.random): number | null {
  const scheduled = scheduleSeconds[attempt - 1];
  if (scheduled === undefined) return null;
  return Math.max(scheduled * (1 + random() / 10), Math.min(retryAfterSeconds ?? 0, 86_400));
}

async function attempt(outbound: Outbound, { url, messageId }: Delivery, { body, secret }: WebhookContent, signal: AbortSignal): Promise<Outcome> {
  const text = JSON.stringify(body);
  const now = new Date();
  const headers = {
    'content-type': 'application/json',
    'webhook-id': messageId,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(messageId, now, text),
  };
  try {
    const answer = await outbound.fetchBytes(url, { method: 'POST', headers, body: text, timeoutMs: 15_000, maxBytes: 65_536, overflow: 'cut', signal });
    if (answer.status >= 200 && answer.status < 300) return 'delivered';
    // 410: whoever listened there is gone for good.
    if (answer.status === 410) return 'refused';
    const retryAfter = Number(answer.headers['retry-after']);
    return { retryAfterSeconds: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null };
  } catch (error) {
    // An address that must not be called is not better in an hour.
    if (error instanceof OutboundRefused && (error.reason === 'URL' || error.reason === 'ADDRESS')) return 'refused';
    if (error instanceof OutboundRefused) return { retryAfterSeconds: null };
    throw error;
  }
}
