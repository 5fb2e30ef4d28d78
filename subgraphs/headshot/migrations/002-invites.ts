import { migration } from '../../migrations.ts';

/** Ids are compared byte by byte, for their order is that of creation. */
export const invites = migration(
  'create table setting (account_id uuid primary key, is_whitelabel boolean not null)',
  `create table member (
    id text collate "C" primary key, account_id uuid not null, email text not null, email_key text not null, name text,
    team_id text collate "C" references team (id) on delete set null, status text not null, joined_at timestamptz not null default now()
  )`,
  'create unique index member_email on member (account_id, email_key)',
  'create index members_of_account on member (account_id, id desc)',
  'create index members_of_team on member (team_id, id desc) where team_id is not null',
  `create table model (
    id text collate "C" primary key, uid text not null unique, account_id uuid not null, email text, title text,
    member_id text collate "C" references member (id) on delete set null, team_id text collate "C" references team (id) on delete set null,
    client_id text, picture_id text, is_development boolean not null, charge_id text, gender text, status text not null, stage text not null,
    percent integer not null check (percent between 0 and 100), eta_seconds integer, last_seq integer not null, failure jsonb, favorite_id text,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now(), expires_at timestamptz not null,
    finished_at timestamptz, ended_at timestamptz, deleted_at timestamptz
  )`,
  'create index models_of_account on model (account_id, id desc)',
  'create index models_of_member on model (member_id, id desc) where member_id is not null',
  'create index models_of_client on model (account_id, client_id, id desc) where client_id is not null',
  'create index models_of_picture on model (account_id, picture_id, id desc) where picture_id is not null',
  "create index models_due on model (expires_at) where status = 'ONBOARDING'",
  `create table invite (
    id text collate "C" primary key, account_id uuid not null, email text not null, email_key text not null,
    member_id text collate "C" references member (id) on delete set null, team_id text collate "C" references team (id) on delete set null,
    model_id text collate "C" references model (id) on delete set null, is_development boolean not null, status text not null,
    created_at timestamptz not null default now(), expires_at timestamptz not null
  )`,
  'create index invites_of_account on invite (account_id, id desc)',
  'create index invites_by_email on invite (account_id, email_key, id desc)',
  // One invitation of an address may be in use at a time.
  "create unique index invite_in_use on invite (account_id, email_key) where status in ('PENDING', 'ACCEPTED', 'UPLOADING', 'GENERATING', 'COMPLETED')",
  "create index invites_due on invite (expires_at) where status in ('PENDING', 'ACCEPTED', 'UPLOADING')",
  `create table request_key (
    account_id uuid not null, operation text not null, key text not null, fingerprint text not null, subject_id text not null,
    created_at timestamptz not null default now(), primary key (account_id, operation, key)
  )`,
);
