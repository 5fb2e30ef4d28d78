import type { Connection, Store } from './database.ts';
import type { AccountId, KeyId, UserId } from './ids.ts';
import type { ApiKey, KeyTables, NewKey } from './keys.ts';

/** Sessions of people who signed in: kept beside the keys and used as they are, but no list of keys shows them and no rule counts them. */
export type Sessions = {
  /** The secret begins with `session_`. */
  openSession(request: Omit<NewKey, 'name' | 'id' | 'bytes'> & { userId: UserId; expiresAt: Date }): Promise<{ session: ApiKey; secret: string }>;
  /** Ends a person's sessions at once, everywhere: all, those for one account, or one. In the running transaction; how many there were. */
  endSessions(userId: UserId, only?: { accountId?: AccountId; keyId?: KeyId }): Promise<number>;
  /** Ends those that have expired, with what is still open of them. */
  trimSessions(): Promise<number>;
  /** A key or a session; null: the account has none of that id. */
  findCredential(accountId: AccountId, keyId: KeyId): Promise<ApiKey | null>;
};

type Parts = {
  connection: Connection;
  store: Store<KeyTables>;
  issue(request: NewKey, isSession: boolean): Promise<{ key: ApiKey; secret: string }>;
  findCredential: Sessions['findCredential'];
  /** In the transaction that deletes the row. */
  revoke(keyId: KeyId): Promise<void>;
};

export function createSessions({ connection, store, issue, findCredential, revoke }: Parts): Sessions {
  const sessions = () => store().deleteFrom('api_key').where('session', '=', true);
  const end = (rows: ReturnType<typeof sessions>): Promise<number> => connection.transaction(async () => {
    const ended = await rows.returning('id').execute();
    for (const { id } of ended) await revoke(id);
    return ended.length;
  });
  return {
    async openSession(request) {
      const { key: session, secret } = await issue({ ...request, name: 'Session' }, true);
      return { session, secret };
    },
    endSessions: (userId, { accountId, keyId } = {}) => connection.transaction(async () => {
      let rows = sessions().where('user_id', '=', userId);
      if (accountId !== undefined) rows = rows.where('account_id', '=', accountId);
      if (keyId !== undefined) rows = rows.where('id', '=', keyId);
      return end(rows);
    }),
    trimSessions: () => connection.transaction(() => end(sessions().where('expires_at', '<=', new Date()))),
    findCredential,
  };
}
