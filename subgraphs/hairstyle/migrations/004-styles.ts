import { migration } from '../../migrations.ts';

/** Styles that accounts imported. One that was deleted keeps its id, for generations name it; its files and words are gone. */
export const styles = migration(
  `create table style (
    id text primary key, account_id uuid not null, client_id text, source_id text, description text not null, sex text not null, tags jsonb not null,
    about jsonb, request_key text, fingerprint text, created_at timestamptz not null default now(), deleted_at timestamptz
  )`,
  'create index styles_of_account on style (account_id) where deleted_at is null',
  'create unique index styles_by_request on style (account_id, request_key) where request_key is not null',
  `create table style_file (
    style_id text not null references style (id) on delete cascade, account_id uuid not null, kind text not null, blob_key text not null,
    primary key (style_id, kind)
  )`,
);
