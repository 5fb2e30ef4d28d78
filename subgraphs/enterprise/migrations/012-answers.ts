import { migration } from '../../migrations.ts';

/** Requests of keys in a minute, and answers that were given for an idempotency key, which are kept encrypted, for some hold a secret. */
export const answers = migration(
  'create unlogged table rate (family text not null, key_id text not null, ends_at timestamptz not null, used integer not null, primary key (family, key_id, ends_at))',
  `create table kept_answer (
    account_id uuid not null references account on delete cascade, operation text not null, key text not null, fingerprint text not null, status integer,
    sealed bytea, claimed_until timestamptz not null, created_at timestamptz not null, primary key (account_id, operation, key)
  )`,
  'create index kept_answers_by_age on kept_answer (created_at)',
);
