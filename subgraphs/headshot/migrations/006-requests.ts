import { migration } from '../../migrations.ts';

/** What idempotency keys made is noted where all subgraphs note it. */
export const requests = migration(
  `do $$ begin if to_regclass('enterprise.request_key') is not null then
    insert into enterprise.request_key (account_id, operation, key, fingerprint, subject_id, created_at)
    select account_id, operation, key, fingerprint, subject_id, created_at from request_key on conflict do nothing;
  end if; end $$`,
  'drop table request_key',
);
