import { migration } from '../../migrations.ts';

/** Ids are compared byte by byte, for their order is that of creation. */
export const accounts = migration(
  `create table account (
    id uuid primary key, kind text not null check (kind in ('personal', 'enterprise', 'partner', 'organization')), name text not null,
    slug text unique, business_type text, website text, created_at timestamptz not null default now(),
    check ((kind = 'enterprise') = (slug is not null)), check ((kind = 'enterprise') = (business_type is not null))
  )`,
  `create table api_key (
    id text collate "C" primary key, account_id uuid not null references account on delete cascade, name text not null,
    secret_sha256 text not null unique, last_four text not null, scopes jsonb not null, created_at timestamptz not null default now(),
    last_used_at timestamptz, expires_at timestamptz
  )`,
  'create index api_keys_of_account on api_key (account_id, id desc)',
  `create table balance (
    account_id uuid primary key references account on delete cascade,
    available integer not null check (available >= 0), reserved integer not null check (reserved >= 0)
  )`,
  `create table ledger (
    id text collate "C" primary key, account_id uuid not null references account on delete cascade, job_id text,
    kind text not null check (kind in ('grant', 'reserve', 'consume', 'release')), amount integer not null check (amount > 0),
    reason text not null, at timestamptz not null default clock_timestamp(), check ((kind = 'grant') = (job_id is null))
  )`,
  'create index ledger_of_account on ledger (account_id, id desc)',
  // A job reserves once, and once either consumes or gives back.
  "create unique index ledger_of_job on ledger (job_id, (kind = 'reserve')) where job_id is not null",
  `create table client (
    id text collate "C" primary key, account_id uuid not null references account on delete cascade, email text, email_key text, name text,
    phone_number text, phone_key text, source text not null, created_at timestamptz not null default now(),
    check (email_key is not null or phone_key is not null)
  )`,
  'create index clients_of_account on client (account_id, id desc)',
  'create unique index client_email on client (account_id, email_key)',
  'create unique index client_phone on client (account_id, phone_key)',
);
