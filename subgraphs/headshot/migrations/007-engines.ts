import { migration } from '../../migrations.ts';

/** Which engine made a headshot, and whether it did so in the place of another one. */
export const engines = migration("alter table photo add column engine text not null default 'embedded', add column is_fallback boolean not null default false");
