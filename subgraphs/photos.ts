import type { BlobKey } from './blobs.ts';
import type { Connection } from './database.ts';
import type { AccountId, ClientId, ImageId } from './ids.ts';

/** Tables of the accounts' photos, in the schema `hairstyle`. */
type PhotoTables = {
  image: { id: ImageId; account_id: AccountId; blob_key: BlobKey };
  /** Whom a photo shows, where that was said. */
  image_client: { image_id: ImageId; account_id: AccountId; client_id: ClientId };
};

/** What every subgraph may ask about photos. */
export type Photos = {
  /** Null: this account has no photo of that id. */
  findPhoto(accountId: AccountId, imageId: ImageId): Promise<{ blobKey: BlobKey } | null>;
  /** Keeps the photo from being erased until the running transaction ends; whether there is one. */
  holdPhoto(accountId: AccountId, imageId: ImageId): Promise<boolean>;
  /** Notes that a photo shows a client, with whom it is erased then. In the running transaction, which holds both. */
  showsClient(accountId: AccountId, imageId: ImageId, clientId: ClientId): Promise<void>;
  /** Those of the photos that are there. */
  listPresent(accountId: AccountId, imageIds: readonly ImageId[]): Promise<ImageId[]>;
};

export function createPhotos(connection: Connection): Photos {
  const store = connection.store<PhotoTables>('hairstyle');
  const one = (accountId: AccountId, imageId: ImageId) => store().selectFrom('image').where('account_id', '=', accountId).where('id', '=', imageId);
  return {
    async findPhoto(accountId, imageId) {
      const row = await one(accountId, imageId).select('blob_key').executeTakeFirst();
      return row ? { blobKey: row.blob_key } : null;
    },
    async holdPhoto(accountId, imageId) {
      return (await one(accountId, imageId).select('id').forKeyShare().executeTakeFirst()) !== undefined;
    },
    async showsClient(accountId, imageId, clientId) {
      await store().insertInto('image_client').values({ image_id: imageId, account_id: accountId, client_id: clientId }).onConflict((conflict) => conflict.doNothing()).execute();
    },
    async listPresent(accountId, imageIds) {
      if (imageIds.length === 0) return [];
      const rows = await store().selectFrom('image').select('id').where('account_id', '=', accountId).where('id', 'in', imageIds).execute();
      return rows.map(({ id }) => id);
    },
  };
}
