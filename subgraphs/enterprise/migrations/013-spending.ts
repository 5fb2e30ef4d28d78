import { migration } from '../../migrations.ts';

/** What keys have left of what their operations may cost in a minute. */
export const spending = migration('create unlogged table spending (key_id text primary key, remaining double precision not null, at timestamptz not null)');
