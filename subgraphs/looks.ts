import type { BlobKey } from './blobs.ts';
import type { Connection } from './database.ts';
import type { AccountId, ClientId, GenerationId, PictureId } from './ids.ts';

/** Tables of the finished pictures, in the schema `hairstyle`. */
type LookTables = {
  picture: { id: PictureId; account_id: AccountId; generation_id: GenerationId; blob_key: BlobKey };
  generation: { id: GenerationId; account_id: AccountId; client_id: ClientId | null; mode: string; status: string };
};

/** A finished picture of a person with another hairstyle. */
export type LookRow = { blobKey: BlobKey; clientId: ClientId | null; /** Made in TEST mode. */ isMarked: boolean };

/** What every subgraph may ask about pictures of generations. */
export type Looks = {
  /** Null: this account has no picture of that id, or its generation is not complete. */
  findLook(accountId: AccountId, pictureId: PictureId): Promise<LookRow | null>;
  /** Keeps the picture from being erased until the running transaction ends; whether there is one. */
  holdLook(accountId: AccountId, pictureId: PictureId): Promise<boolean>;
  /** Those of the pictures that are there. */
  listPresent(accountId: AccountId, pictureIds: readonly PictureId[]): Promise<PictureId[]>;
};

export function createLooks(connection: Connection): Looks {
  const store = connection.store<LookTables>('hairstyle');
  const one = (accountId: AccountId, pictureId: PictureId) => store().selectFrom('picture').where('picture.account_id', '=', accountId).where('picture.id', '=', pictureId);
  return {
    async findLook(accountId, pictureId) {
      const row = await one(accountId, pictureId).innerJoin('generation', 'generation.id', 'generation_id').where('status', '=', 'COMPLETED').select(['blob_key', 'client_id', 'mode']).executeTakeFirst();
      return row ? { blobKey: row.blob_key, clientId: row.client_id, isMarked: row.mode === 'TEST' } : null;
    },
    async holdLook(accountId, pictureId) {
      return (await one(accountId, pictureId).select('id').forKeyShare().executeTakeFirst()) !== undefined;
    },
    async listPresent(accountId, pictureIds) {
      if (pictureIds.length === 0) return [];
      const rows = await store().selectFrom('picture').select('id').where('account_id', '=', accountId).where('id', 'in', pictureIds).execute();
      return rows.map(({ id }) => id);
    },
  };
}
