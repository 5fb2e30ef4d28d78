import { migration } from '../../migrations.ts';

/** Ids are compared byte by byte, for their order is that of creation. */
export const generations = migration(
  `create table image (
    id text collate "C" primary key, account_id uuid not null, name text not null, blob_key text not null,
    width integer not null, height integer not null, issues jsonb not null, created_at timestamptz not null default now()
  )`,
  'create index images_of_account on image (account_id, id desc)',
  'create index images_by_name on image (account_id, name, id desc)',
  `create table generation (
    id text collate "C" primary key, account_id uuid not null, client_id text, mode text not null, gender text not null,
    force_new_hairline boolean not null, source_id text not null references image (id), style_ids jsonb not null, color_id text,
    callback_url text, seed integer not null, cost integer not null check (cost >= 0), status text not null, stage text not null,
    percent integer not null check (percent between 0 and 100), eta_seconds integer, last_seq integer not null, failure jsonb,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(), completed_at timestamptz
  )`,
  'create index generations_of_account on generation (account_id, id desc)',
  'create index generations_of_client on generation (account_id, client_id, id desc) where client_id is not null',
  "create index generations_open on generation (updated_at) where status in ('QUEUED', 'PROCESSING')",
  `create table picture (
    id text collate "C" primary key, account_id uuid not null, generation_id text collate "C" not null references generation (id) on delete cascade,
    position integer not null, style_id text not null, color_id text, blob_key text not null, width integer not null, height integer not null,
    low_quality boolean not null, created_at timestamptz not null default now(), unique (generation_id, position)
  )`,
  `create table idempotency_key (
    account_id uuid not null, key text not null, fingerprint text not null, generation_id text not null, created_at timestamptz not null,
    primary key (account_id, key)
  )`,
  'create table webhook_secret (account_id uuid primary key, secret text not null, created_at timestamptz not null default now())',
);
