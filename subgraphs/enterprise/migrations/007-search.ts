import { migration } from '../../migrations.ts';

/**
 * Any part of an address is found by its groups of three letters, within one account. Both extensions come with PostgreSQL, may be created by
 * whoever may create schemas, and may be there already in any schema. New clients are entered at once: a list of those that wait would be read
 * by every search. The people whom clients name are found without reading all clients.
 */
export const search = migration(
  'create extension if not exists pg_trgm',
  'create extension if not exists btree_gin',
  `select set_config('search_path', current_schema() || (select string_agg(', ' || quote_ident(nspname), '') from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname in ('pg_trgm', 'btree_gin')), true)`,
  'create index clients_by_part on client using gin (account_id, email_key gin_trgm_ops) with (fastupdate = off)',
  'create index clients_of_creator on client (account_id, created_by) where created_by is not null',
);
