import { migration } from '../../migrations.ts';

/** The database itself sees to it that a photo and its model are of one account. */
export const photos = migration(
  `create table photo (
    id text collate "C" primary key, account_id uuid not null, model_id text collate "C" not null, position integer not null,
    backdrop text not null, framing text not null, aspect text not null, width integer not null, height integer not null,
    blob_key text, original_blob_key text, status text not null, liked_status text not null,
    created_at timestamptz not null default now(), deleted_at timestamptz,
    unique (model_id, position), foreign key (account_id, model_id) references model (account_id, id) on delete cascade,
    check ((status = 'ACTIVE') = (deleted_at is null))
  )`,
  'create index photos_of_account on photo (account_id, id desc)',
  'create index photos_kept on photo (model_id) where blob_key is not null',
  'create index favorites_of_account on model (account_id, favorite_id desc) where favorite_id is not null',
);
