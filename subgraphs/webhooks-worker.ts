import type { AccountId } from './ids.ts';
import type { Logger } from './log.ts';
import { type Metrics, secondsSince } from './metrics.ts';
import type { Outbound } from './outbound.ts';
import { readTrace, spanned, traceIdOf, type Tracer } from './traces.ts';
import { type Outcome, sendOnce } from './webhooks-sender.ts';
import type { AttemptLine, Claimed, Ending, WebhookStore } from './webhooks-store.ts';
import type { WebhookDialect } from './webhooks.ts';

/** Seconds to wait after each failed attempt: ten attempts in about 75 hours (Standard Webhooks, "Retry Schedule"). */
export const scheduleSeconds = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
const longestWaitSeconds = 86_400;

/** Attempts that one process makes at once. They wait for others, not for us: there can be many. */
const mostAtOnce = 256;
/** Of one tenant: whoever has slow receivers waits for them alone. */
const mostOfTenant = 8;
/** Twice as long as any attempt: then another process may take a delivery. */
const claimMs = 30_000;
const pollMs = 1000;
/** For what is under way when the process stops. */
const graceMs = 2000;

type Parts = {
  store: WebhookStore; outbound: Outbound; log: Logger; metrics: Metrics | undefined; tracer: Tracer | null; now: () => number; onError: (error: unknown) => void;
  detached: <T>(work: () => T) => T;
  dialects: ReadonlyMap<string, WebhookDialect>;
  /** In the transaction that disabled an endpoint. */
  settle: (work: () => Promise<void>) => Promise<void>;
  onDisabled: (delivery: Claimed) => Promise<void>;
};

/** How long to wait after a failed try, with up to a tenth more so that many do not come at once. Null: none is left. */
export function secondsToWait(tries: number, retryAfterSeconds: number | null, random: () => number = Math.random): number | null {
  const scheduled = scheduleSeconds[tries - 1];
  if (scheduled === undefined) return null;
  return Math.max(scheduled * (1 + random() / 10), Math.min(retryAfterSeconds ?? 0, longestWaitSeconds));
}

/** Makes the deliveries of those sources whose words are known in this process. */
export class WebhookWorker {
  readonly #parts: Parts;
  readonly #running = new Map<Promise<void>, AccountId>();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #filling: Promise<void> | null = null;
  #isWoken = false;
  #isStopping = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), pollMs).unref();
    this.wake();
  }

  /** There may be something to do. */
  wake(): void {
    this.#isWoken = true;
    if (this.#timer === null || this.#isStopping || this.#filling) return;
    this.#filling = this.#parts.detached(() => this.#fill()).then(() => {
      this.#filling = null;
      // Woken after the last look.
      return this.#isWoken ? this.wake() : undefined;
    });
  }

  /** Begins nothing more, and gives back what does not end soon: it goes out again elsewhere, under the same id. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#filling;
    const grace = setTimeout(() => this.#stop.abort(new Error('the process stops')), graceMs);
    await Promise.all(this.#running.keys());
    clearTimeout(grace);
  }

  async #fill(): Promise<void> {
    try {
      while (this.#isWoken) {
        this.#isWoken = false;
        while (!this.#isStopping && this.#running.size < mostAtOnce) {
          const claimed = await this.#claim();
          if (!claimed) break;
          this.#launch(claimed);
        }
      }
    } catch (error) {
      // The next poll is soon enough to try again.
      this.#isWoken = false;
      this.#parts.onError(error);
    }
  }

  #claim(): Promise<Claimed | null> {
    const { store, now, dialects } = this.#parts;
    const counts = new Map<AccountId, number>();
    for (const accountId of this.#running.values()) counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
    const busy = [...counts].filter(([, count]) => count >= mostOfTenant).map(([accountId]) => accountId);
    return store.claimDelivery({ now: new Date(now()), until: new Date(now() + claimMs), sources: [...dialects.keys()], busy });
  }

  #launch(delivery: Claimed): void {
    const done: Promise<void> = this.#deliver(delivery).catch((error: unknown) => this.#giveBack(delivery, error)).finally(() => {
      this.#running.delete(done);
      this.wake();
    });
    this.#running.set(done, delivery.accountId);
  }

  async #deliver(delivery: Claimed): Promise<void> {
    const { store, outbound, now, dialects, metrics, tracer } = this.#parts;
    const { accountId, subjectId, event, eventId, data, createdAt: occurredAt, endpointId } = delivery;
    const dialect = dialects.get(delivery.source);
    const body = await dialect?.body({ accountId, subjectId, event, eventId, data, occurredAt, isCallback: endpointId === null });
    if (!body) return store.deleteDelivery(delivery.id);
    const startedAt = performance.now();
    const options = { kind: 'client', parent: readTrace(delivery.trace), attributes: { 'lookgraph.webhook.source': delivery.source } } as const;
    const { outcome, line } = await spanned(tracer, 'webhook', options, (trace) => sendOnce(outbound, delivery, { body, sign: dialect?.headers, now, signal: this.#stop.signal, trace }));
    metrics?.webhooks.observe({ source: delivery.source, outcome: outcome.kind }, secondsSince(startedAt));
    await this.#settle(delivery, outcome, line);
  }

  async #settle(delivery: Claimed, outcome: Outcome, line: AttemptLine): Promise<void> {
    const { store, log, now, settle, onDisabled } = this.#parts;
    const at = new Date(now());
    const waitSeconds = outcome.kind === 'failed' ? secondsToWait(delivery.tries + 1, outcome.retryAfterSeconds) : null;
    const trace = readTrace(delivery.trace);
    log.info({ ...trace && { traceId: traceIdOf(trace) }, webhook: delivery.eventId, delivery: delivery.id, attempt: delivery.attempts + 1, outcome: outcome.kind, status: line.status, waitSeconds }, 'webhook');
    await settle(async () => {
      const isKept = await store.finishAttempt(delivery, line, endingOf(outcome, at, waitSeconds));
      if (!isKept || delivery.endpointId === null) return;
      if (outcome.kind === 'delivered') return store.noteSuccess(delivery.endpointId, at);
      const reason = outcome.kind === 'gone' ? { reason: 'it answered 410: nobody listens there any more', silentSince: null } : { reason: 'it took nothing for 75 hours', silentSince: delivery.createdAt };
      const isOver = outcome.kind === 'gone' || (outcome.kind === 'failed' && waitSeconds === null);
      if (isOver && (await store.disableEndpoint(delivery.endpointId, { at, ...reason }))) await onDisabled(delivery);
    });
  }

  /** An attempt that was interrupted, or that failed here, is none. After a fault it is tried again when its claim is over, not at once. */
  async #giveBack(delivery: Claimed, error: unknown): Promise<void> {
    if (!this.#stop.signal.aborted) return this.#parts.onError(error);
    await this.#parts.store.releaseClaim(delivery).catch(this.#parts.onError);
  }
}

function endingOf({ kind }: Outcome, at: Date, waitSeconds: number | null): Ending {
  if (kind === 'delivered') return { state: 'DELIVERED', next_attempt_at: null, delivered_at: at };
  if (waitSeconds === null) return { state: 'FAILED', next_attempt_at: null };
  return { state: 'WAITING', next_attempt_at: new Date(at.getTime() + waitSeconds * 1000) };
}
