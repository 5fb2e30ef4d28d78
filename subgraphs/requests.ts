import { createHash, createHmac } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { type Generated, sql } from 'kysely';
import { Failure } from '../schema/failures.ts';
import type { Connection } from './database.ts';
import { type Environment, getSigningSecret } from './env.ts';
import type { AccountId } from './ids.ts';
import type { RequestContext } from './subgraph.ts';

/** A mutation with an idempotency key. `fingerprint`: equal for two that ask for the same. `path`: where the arguments name the key. */
export type Keyed = { operation: string; key: string; fingerprint: string; path: readonly string[] };

/** How something is done once. `seed` stands for the request: with it, what is kept nowhere can be made again. Null: the request has no key. `note`: writes down another id, where it is known only now. */
type Does<Id, Made> = { work: (seed: string | null, note: (id: Id) => Promise<void>) => Promise<Made>; /** Null: it is no longer there. */ replay: (id: Id, seed: string) => Promise<Made | null> };

/** What idempotency keys stand for, written down in the transaction of what their requests do, so that a process that is killed anywhere repeats nothing. */
export type Requests = {
  /**
   * Does `work`, which makes what has this id, once for a key, in one transaction with the note of it, and for every repetition `replay` with the id of what was made. Of two
   * at once the second waits for the first one's commit. Without a key it is just done, in a transaction.
   * @throws Failure IDEMPOTENCY_CONFLICT when the key was used with another request, or what it made is gone.
   */
  once<Id extends string, Made>(accountId: AccountId, keyed: Keyed | null, id: Id, does: Does<Id, Made>): Promise<Made>;
  /** What an earlier request with the key made, for those that look at pictures before they can do anything; null: nothing, or there is no key. Refuses as `once` does. */
  findEarlier<Id extends string, Made>(accountId: AccountId, keyed: Keyed | null, replay: (id: Id, seed: string) => Promise<Made | null>): Promise<Made | null>;
  /** The notes that name one of these; how many there were. */
  forget(accountId: AccountId, ids: readonly string[]): Promise<number>;
  /** Forgets notes that are past their time. */
  trim(): Promise<void>;
};

type Note = { fingerprint: string; subjectId: string };
type RequestTables = { request_key: { account_id: AccountId; operation: string; key: string; fingerprint: string; subject_id: string; created_at: Generated<Date> } };

/** `keptMs`: for how long a key stands for its first request, by the database's clock: one for all processes, and none of theirs that jumps frees a key. */
export function createRequests(connection: Connection, { keptMs }: { keptMs: number }): Requests {
  const store = connection.store<RequestTables>('enterprise');
  const oldest = sql<Date>`now() - make_interval(secs => ${keptMs / 1000})`;
  const find = async (accountId: AccountId, { operation, key }: Keyed): Promise<Note | null> =>
    (await store().selectFrom('request_key').select(['fingerprint', 'subject_id as subjectId']).where('account_id', '=', accountId).where('operation', '=', operation).where('key', '=', key)
      .where('created_at', '>=', oldest).executeTakeFirst()) ?? null;
  /** Null: the key is claimed now. Else what it was claimed for. */
  const claim = async (accountId: AccountId, keyed: Keyed, id: string): Promise<Note | null> => {
    const { operation, key, fingerprint } = keyed;
    const taken = await store().insertInto('request_key').values({ account_id: accountId, operation, key, fingerprint, subject_id: id })
      .onConflict((conflict) => conflict.columns(['account_id', 'operation', 'key']).doUpdateSet({ fingerprint, subject_id: id, created_at: sql<Date>`now()` }).where('request_key.created_at', '<', oldest))
      .returning('key').executeTakeFirst();
    return taken ? null : find(accountId, keyed);
  };
  return {
    once: async (accountId, keyed, id, { work, replay }) => connection.transaction(async () => {
      if (!keyed) return work(null, async () => {});
      const earlier = await claim(accountId, keyed, id);
      if (earlier) return repeat(accountId, keyed, earlier, replay);
      return work(seedOf(accountId, keyed), async (other) => {
        await store().updateTable('request_key').set({ subject_id: other }).where('account_id', '=', accountId).where('operation', '=', keyed.operation).where('key', '=', keyed.key).execute();
      });
    }),
    async findEarlier(accountId, keyed, replay) {
      const earlier = keyed && (await find(accountId, keyed));
      return keyed && earlier && repeat(accountId, keyed, earlier, replay);
    },
    forget: async (accountId, ids) =>
      (ids.length === 0 ? 0 : Number((await store().deleteFrom('request_key').where('account_id', '=', accountId).where('subject_id', 'in', ids).executeTakeFirstOrThrow()).numDeletedRows)),
    trim: async () => void (await store().deleteFrom('request_key').where('created_at', '<', oldest).execute()),
  };
}

const seedOf = (accountId: AccountId, { operation, key, fingerprint }: Keyed): string => `${accountId} ${operation} ${key} ${fingerprint}`;

async function repeat<Id extends string, Made>(accountId: AccountId, keyed: Keyed, { fingerprint, subjectId }: Note, replay: Does<Id, Made>['replay']): Promise<Made> {
  const conflict = (message: string): Failure => new Failure('IDEMPOTENCY_CONFLICT', message, { path: keyed.path });
  if (fingerprint !== keyed.fingerprint) throw conflict('This idempotency key was used with another request');
  // Whoever claimed it for this operation made an id of this kind.
  const made = await replay(subjectId as Id, seedOf(accountId, keyed));
  if (made === null) throw conflict('What this idempotency key made is no longer there');
  return made;
}

/**
 * The key of a mutation: the one in its arguments, else the header's, which stands for every field of the request by its name in the answer. Null when there is neither.
 * `path`: where `input` is among the arguments.
 * @throws Failure VALIDATION for what is no key.
 */
export function keyedBy<Input extends object>({ idempotency }: RequestContext, { fieldName, path: { key: name } }: GraphQLResolveInfo, input: Input & { idempotencyKey?: string | null }, path: readonly string[] = ['input']): Keyed | null {
  const { idempotencyKey: key, ...rest } = input;
  const at = [...path, 'idempotencyKey'];
  if (typeof key !== 'string') return idempotency ? { operation: fieldName, key: `${idempotency.key} ${name}`, fingerprint: idempotency.fingerprint, path: at } : null;
  if (key.length < 1 || key.length > 255) throw new Failure('VALIDATION', 'An idempotency key has 1 to 255 characters', { path: at });
  return { operation: fieldName, key, fingerprint: fingerprintOf(rest), path: at };
}

/** Equal for two inputs that ask for the same, whatever the order of their fields. */
function fingerprintOf(input: object): string {
  const fields = Object.entries(input).filter(([, value]) => value !== null && value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** The bytes of a new secret, the same for the same seed: so that a repeated request is answered with a secret that is kept nowhere. */
export function secretBytes(env: Environment, seed: string): Uint8Array {
  return createHmac('sha256', getSigningSecret(env)).update(`api key\n${seed}`).digest();
}
