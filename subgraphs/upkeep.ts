import type { BlobKey, BlobStore } from './blobs.ts';
import type { Connection } from './database.ts';
import type { Platform } from './platform.ts';

/** The hourly queue that deletes files to which nothing points. */
export const orphanQueue = 'upkeep.orphans';

/** Deletes, every hour, what a crash between a file and its row left behind. Before the jobs start. */
export function defineUpkeep({ jobs, blobs, connection, env, log }: Pick<Platform, 'jobs' | 'blobs' | 'connection' | 'env' | 'log'>): void {
  jobs.define(orphanQueue, { concurrency: 1, retryLimit: 1, deadlineSeconds: 1800, schedule: '41 * * * *' }, async ({ signal }) => {
    await blobs.sweepStaged();
    const deleted = await deleteOrphans(connection, blobs, new Date(Date.now() - env.kept.orphansMs), signal);
    if (deleted > 0) log.info({ deleted }, 'files without an owner were deleted');
  });
}

async function deleteOrphans(connection: Connection, blobs: BlobStore, before: Date, signal: AbortSignal): Promise<number> {
  const statement = await referenceStatement(connection);
  let deleted = 0;
  for await (const keys of blobs.listOlder(before)) {
    signal.throwIfAborted();
    const rows = await connection.execute(statement, [keys]);
    const owned = new Set(rows.map((row) => row['blob_key'] as BlobKey));
    const orphans = keys.filter((key) => !owned.has(key));
    for (const key of orphans) await blobs.delete(key);
    deleted += orphans.length;
  }
  return deleted;
}

/**
 * Selects those of given keys that a row of any table points to: every column called `blob_key`, or `…_blob_key`, holds keys, and keys are held by
 * no others. The database itself says which there are, so that a new table is never forgotten.
 */
async function referenceStatement(connection: Connection): Promise<string> {
  const columns = await connection.execute(`select format('%I.%I', table_schema, table_name) as name, format('%I', column_name) as key from information_schema.columns
    where column_name ~ '(^|_)blob_key$' and table_schema not in ('pg_catalog', 'information_schema')`);
  if (columns.length === 0) throw new Error('no table holds the keys of files: this is not our database');
  return columns.map(({ name, key }) => `select ${String(key)} as blob_key from ${String(name)} where ${String(key)} = any($1::text[])`).join(' union ');
}
