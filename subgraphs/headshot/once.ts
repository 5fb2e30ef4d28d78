import { Failure } from '../../schema/failures.ts';
import type { Connection } from '../database.ts';
import type { AccountId } from '../ids.ts';
import { checkIdempotencyKey, fingerprintOf } from './rules.ts';
import type { Store } from './store.ts';

type Request = { operation: string; input: { idempotencyKey?: string | null | undefined }; /** Where the input is among the mutation's arguments. */ path?: readonly string[] };
type Shared = { connection: Connection; store: Store; keptMs: number };
const refuse = (message: string, path: readonly string[]): never => {
  throw new Failure('IDEMPOTENCY_CONFLICT', message, { path: [...path, 'idempotencyKey'] });
};
const otherRequest = 'This idempotency key was used with another request';
type Does<Id, Made> = { work: () => Promise<Made>; replay: (id: Id) => Promise<Made | null> };

/**
 * Does `work`, which makes what has this id, once for an idempotency key within `keptMs`, in one transaction with the note of it, and for
 * every repetition `replay` with the id of what was made. Without a key it is just done.
 * @throws Failure VALIDATION; IDEMPOTENCY_CONFLICT when the key was used with another input.
 */
export async function once<Id extends string, Made>(
  { connection, store, keptMs }: Shared, accountId: AccountId, { operation, input, path = ['input'] }: Request, id: Id, does: Does<Id, Made>,
): Promise<Made> {
  const key = checkIdempotencyKey(input.idempotencyKey, path);
  return connection.transaction(async () => {
    if (key === null) return does.work();
    const fingerprint = fingerprintOf(input);
    const earlier = await store.claimRequest(accountId, operation, key, { fingerprint, subjectId: id }, new Date(Date.now() - keptMs));
    if (!earlier) return does.work();
    if (earlier.fingerprint !== fingerprint) refuse(otherRequest, path);
    // Whoever claimed it for this operation made an id of this kind.
    return (await does.replay(earlier.subjectId as Id)) ?? refuse('What this idempotency key made is no longer there', path);
  });
}

/** The id of what a request with this key made before; null: nothing, or there is no key. Refuses as `once` does. */
export async function findEarlier<Id extends string>({ store, keptMs }: Shared, accountId: AccountId, { operation, input, path = ['input'] }: Request): Promise<Id | null> {
  const key = checkIdempotencyKey(input.idempotencyKey, path);
  const earlier = key === null ? null : await store.findRequest(accountId, operation, key, new Date(Date.now() - keptMs));
  if (!earlier) return null;
  if (earlier.fingerprint !== fingerprintOf(input)) refuse(otherRequest, path);
  return earlier.subjectId as Id;
}
