import type { Generated } from 'kysely';
import type { BlobKey } from './blobs.ts';
import type { Connection } from './database.ts';
import { type AccountId, type ClientId, type MediaId, newMediaId, type UserId } from './ids.ts';

/** Tables of the businesses' clients, in the schema `enterprise`. */
export type ClientTables = {
  client: {
    id: ClientId;
    account_id: AccountId;
    /** Ascends within the account. */
    number: number;
    email: string | null;
    /** What makes it unique within an account, as does `phone_key`. */
    email_key: string | null;
    name: string | null;
    phone_number: string | null;
    phone_key: string | null;
    source: string;
    created_by: UserId | null;
    created_at: Generated<Date>;
  };
  /** `last`: the number that was given last. */
  client_count: { account_id: AccountId; total: number; last: number };
  client_block: { account_id: AccountId; block: number; clients: number };
  client_media: { id: MediaId; account_id: AccountId; client_id: ClientId; blob_key: BlobKey; file_name: string; source: MediaSource; created_at: Generated<Date> };
};

export type MediaSource = 'upload' | 'generation';

/** A person whom a business advises, as the business gave it. */
export type ClientRow = {
  id: ClientId; accountId: AccountId; email: string | null; name: string | null; phoneNumber: string | null; source: string;
  createdBy: UserId | null; createdAt: Date;
};
export const clientColumns = [
  'client.id', 'client.account_id as accountId', 'email', 'name', 'phone_number as phoneNumber', 'source', 'created_by as createdBy', 'created_at as createdAt',
] as const;

/** What every subgraph may ask about clients. */
export type Clients = {
  /** Null: this account has no client of that id. */
  findClient(accountId: AccountId, clientId: ClientId): Promise<ClientRow | null>;
  /** Keeps the client from being erased until the running transaction ends; whether there is one. */
  holdClient(accountId: AccountId, clientId: ClientId): Promise<boolean>;
  /** Shows pictures that were made for a client among its media. In the running transaction. */
  showPictures(accountId: AccountId, clientId: ClientId, pictures: readonly { blobKey: BlobKey; fileName: string }[]): Promise<void>;
};

export function createClients(connection: Connection): Clients {
  const store = connection.store<ClientTables>('enterprise');
  const one = (accountId: AccountId, clientId: ClientId) => store().selectFrom('client').where('account_id', '=', accountId).where('id', '=', clientId);
  return {
    async findClient(accountId, clientId) {
      return (await one(accountId, clientId).select(clientColumns).executeTakeFirst()) ?? null;
    },
    async holdClient(accountId, clientId) {
      return (await one(accountId, clientId).select('id').forKeyShare().executeTakeFirst()) !== undefined;
    },
    async showPictures(accountId, clientId, pictures) {
      if (pictures.length === 0) return;
      const rows = pictures.map(({ blobKey, fileName }) => ({ id: newMediaId(), account_id: accountId, client_id: clientId, blob_key: blobKey, file_name: fileName, source: 'generation' as const }));
      await store().insertInto('client_media').values(rows).execute();
    },
  };
}
