import { Failure } from '../../schema/failures.ts';
import type { Connection } from '../database.ts';
import type { AccountId } from '../ids.ts';
import { checkIdempotencyKey, fingerprintOf } from './rules.ts';
import type { Store } from './store.ts';

type Request = { operation: string; input: { idempotencyKey?: string | null | undefined } };
type Does<Id, Made> = { work: () => Promise<Made>; replay: (id: Id) => Promise<Made | null> };

/**
 * Does `work`, which makes what has this id, once for an idempotency key within `keptMs`, in one transaction with the note of it, and for
 * every repetition `replay` with the id of what was made. Without a key it is just done.
 * @throws Failure VALIDATION; IDEMPOTENCY_CONFLICT when the key was used with another input.
 */
export async function once<Id extends string, Made>(
  { connection, store, keptMs }: { connection: Connection; store: Store; keptMs: number }, accountId: AccountId, { operation, input }: Request, id: Id, does: Does<Id, Made>,
): Promise<Made> {
  const key = checkIdempotencyKey(input.idempotencyKey);
  const refuse = (message: string): never => {
    throw new Failure('IDEMPOTENCY_CONFLICT', message, { path: ['input', 'idempotencyKey'] });
  };
  return connection.transaction(async () => {
    if (key === null) return does.work();
    const fingerprint = fingerprintOf(input);
    const earlier = await store.claimRequest(accountId, operation, key, { fingerprint, subjectId: id }, new Date(Date.now() - keptMs));
    if (!earlier) return does.work();
    if (earlier.fingerprint !== fingerprint) refuse('This idempotency key was used with another request');
    // Whoever claimed it for this operation made an id of this kind.
    return (await does.replay(earlier.subjectId as Id)) ?? refuse('What this idempotency key made is no longer there');
  });
}
