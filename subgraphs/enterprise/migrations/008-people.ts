import { migration } from '../../migrations.ts';

/**
 * People who sign in. A link is kept as a hash and deleted by its use; a session is a key of its own kind. Whose client a person is follows from
 * the address that they have shown to be theirs and is kept nowhere.
 */
export const people = migration(
  'alter table "user" add signed_in_at timestamptz',
  'alter table client drop user_id',
  'alter table account add user_id text collate "C" references "user" on delete set null',
  `create unique index personal_account on account (user_id) where kind = 'personal'`,
  'alter table api_key add session boolean not null default false',
  'create index keys_of_user on api_key (user_id) where user_id is not null',
  'create index memberships_of_user on membership (user_id)',
  `create table sign_in_link (
    id text collate "C" primary key, email_key text not null, token_sha256 text not null unique, expires_at timestamptz not null
  )`,
  'create index sign_in_links_of_address on sign_in_link (email_key)',
  `create table quota (
    name text not null, subject text not null, ends_at timestamptz not null, used integer not null check (used >= 0),
    primary key (name, subject, ends_at)
  )`,
);
