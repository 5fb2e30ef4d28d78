import { migration } from '../../migrations.ts';

/** A receipt holds ids and numbers, nothing of the person. */
export const erasures = migration(
  `create table erasure (
    id text collate "C" primary key, account_id uuid not null references account on delete cascade, client_id text not null,
    requested_at timestamptz not null default now(), completed_at timestamptz
  )`,
  'create index erasures_of_account on erasure (account_id, id desc)',
  `create table erasure_count (
    erasure_id text collate "C" not null references erasure on delete cascade, subgraph text not null, rows integer not null, files integer not null,
    primary key (erasure_id, subgraph)
  )`,
);
