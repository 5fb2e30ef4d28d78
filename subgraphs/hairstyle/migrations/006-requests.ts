import { migration } from '../../migrations.ts';

/** What idempotency keys made is noted where all subgraphs note it. */
export const requests = migration(
  `do $$ begin if to_regclass('enterprise.request_key') is not null then
    insert into enterprise.request_key (account_id, operation, key, fingerprint, subject_id, created_at)
    select account_id, 'generateHairstyle', key, fingerprint, generation_id, created_at from idempotency_key union all
    select account_id, 'importStyle', request_key, fingerprint, id, created_at from style where request_key is not null on conflict do nothing;
  end if; end $$`,
  'drop table idempotency_key',
  'alter table style drop column request_key, drop column fingerprint',
);
