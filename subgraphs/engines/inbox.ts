import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { Connection } from '../database.ts';
import { pause } from './call.ts';

type Tables = { prediction: { id: string; engine: string; body: string | null; heard: number; is_final: boolean; opened_at: Date } };

/** Where engines say how far they are, in whichever process they reach: whoever waits for a word may be another one. */
export type Inbox = {
  /** A place for one prediction and the address for its webhooks, which nobody can guess. */
  open(engine: string): Promise<{ id: string; webhook: string }>;
  /** Every newer word, to the last. Rejects with the signal's reason. */
  words(id: string, signal: AbortSignal): AsyncIterable<unknown>;
  close(id: string): Promise<void>;
  /** The engine whose word is awaited there; null: nobody waits. */
  awaited(id: string): Promise<string | null>;
  /** Keeps a word of an engine. A place that was told the end hears nothing more. */
  receive(id: string, body: string): Promise<void>;
};

/** Path under which the gateway takes webhooks of engines. */
export const callbackPath = '/engine-callbacks/';
const placePattern = /^[0-9a-f]{48}$/;
const betweenLooksMs = 300;
/** What a killed process left behind. */
const forgottenAfterMs = 24 * 3_600_000;
const finals = new Set(['succeeded', 'failed', 'canceled', 'aborted']);

export function createInbox(connection: Connection, publicUrl: () => string): Inbox {
  const store = connection.store<Tables>('hairstyle');
  const find = async (id: string) => store().selectFrom('prediction').selectAll().where('id', '=', id).executeTakeFirst();
  return {
    async open(engine) {
      await store().deleteFrom('prediction').where('opened_at', '<', new Date(Date.now() - forgottenAfterMs)).execute();
      const id = randomBytes(24).toString('hex');
      await store().insertInto('prediction').values({ id, engine, body: null, heard: 0, is_final: false, opened_at: new Date() }).execute();
      return { id, webhook: `${publicUrl()}${callbackPath}${id}` };
    },
    async *words(id, signal) {
      for (let heard = 0; ;) {
        const row = await find(id);
        if (!row) return;
        if (row.heard > heard && row.body !== null) {
          heard = row.heard;
          yield JSON.parse(row.body) as unknown;
        }
        if (row.is_final) return;
        await pause(betweenLooksMs, signal);
      }
    },
    close: async (id) => void (await store().deleteFrom('prediction').where('id', '=', id).execute()),
    awaited: async (id) => (placePattern.test(id) ? (await find(id))?.engine ?? null : null),
    async receive(id, body) {
      await store().updateTable('prediction').set((eb) => ({ body, heard: eb('heard', '+', 1), is_final: isFinal(body) })).where('id', '=', id).where('is_final', '=', false).execute();
    },
  };
}

function isFinal(body: string): boolean {
  const word = JSON.parse(body) as { status?: unknown } | null;
  return typeof word?.status === 'string' && finals.has(word.status);
}

/** Whether a webhook is the cloud's, by the signature that Standard Webhooks describes. */
export function isSigned(secret: string, body: string, headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  try {
    new Webhook(secret).verify(body, Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])));
    return true;
  } catch {
    return false;
  }
}
