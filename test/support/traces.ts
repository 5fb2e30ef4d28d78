import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../subgraphs/database.ts';

/** Places in all tables, whoever's they are, that hold one of these texts in any case. */
export async function findInDatabase(connection: Connection, texts: readonly string[]): Promise<string[]> {
  const tables = await connection.execute(`select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
    where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`);
  assert.ok(tables.length > 20, `${tables.length} tables`);
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await connection.execute(`select t::text as line from ${String(name)} t`);
    for (const { line } of rows) for (const text of texts) if (String(line).toLowerCase().includes(text.toLowerCase())) found.push(`${String(name)}: ${text}`);
  }
  return found;
}

/** Files of the store, as they are named there, that have one of these names in their path or one of these contents. */
export function findInStore(dataDir: string, { names, contents }: { names: readonly string[]; contents: readonly Uint8Array[] }): string[] {
  const hashes = new Set(contents.map(hashOf));
  return filesOf(dataDir).filter((file) => names.some((name) => file.includes(name)) || hashes.has(hashOf(readFileSync(join(dataDir, file)))));
}

/** Files of pictures and uploads. */
export function filesOf(dataDir: string): string[] {
  return globSync('{blobs,uploads}/**/*', { cwd: dataDir }).filter((file) => statSync(join(dataDir, file), { throwIfNoEntry: false })?.isFile());
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
