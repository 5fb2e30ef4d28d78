import { migration } from '../../migrations.ts';

/** Without references: a line outlives its key, and a batch must not fail because of one of its lines. */
export const logs = migration(
  `create table api_log (
    id text collate "C" primary key, account_id uuid not null, key_id text collate "C" not null, at timestamptz not null, request_id text not null,
    method text not null, path text not null, operation text, status integer not null, duration_ms integer not null
  )`,
  'create index api_logs_of_account on api_log (account_id, id desc)',
  'create index api_logs_by_time on api_log (at)',
);
