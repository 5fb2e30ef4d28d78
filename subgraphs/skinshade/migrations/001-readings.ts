import { migration } from '../../migrations.ts';

/** Ids are compared byte by byte, for their order is that of creation. */
export const readings = migration(
  `create table reading (
    id text collate "C" primary key, account_id uuid not null, client_id text, image_id text,
    l double precision not null, a double precision not null, b double precision not null,
    confidence double precision not null check (confidence between 0 and 1), warnings jsonb not null, created_at timestamptz not null default now()
  )`,
  'create index readings_of_account on reading (account_id, id desc)',
  'create index readings_of_client on reading (account_id, client_id, id desc) where client_id is not null',
  'create index readings_of_image on reading (account_id, image_id, id desc) where image_id is not null',
  'create table usage (account_id uuid not null, key_id text not null, month date not null, used integer not null check (used > 0), primary key (account_id, key_id, month))',
  // The address is kept as a keyed hash only.
  'create table key_grant (household text not null, month date not null, created_at timestamptz not null default now(), primary key (household, month))',
  `create table idempotency_key (
    account_id uuid not null, key text not null, fingerprint text not null, reading_id text not null, created_at timestamptz not null,
    primary key (account_id, key)
  )`,
);
