import { randomBytes, randomUUID } from 'node:crypto';
import type { SubgraphName } from '../schema/sdl.ts';
import type { Connection } from './database.ts';
import { type AccountId, type EndpointId, newDeliveryId } from './ids.ts';
import type { Jobs } from './jobs.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Outbound } from './outbound.ts';
import { currentTrace, type Tracer } from './traces.ts';
import type { SigningHeaders } from './webhooks-sender.ts';
import { createWebhookStore, type WebhookStore } from './webhooks-store.ts';
import { WebhookWorker } from './webhooks-worker.ts';

export { scheduleSeconds, secondsToWait } from './webhooks-worker.ts';

/** Everything that an endpoint may listen to. */
export const webhookEvents = [
  'generation.completed', 'generation.failed', 'generation.canceled', 'model.created', 'model.status.updated', 'model.photos_ready', 'model.favorite_selected', 'model.deleted',
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** What events are about, behind the name of the subgraph that tells of them. */
export type WebhookSource = `${SubgraphName}.${string}`;

/** One event for one receiver. */
export type WebhookMessage = {
  accountId: AccountId;
  subjectId: string;
  event: string;
  /** `evt_` and a UUID: the same for all receivers and at every attempt. */
  eventId: string;
  occurredAt: Date;
  /** What it was published with. */
  data: unknown;
  /** For the callback address of a job, else for an endpoint. */
  isCallback: boolean;
};

/** How the events of a source are worded and signed. */
export type WebhookDialect = {
  /** At most 20,000 bytes as JSON, made for each attempt, so that its links are fresh. Null: nothing is left to tell. */
  body(message: WebhookMessage): Promise<object | null>;
  /** Headers besides those of Standard Webhooks, which are always there. `secrets`: 32 bytes each, the present one first, then a former one that still counts. */
  headers?: SigningHeaders;
};

export type Published = {
  accountId: AccountId;
  subjectId: string;
  event: WebhookEvent;
  /** What has to be told as it is now, whatever becomes of the subject. JSON. */
  data?: unknown;
  /** Where the job's caller wants to hear of it, beside the account's endpoints. */
  callbackUrl?: string | null;
};

/**
 * Events for addresses that customers gave us: one outbox, one worker. What is published arrives at least once, signed as Standard Webhooks says, under
 * one id, and for one receiver in the order of publication as far as it is about one subject; or it has failed ten times in about 75 hours.
 */
export type Webhooks = {
  /** Says how the events of a source are told. Before the jobs start, in every process that runs the jobs of that subgraph. */
  define(source: WebhookSource, dialect: WebhookDialect): void;
  /** In the running transaction: what is told, leaves exactly when it commits. */
  publish(source: WebhookSource, event: Published): Promise<void>;
  /** Says what to do about endpoints that were disabled because nobody listens. Before the jobs start. */
  onDisabled(tell: (disabled: { accountId: AccountId; endpointId: EndpointId }) => Promise<void>): void;
  /** Looks for deliveries that are due, at once. */
  wake(): Promise<void>;
  /** Forgets deliveries from before a moment that do not wait any more; how many. */
  trim(before: Date): Promise<number>;
};

type Parts = { connection: Connection; jobs: Jobs; outbound: Outbound; log: Logger; metrics?: Metrics; tracer?: Tracer | null; /** Milliseconds; every time of a delivery is by this clock. */ now?: () => number };

const channel = 'webhooks';
const disabledQueue = 'enterprise.webhook-disabled';
const disabledOptions = { concurrency: 1, retryLimit: 8, retryDelaySeconds: 15, deadlineSeconds: 60 };

/** A new signing secret: `whsec_` and 32 random bytes in base64. */
export const createSecret = (bytes: Uint8Array = randomBytes(32)): string => `whsec_${Buffer.from(bytes).toString('base64')}`;

export function createWebhooks({ connection, jobs, outbound, log, metrics, tracer = null, now = Date.now }: Parts): Webhooks {
  const store = createWebhookStore(connection);
  const dialects = new Map<string, WebhookDialect>();
  const worker = new WebhookWorker({
    store, outbound, log, metrics, tracer, now, dialects, detached: connection.detached, settle: connection.transaction,
    onError: (error) => log.error({ err: error }, 'webhook worker'),
    onDisabled: async ({ accountId, endpointId }) => jobs.enqueue(disabledQueue, { accountId, endpointId }),
  });
  const wake = async (): Promise<void> => {
    connection.afterCommit(() => worker.wake());
    // Where nobody else can be, nobody else has to know.
    if (connection.kind === 'postgres') await connection.notify(channel, '');
  };
  jobs.define(disabledQueue, disabledOptions, null);
  takePart({ connection, jobs, worker, store });
  return {
    define: (source, dialect) => void dialects.set(source, dialect),
    async publish(source, event) {
      if (await insert(store, source, event, new Date(now()))) await wake();
    },
    onDisabled: (tell) => jobs.define<{ accountId: AccountId; endpointId: EndpointId }>(disabledQueue, disabledOptions, ({ data }) => tell(data)),
    wake,
    trim: (before) => store.trimDeliveries(before),
  };
}

/** The worker runs where and as long as jobs do. */
function takePart({ connection, jobs, worker, store }: { connection: Connection; jobs: Jobs; worker: WebhookWorker; store: WebhookStore }): void {
  let stopListening = async (): Promise<void> => {};
  jobs.accompany({
    async start() {
      // Who owns the database alone knows that nobody else is at work.
      if (connection.kind === 'pglite') await store.releaseAllClaims();
      stopListening = await connection.listen(channel, () => worker.wake(), () => worker.wake());
      worker.start();
    },
    async rest() {
      await stopListening();
      await worker.stop();
    },
    forget: (subjectIds) => store.deleteAbout(subjectIds),
  });
}

/** False: nobody wants to hear of it. */
async function insert(store: WebhookStore, source: WebhookSource, { accountId, subjectId, event, data = null, callbackUrl = null }: Published, at: Date): Promise<boolean> {
  const listeners = await store.listListeners(accountId, event);
  if (callbackUrl !== null) await store.haveCallbackSecret(accountId, createSecret());
  const receivers = [...listeners.map(({ id, url }) => ({ endpoint_id: id, url, line: `${id} ${subjectId}` })), ...callbackUrl === null ? [] : [{ endpoint_id: null, url: callbackUrl, line: `callback ${subjectId}` }]];
  if (receivers.length === 0) return false;
  const eventId = `evt_${randomUUID()}`;
  const shared = { account_id: accountId, source, event, event_id: eventId, subject_id: subjectId, data, next_attempt_at: at, claimed_until: null, status: null, error: null, delivered_at: null, created_at: at, trace: currentTrace() };
  await store.insertDeliveries(receivers.map((receiver) => ({ ...shared, ...receiver, id: newDeliveryId() })));
  return true;
}
