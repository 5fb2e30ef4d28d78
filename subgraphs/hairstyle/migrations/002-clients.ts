import { migration } from '../../migrations.ts';

/** Whom a photo shows, where that was said by another way than a generation. */
export const clients = migration(
  `create table image_client (
    image_id text collate "C" not null references image (id) on delete cascade, account_id uuid not null, client_id text not null,
    primary key (image_id, client_id)
  )`,
  'create index images_of_client on image_client (account_id, client_id)',
);
