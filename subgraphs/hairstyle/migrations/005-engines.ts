import { migration } from '../../migrations.ts';

/** Which engine drew a picture, which one an account has, and what engines say of work that they do for us. */
export const engines = migration(
  "alter table picture add column engine text not null default 'embedded', add column is_fallback boolean not null default false",
  'create table engine_choice (account_id uuid primary key, engine text not null)',
  `create table prediction (
    id text primary key, engine text not null, body text, heard integer not null, is_final boolean not null, opened_at timestamptz not null
  )`,
);
