import type { Connection } from './database.ts';
import type { AccountId } from './ids.ts';

/** What every subgraph may ask about accounts. */
export type AccountNames = {
  /** Null: there is no such account. */
  find(accountId: AccountId): Promise<string | null>;
};

export function createAccountNames(connection: Connection): AccountNames {
  const store = connection.store<{ account: { id: AccountId; name: string } }>('enterprise');
  return { find: async (accountId) => (await store().selectFrom('account').select('name').where('id', '=', accountId).executeTakeFirst())?.name ?? null };
}
