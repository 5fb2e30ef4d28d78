import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';
import { connect, type Connection } from '../../subgraphs/database.ts';
import { createPglite, embeddedDriver } from '../../subgraphs/embedded.ts';
import packages from '../../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '../..');
const fileOf = (kind: string): string => join(tmpdir(), `lookgraph-${kind}-${packages.dependencies['@electric-sql/pglite']}.tar`);

/** Unpacking an empty database is several times faster than making one, so the first is kept for the others. */
export async function emptyPglite(): Promise<PGlite> {
  const file = fileOf('empty');
  if (existsSync(file)) return unpack(file);
  const pglite = await createPglite();
  await keep(pglite, file);
  return pglite;
}

/**
 * A database in which the product was started and stopped once, by `start`: all tables and nothing in them. Making them costs a process more than most of
 * its tests do. What differs from then on is made when the product starts on it, as with any database of an older version.
 */
export async function preparedPglite(start: (connection: Connection) => Promise<void>): Promise<PGlite> {
  const file = fileOf(`prepared-${hashOfTables()}`);
  if (!existsSync(file)) {
    const pglite = await emptyPglite();
    const driver = embeddedDriver(pglite, () => {});
    // By the one who closes: nobody writes to it any more.
    await start(connect({ ...driver, close: () => keep(pglite, file).then(() => driver.close()) }));
  }
  return unpack(file);
}

const unpack = (file: string): Promise<PGlite> => createPglite({ loadDataDir: new Blob([readFileSync(file)]) });

async function keep(pglite: PGlite, file: string): Promise<void> {
  await pglite.exec('checkpoint');
  const dump = await pglite.dumpDataDir('none');
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, new Uint8Array(await dump.arrayBuffer()));
  renameSync(draft, file);
}

let hash: string | null = null;

/** Of all that makes tables, ours and those of the queue. */
function hashOfTables(): string {
  if (hash !== null) return hash;
  const sum = createHash('sha256').update(packages.dependencies['pg-boss']);
  for (const file of globSync('subgraphs/{*/migrations/*,migrations,events,jobs-queues}.ts', { cwd: root }).sort()) sum.update(readFileSync(join(root, file)));
  return (hash = sum.digest('hex').slice(0, 16));
}
