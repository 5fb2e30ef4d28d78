import { migration } from '../../migrations.ts';

/** Whose request an event goes back to, as a `traceparent`. */
export const traces = migration('alter table webhook_delivery add column trace text');
