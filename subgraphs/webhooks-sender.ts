import { Webhook } from 'standardwebhooks';
import { type Outbound, type OutboundAnswer, OutboundRefused } from './outbound.ts';
import type { Trace } from './traces.ts';
import type { AttemptLine, Claimed } from './webhooks-store.ts';

/** What an attempt came to. `gone`: nobody will ever listen there. `refused`: this address may not be called, and will not be in an hour. */
export type Outcome = { kind: 'delivered' | 'gone' | 'refused' } | { kind: 'failed'; retryAfterSeconds: number | null };
export type SigningHeaders = (signed: { text: string; timestampSeconds: number; secrets: readonly Uint8Array[] }) => Record<string, string>;

/** The specification: "between 15 and 30 seconds". */
const timeoutMs = 15_000;
/** An answer's body is of no interest; it is read so that the connection can be used again. */
const answerBytes = 16_384;
/** A body over this is a mistake of ours: "payloads should be kept small, under 20 kB". */
export const largestBodyBytes = 20_000;

type Order = { body: object; sign: SigningHeaders | undefined; now: () => number; signal: AbortSignal; /** Told to the receiver. */ trace: Trace | null };

/** Sends one delivery once. Rejects with the signal's reason when it is interrupted; every other end is an outcome. */
export async function sendOnce(outbound: Outbound, delivery: Claimed, { body, sign, now, signal, trace }: Order): Promise<{ outcome: Outcome; line: AttemptLine }> {
  const at = new Date(now());
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', ...trace && { traceparent: trace }, ...headersOf(delivery, text, at, sign) };
  const startedAt = performance.now();
  const line = (status: number | null, error: string | null): AttemptLine =>
    ({ at, duration_ms: Math.round(performance.now() - startedAt), status, error, url: delivery.url, headers, body: text });
  if (Buffer.byteLength(text) > largestBodyBytes) return { outcome: { kind: 'refused' }, line: line(null, `the body is over ${largestBodyBytes} bytes`) };
  try {
    const answer = await outbound.fetchBytes(delivery.url, { method: 'POST', headers, body: text, timeoutMs, maxBytes: answerBytes, overflow: 'cut', signal });
    const outcome = outcomeOf(answer, now());
    return { outcome, line: line(answer.status, outcome.kind === 'delivered' ? null : errorOf(answer)) };
  } catch (error) {
    if (!(error instanceof OutboundRefused)) throw error;
    const isForbidden = error.reason === 'URL' || error.reason === 'ADDRESS';
    return { outcome: isForbidden ? { kind: 'refused' } : { kind: 'failed', retryAfterSeconds: null }, line: line(null, error.message) };
  }
}

/** Standard Webhooks, signed with every secret that counts, and what the dialect adds. */
function headersOf({ eventId, secrets }: Claimed, text: string, at: Date, sign: SigningHeaders | undefined): Record<string, string> {
  const timestampSeconds = Math.floor(at.getTime() / 1000);
  return {
    ...sign?.({ text, timestampSeconds, secrets: secrets.map(bytesOf) }),
    'webhook-id': eventId,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(eventId, at, text)).join(' '),
  };
}

/** The 32 bytes of a `whsec_…`. */
export const bytesOf = (secret: string): Uint8Array => Buffer.from(secret.replace('whsec_', ''), 'base64');

function outcomeOf({ status, headers }: OutboundAnswer, nowMs: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status === 410) return { kind: 'gone' };
  return { kind: 'failed', retryAfterSeconds: secondsOf(headers['retry-after'], nowMs) };
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function secondsOf(header: string | string[] | undefined, nowMs: number): number | null {
  if (typeof header !== 'string') return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Our words alone: what a stranger's server says is not passed on. */
function errorOf({ status }: OutboundAnswer): string {
  if (status >= 300 && status < 400) return `answered ${status}: a redirect is a failure and is not followed`;
  if (status === 410) return 'answered 410: nobody listens there any more';
  return `answered ${status}`;
}
