import { migration } from '../../migrations.ts';

/** Detections are counted where all that is limited is counted, so that a key can be told of all its limits at once. */
export const usage = migration(
  `do $$ begin if to_regclass('enterprise.quota') is not null then
    insert into enterprise.quota (name, subject, ends_at, used) select 'skin-shades', key_id, (month + interval '1 month') at time zone 'utc', sum(used) from usage group by key_id, month on conflict do nothing;
  end if; end $$`,
  'drop table usage',
);
