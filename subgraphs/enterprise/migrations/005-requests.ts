import { migration } from '../../migrations.ts';

/** What an idempotency key made. */
export const requests = migration(
  `create table request_key (
    account_id uuid not null references account on delete cascade, operation text not null, key text not null, fingerprint text not null,
    subject_id text not null, created_at timestamptz not null default now(), primary key (account_id, operation, key)
  )`,
  'create index request_keys_by_subject on request_key (account_id, subject_id)',
);
