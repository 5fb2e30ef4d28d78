import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Generated, sql } from 'kysely';
import { Failure } from '../schema/failures.ts';
import { type Connection, json, type Store } from './database.ts';
import { type AccountId, type KeyId, newAccountId, newKeyId, type UserId } from './ids.ts';
import { KeyExpiry } from './key-expiry.ts';
import { KeyUse } from './key-use.ts';
import { scopeSet } from './scopes.ts';
import { createSessions, type Sessions } from './sessions.ts';
import type { AccountKind, Caller } from './subgraph.ts';

type KeyTable = {
  id: KeyId;
  account_id: AccountId;
  name: string;
  secret_sha256: string;
  last_four: string;
  scopes: string[];
  /** Whose own it is; null: the account's. */
  user_id: UserId | null;
  created_at: Generated<Date>;
  last_used_at: Date | null;
  expires_at: Date | null;
  session: Generated<boolean>;
};
/** Tables that keys are kept in, in the schema `enterprise`. */
export type KeyTables = { api_key: KeyTable; account: { id: AccountId; kind: AccountKind; name: string } };

export type ApiKey = {
  id: KeyId;
  accountId: AccountId;
  name: string;
  lastFour: string;
  scopes: readonly string[];
  createdAt: Date;
  /** Within a minute. Null: never. */
  lastUsedAt: Date | null;
  /** Null: it does not expire. */
  expiresAt: Date | null;
  userId: UserId | null;
  /** Whether it is no key but what a person signed in with. */
  isSession: boolean;
};

export type NewKey = { accountId: AccountId; accountKind: AccountKind; name: string; scopes: readonly string[]; expiresAt: Date | null; userId?: UserId | null;
  /** By default new ones. 32 bytes that nobody can guess give the same secret again. */
  id?: KeyId; bytes?: Uint8Array | undefined };

/** The accounts' API keys, and sessions, which open the same doors. A secret is shown once and kept as its SHA-256 only. */
export type Keys = Sessions & {
  /** @throws Failure VALIDATION for an unknown scope. */
  issue(request: NewKey): Promise<{ key: ApiKey; secret: string }>;
  /** A key together with a personal account that has nothing but this key, for somebody whom nobody knows. In the running transaction. */
  issueAlone(request: Pick<NewKey, 'name' | 'scopes'>): Promise<{ key: ApiKey; secret: string }>;
  /** Of a key or a session. Null: unknown, expired or deleted. Marks it as used. */
  findCaller(secret: string): Promise<Caller | null>;
  /** Usable and expired ones, newest first. */
  list(accountId: AccountId): Promise<ApiKey[]>;
  find(accountId: AccountId, keyId: KeyId): Promise<ApiKey | null>;
  /** @throws Failure NOT_FOUND */
  get(accountId: AccountId, keyId: KeyId): Promise<ApiKey>;
  /** @throws Failure NOT_FOUND; LAST_KEY for the last usable key of an enterprise. */
  delete(accountId: AccountId, keyId: KeyId): Promise<void>;
  /** Hears of every key that was deleted, every session that was ended, and either when it expires, on every replica where it was used, once. Call the result to stop. */
  onEnded(listener: (keyId: KeyId) => void): () => void;
  /** Writes the last uses that are not written yet. */
  close(): Promise<void>;
};

const resources = ['organization', 'clients', 'keys', 'generations', 'invites', 'teams', 'models', 'photos', 'skinshade', 'webhooks', 'logs'] as const;

/** What a key may be allowed: reading and writing of each resource, and for a partner the creation of businesses. */
export const allScopes: readonly string[] = [...resources.flatMap((resource) => [`${resource}:read`, `${resource}:write`]), 'partner:admin'];

/** What a new key is allowed when nothing else is asked for. */
export function defaultScopes(kind: AccountKind): readonly string[] {
  return kind === 'partner' ? allScopes : allScopes.filter((scope) => scope !== 'partner:admin');
}

/** `ak_`, 22 stars, the last four characters of the secret. */
export function maskedKey({ lastFour }: Pick<ApiKey, 'lastFour'>): string {
  return `ak_${'*'.repeat(22)}${lastFour}`;
}

