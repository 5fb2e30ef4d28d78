import { migration } from '../../migrations.ts';

/** The database itself sees to it that a selfie and its model are of one account. */
export const selfies = migration(
  'create unique index model_in_account on model (account_id, id)',
  `create table selfie (
    id text collate "C" primary key, account_id uuid not null, model_id text collate "C" not null,
    name text, blob_key text not null, width integer not null, height integer not null, likeness text not null, is_usable boolean not null,
    assessment jsonb not null, created_at timestamptz not null default now(),
    foreign key (account_id, model_id) references model (account_id, id) on delete cascade
  )`,
  'create index selfies_of_model on selfie (account_id, model_id, id)',
);
