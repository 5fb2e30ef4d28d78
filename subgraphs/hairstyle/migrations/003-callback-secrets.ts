import { migration } from '../../migrations.ts';

/** Secrets of callbacks are kept where all subgraphs find them, so that an account has one. */
export const callbackSecrets = migration(
  `do $$ begin if to_regclass('enterprise.callback_secret') is not null then
    insert into enterprise.callback_secret (account_id, secret, created_at) select account_id, secret, created_at from webhook_secret on conflict do nothing;
  end if; end $$`,
  'drop table webhook_secret',
);