export function isExpired({ expiresAt }: Pick<ApiKey, 'expiresAt'>): boolean {
  return expiresAt !== null && expiresAt.getTime() <= Date.now();
}

const columns = ['api_key.id', 'account_id as accountId', 'name', 'last_four as lastFour', 'scopes', 'created_at as createdAt', 'last_used_at as lastUsedAt', 'expires_at as expiresAt', 'user_id as userId', 'session as isSession'] as const;
const channel = 'keys_deleted';

export async function createKeys(connection: Connection): Promise<Keys> {
  const store = connection.store<KeyTables>('enterprise');
  const here = randomUUID();
  const listeners = new Set<(keyId: KeyId) => void>();
  const use = new KeyUse(connection);
  const known = new Known(connection.kind === 'pglite');
  const ended = (keyId: KeyId): void => listeners.forEach((listener) => listener(keyId));
  const expiry = new KeyExpiry(connection, ended);
  const deleted = (keyId: KeyId): void => {
    known.forget(keyId);
    use.forget(keyId);
    expiry.forget(keyId);
    ended(keyId);
  };
  const onPayload = (payload: string): void => {
    const [origin, keyId] = payload.split(' ');
    if (origin !== here) deleted(keyId as KeyId);
  };
  const revoke = async (keyId: KeyId): Promise<void> => {
    await connection.notify(channel, `${here} ${keyId}`);
    connection.afterCommit(() => deleted(keyId));
  };
  const stopListening = await connection.listen(channel, onPayload, () => void use.findGone().then((gone) => gone.forEach(deleted), () => {}));
  const sessions = createSessions({ connection, store, revoke, issue: (request, isSession) => issueKey(store, request, isSession), findCredential: (accountId, keyId) => findCredential(store, accountId, keyId) });
  return {
    ...sessions,
    issue: (request) => issueKey(store, request),
    issueAlone: ({ name, scopes }) => connection.transaction(async () => {
      const accountId = newAccountId();
      await store().insertInto('account').values({ id: accountId, kind: 'personal', name }).execute();
      return issueKey(store, { accountId, accountKind: 'personal', name, scopes, expiresAt: null });
    }),
    async findCaller(secret) {
      if (!secretPattern.test(secret)) return null;
      const hash = sha256(secret);
      const row = known.find(hash) ?? (await known.remember(hash, () => findRow(store, hash)));
      if (!row || isExpired(row)) return null;
      use.mark(row.caller.keyId, row.lastUsedAt);
      expiry.watch(row.caller.keyId, row.expiresAt);
      return row.caller;
    },
    list: (accountId) => store().selectFrom('api_key').select(columns).where('account_id', '=', accountId).where('session', '=', false).orderBy('id', 'desc').execute(),
    find: (accountId, keyId) => findKey(store, accountId, keyId),
    get: (accountId, keyId) => getKey(store, accountId, keyId),
    delete: (accountId, keyId) => connection.transaction(async () => {
      await deleteKey(store, accountId, keyId);
      await revoke(keyId);
    }),
    onEnded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      expiry.close();
      await stopListening();
      await use.close();
    },
  };
}

async function issueKey(store: Store<KeyTables>, { accountId, accountKind, name, scopes, expiresAt, userId = null, id = newKeyId(), bytes }: NewKey, isSession = false): Promise<{ key: ApiKey; secret: string }> {
  const unknown = scopes.find((scope) => !allScopes.includes(scope) || (scope === 'partner:admin' && accountKind !== 'partner'));
  if (unknown !== undefined) throw new Failure('VALIDATION', `Unknown scope: ${unknown}`, { path: ['scopes'] });
  const text = secretOf(bytes ?? randomBytes(32));
  const secret = isSession ? text.replace('ak_', 'session_') : text;
  const values = { id, account_id: accountId, name, secret_sha256: sha256(secret), last_four: secret.slice(-4), scopes: json([...scopes]), expires_at: expiresAt, last_used_at: null, user_id: userId, session: isSession };
  return { key: await store().insertInto('api_key').values(values).returning(columns).executeTakeFirstOrThrow(), secret };
}

