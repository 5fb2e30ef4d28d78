import { migration } from '../../migrations.ts';

export const teams = migration(
  'create table team (id text collate "C" primary key, account_id uuid not null, name text not null, created_at timestamptz not null default now())',
  'create unique index team_by_name on team (account_id, lower(name))',
);
