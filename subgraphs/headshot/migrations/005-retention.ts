import { migration } from '../../migrations.ts';

/** By age, for what is kept for a time only. */
export const retention = migration(
  'create index selfies_by_age on selfie (created_at)',
  "create index models_by_age on model (finished_at) where status = 'ACTIVE'",
);
