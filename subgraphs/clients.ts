import type { Generated } from 'kysely';
import type { Connection } from './database.ts';
import type { AccountId, ClientId } from './ids.ts';

/** Table of the businesses' clients, in the schema `enterprise`. `email_key` and `phone_key` are what makes them unique within an account. */
export type ClientTables = {
  client: {
    id: ClientId;
    account_id: AccountId;
    email: string | null;
    email_key: string | null;
    name: string | null;
    phone_number: string | null;
    phone_key: string | null;
    source: string;
    created_at: Generated<Date>;
  };
};

/** A person whom a business advises, as the business gave it. */
export type ClientRow = { id: ClientId; accountId: AccountId; email: string | null; name: string | null; phoneNumber: string | null; source: string; createdAt: Date };

export const clientColumns = ['id', 'account_id as accountId', 'email', 'name', 'phone_number as phoneNumber', 'source', 'created_at as createdAt'] as const;

/** What every subgraph may ask about clients. */
export type Clients = {
  /** Null: this account has no client of that id. */
  findClient(accountId: AccountId, clientId: ClientId): Promise<ClientRow | null>;
};

export function createClients(connection: Connection): Clients {
  const store = connection.store<ClientTables>('enterprise');
  return {
    async findClient(accountId, clientId) {
      const row = await store().selectFrom('client').select(clientColumns).where('account_id', '=', accountId).where('id', '=', clientId).executeTakeFirst();
      return row ?? null;
    },
  };
}
