import { createHash, createHmac } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import type { Connection } from '../database.ts';
import { type Environment, getSigningSecret } from '../env.ts';
import type { AccountId } from '../ids.ts';
import type { Store } from './store.ts';

type Request = { operation: 'createEnterprise' | 'createClient' | 'createApiKey' | 'createWebhookEndpoint' | 'rotateWebhookSecret' | 'rotateCallbackSecret'; input: { idempotencyKey?: string | null } };

/** For how long an idempotency key stands for its first request. */
const replayForMs = 24 * 3_600_000;

/**
 * Does `work` once for an idempotency key, in one transaction with the note of it, and for every repetition `replay` with the id of what was
 * made. `fingerprint` is of the input. Without a key it is just done.
 * @throws Failure VALIDATION; IDEMPOTENCY_CONFLICT when the key was used with another input.
 */
export async function once<Id extends string, Made>(
  { connection, store }: { connection: Connection; store: Store }, accountId: AccountId, { operation, input: { idempotencyKey: key, ...input } }: Request, id: Id,
  does: { work: (seed: string | null) => Promise<Made>; replay: (id: Id, seed: string) => Promise<Made | null> },
): Promise<Made> {
  if (key === null || key === undefined) return does.work(null);
  const refuse = (code: 'VALIDATION' | 'IDEMPOTENCY_CONFLICT', message: string): never => {
    throw new Failure(code, message, { path: ['input', 'idempotencyKey'] });
  };
  if (key.length < 1 || key.length > 255) refuse('VALIDATION', 'An idempotency key has 1 to 255 characters');
  const fingerprint = fingerprintOf(input);
  const seed = `${accountId} ${operation} ${key} ${fingerprint}`;
  return connection.transaction(async () => {
    const earlier = await store.claimRequest(accountId, operation, key, { fingerprint, subject_id: id }, new Date(Date.now() - replayForMs));
    if (!earlier) return does.work(seed);
    if (earlier.fingerprint !== fingerprint) refuse('IDEMPOTENCY_CONFLICT', 'This idempotency key was used with another request');
    // Whoever claimed it for this operation made an id of this kind.
    const made = await does.replay(earlier.subjectId as Id, seed);
    return made ?? refuse('IDEMPOTENCY_CONFLICT', 'What this idempotency key made is no longer there');
  });
}

/** Equal for two inputs that ask for the same, whatever the order of their fields. */
function fingerprintOf(input: object): string {
  const fields = Object.entries(input).filter(([, value]) => value !== null && value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** The bytes of a new key's secret, the same for the same seed: so that a repeated request is answered with a secret that is kept nowhere. */
export function secretBytes(env: Environment, seed: string): Uint8Array {
  return createHmac('sha256', getSigningSecret(env)).update(`api key\n${seed}`).digest();
}
