import { setTimeout as delay } from 'node:timers/promises';
import type { Outbound, OutboundOptions } from '../outbound.ts';
import { OutboundRefused } from '../outbound.ts';
import { EngineFault } from '../vision/engine.ts';

export type Call = Pick<OutboundOptions, 'method' | 'headers' | 'body' | 'signal'> & { timeoutMs?: number; maxBytes?: number; redirects?: number };
export type Answered = { status: number; bytes: Uint8Array };

/** An engine's address answered, but not as it should. */
export const unavailable = (message: string, cause?: unknown): EngineFault => new EngineFault('UNAVAILABLE', message, { cause });

/** One request to an engine. Throws EngineFault for what did not succeed (its message holds no header and no body), or the signal's reason. */
export async function call(outbound: Outbound, url: string, { timeoutMs = 30_000, maxBytes = 4 * 1024 * 1024, ...options }: Call): Promise<Answered> {
  try {
    return await outbound.fetchBytes(url, { ...options, timeoutMs, maxBytes });
  } catch (error) {
    if (error instanceof OutboundRefused) throw new EngineFault(error.reason === 'TIMEOUT' ? 'TIMEOUT' : 'UNAVAILABLE', `the engine was not reached: ${error.reason}`, { cause: error });
    throw error;
  }
}

/** The same, for an answer that must be 2xx and JSON. */
export async function callJson(outbound: Outbound, url: string, options: Call): Promise<unknown> {
  const { status, bytes } = await call(outbound, url, options);
  if (status < 200 || status > 299) throw unavailable(`the engine answered ${status}`);
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch (error) {
    throw unavailable('the engine answered with something else than JSON', error);
  }
}

export const jsonBody = (headers: Readonly<Record<string, string>>, body: unknown) => ({ headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) });

/** Waits; rejects with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
