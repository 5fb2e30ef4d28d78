import { migration } from '../../migrations.ts';

/** Which upload a selfie was sent by, so that who asks again is told of it. Null: none, or it was sent before this was kept. */
export const uploads = migration('alter table selfie add column upload_id text');