async function deleteKey(store: Store<KeyTables>, accountId: AccountId, keyId: KeyId): Promise<void> {
  // Of two that each delete the other of the last two keys, one has to wait and see.
  const account = await store().selectFrom('account').select('kind').where('id', '=', accountId).forUpdate().executeTakeFirst();
  const key = await getKey(store, accountId, keyId);
  if (account?.kind === 'enterprise' && !isExpired(key) && (await countUsable(store, accountId)) === 1) {
    throw new Failure('LAST_KEY', 'Cannot delete the last remaining API key');
  }
  await store().deleteFrom('api_key').where('account_id', '=', accountId).where('id', '=', keyId).execute();
}

async function findKey(store: Store<KeyTables>, accountId: AccountId, keyId: KeyId): Promise<ApiKey | null> {
  const found = await findCredential(store, accountId, keyId);
  return found?.isSession === false ? found : null;
}

async function findCredential(store: Store<KeyTables>, accountId: AccountId, keyId: KeyId): Promise<ApiKey | null> {
  return (await store().selectFrom('api_key').select(columns).where('account_id', '=', accountId).where('id', '=', keyId).executeTakeFirst()) ?? null;
}

async function getKey(store: Store<KeyTables>, accountId: AccountId, keyId: KeyId): Promise<ApiKey> {
  const key = await findKey(store, accountId, keyId);
  if (!key) throw new Failure('NOT_FOUND', 'API key not found');
  return key;
}

type KnownRow = { caller: Caller; expiresAt: Date | null; lastUsedAt: Date | null };

async function findRow(store: Store<KeyTables>, hash: string): Promise<KnownRow | null> {
  const row = await store().selectFrom('api_key').innerJoin('account', 'account.id', 'account_id').where('secret_sha256', '=', hash)
    .select(['api_key.id as keyId', 'account_id as accountId', 'kind as accountKind', 'scopes', 'expires_at as expiresAt', 'last_used_at as lastUsedAt']).executeTakeFirst();
  if (!row) return null;
  const { accountId, accountKind, keyId, scopes, expiresAt, lastUsedAt } = row;
  return { caller: { accountId, accountKind, keyId, scopes: scopeSet(scopes) }, expiresAt, lastUsedAt };
}

const mostKnown = 10_000;

/** Keys that were found before. Only who owns the database alone may keep them: nobody else can delete one unheard. */
class Known {
  readonly #rows = new Map<string, KnownRow>();
  readonly #isKept: boolean;
  #deletions = 0;

  constructor(isKept: boolean) {
    this.#isKept = isKept;
  }

  find(hash: string): KnownRow | undefined {
    return this.#rows.get(hash);
  }

  async remember(hash: string, find: () => Promise<KnownRow | null>): Promise<KnownRow | null> {
    const deletions = this.#deletions;
    const row = await find();
    // What was read before a deletion may be what was deleted.
    if (!row || !this.#isKept || deletions !== this.#deletions) return row;
    if (this.#rows.size >= mostKnown) this.#rows.clear();
    this.#rows.set(hash, row);
    return row;
  }

  forget(keyId: KeyId): void {
    this.#deletions++;
    for (const [hash, { caller }] of this.#rows) if (caller.keyId === keyId) this.#rows.delete(hash);
  }
}

async function countUsable(store: Store<KeyTables>, accountId: AccountId): Promise<number> {
  const { n } = await store().selectFrom('api_key').select((eb) => eb.fn.countAll<number>().as('n')).where('account_id', '=', accountId).where('session', '=', false)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Date>`now()`)])).executeTakeFirstOrThrow();
  return n;
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretPattern = /^(ak|session)_[0-9A-Za-z]{43}$/;

/** 32 bytes in 43 digits of base 62. */
export function secretOf(bytes: Uint8Array): string {
  let rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let length = 0; length < 43; length++) {
    text = digits.charAt(Number(rest % 62n)) + text;
    rest /= 62n;
  }
  return `ak_${text}`;
}

function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
