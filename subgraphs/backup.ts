import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Failure } from '../schema/failures.ts';
import { subgraphNames } from '../schema/sdl.ts';
import { type BlobKey, type BlobStore, parseBlobKey } from './blobs.ts';
import type { Connection, Row } from './database.ts';
import { makeFolder } from './folders.ts';

type Parts = { connection: Connection; blobs: Pick<BlobStore, 'listOlder' | 'open' | 'read' | 'place'> };
type Manifest = { format: 2; at: string; migrations: readonly string[]; tables: Readonly<Record<string, number>> };
type Table = { name: string; columns: readonly string[]; /** Those that hold JSON. */ documents: readonly string[] };

const schemas = [...subgraphNames, 'jobs'];
const rowsAtOnce = 500;

/**
 * Writes everything into a folder: `database/` has the rows of all tables as of one moment, a compressed file of JSON lines for each table, `blobs/` the
 * pictures. The same for both databases and both stores, so that what was backed up from one can be restored into the other. Into a folder that has a
 * backup already, only new pictures are copied. It can be stopped at any time: the manifest, without which it is no backup, is written last.
 */
export async function writeBackup({ connection, blobs }: Parts, folder: string): Promise<Manifest & { copied: number }> {
  const database = join(folder, 'database');
  makeFolder(database);
  const at = new Date();
  const tables: Record<string, number> = {};
  await connection.transaction(async () => {
    // PGlite has one connection: nobody else changes anything meanwhile.
    if (connection.kind === 'postgres') await connection.execute('set transaction isolation level repeatable read');
    for (const table of await listTables(connection)) tables[table.name] = await dump(connection, table, join(database, `${table.name}.jsonl.gz`));
  });
  const copied = await copyBlobs(blobs, join(folder, 'blobs'));
  const manifest: Manifest = { format: 2, at: at.toISOString(), migrations: await listMigrations(connection), tables };
  await placeFile(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2));
  return { ...manifest, copied };
}

/** Puts a backup into a database that has tables and no accounts, and into its store. All rows or none. @throws Failure */
export async function readBackup({ connection, blobs }: Parts, folder: string): Promise<Manifest & { copied: number }> {
  const manifest = await readManifest(folder);
  const mine = await listMigrations(connection);
  if (JSON.stringify(mine) !== JSON.stringify(manifest.migrations)) throw new Failure('CONFLICT', 'The backup was made by another version: restore it with that one, and then start this one.');
  let copied = 0;
  for (const [key, file] of await listFiles(join(folder, 'blobs'))) {
    await blobs.place(key, await readFile(file));
    copied += 1;
  }
  await connection.transaction(async () => {
    const [row] = await connection.execute('select count(*)::int as accounts from enterprise.account');
    if (row?.['accounts'] !== 0) throw new Failure('CONFLICT', 'The database has accounts already: a backup is restored into an empty one.');
    const tables = await listTables(connection);
    const references = await connection.execute(`select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition from pg_constraint
      where contype = 'f' and conparentid = 0 and connamespace::regnamespace::text = any($1::text[])`, [schemas]);
    for (const { table, name } of references) await connection.execute(`alter table ${String(table)} drop constraint ${String(name)}`);
    await connection.execute(`truncate ${tables.map(({ name }) => name).join(', ')}`);
    for (const table of tables) if (table.name in manifest.tables) await load(connection, table, join(folder, 'database', `${table.name}.jsonl.gz`), manifest.tables[table.name] ?? 0);
    for (const { table, name, definition } of references) await connection.execute(`alter table ${String(table)} add constraint ${String(name)} ${String(definition)}`);
    await advanceSequences(connection);
  });
  return { ...manifest, copied };
}

/** Names as SQL has them. What says which migrations were done stays with the tables that they made. */
async function listTables(connection: Connection): Promise<Table[]> {
  const rows = await connection.execute(`select c.oid::regclass::text as name, array_agg(quote_ident(a.attname) order by a.attnum) as columns,
      coalesce(array_agg(quote_ident(a.attname)) filter (where a.atttypid in ('json'::regtype, 'jsonb'::regtype)), '{}') as documents
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace::regnamespace::text = any($1::text[]) and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'kysely%'
      and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' group by c.oid order by 1`, [schemas]);
  return rows as Table[];
}

async function listMigrations(connection: Connection): Promise<string[]> {
  const rows = await connection.execute(`${subgraphNames.map((schema) => `select '${schema}.' || name as name from ${schema}.kysely_migration`).join(' union all ')} union all select 'jobs.' || version from jobs.version order by name`);
  return rows.map(({ name }) => String(name));
}

/** A document is written as the only one of a list: the null of JSON would be taken for none at all otherwise. */
async function dump(connection: Connection, { name, columns, documents }: Table, file: string): Promise<number> {
  const zipped = createGzip({ level: 6 });
  const isWritten = pipeline(zipped, createWriteStream(file));
  let count = 0;
  await connection.execute(`declare backup no scroll cursor for select row_to_json(t)::text as line from (select ${written(columns, documents)} from ${name}) t`);
  for (let rows = await next(connection); rows.length > 0; rows = await next(connection)) {
    count += rows.length;
    if (!zipped.write(`${rows.map(({ line }) => String(line)).join('\n')}\n`)) await once(zipped, 'drain');
  }
  await connection.execute('close backup');
  zipped.end();
  await isWritten;
  return count;
}

const written = (columns: readonly string[], documents: readonly string[]): string =>
  columns.map((column) => (documents.includes(column) ? `case when ${column} is not null then json_build_array(${column}) end as ${column}` : column)).join(', ');

const next = (connection: Connection): Promise<Row[]> => connection.execute(`fetch ${rowsAtOnce} from backup`);

async function load(connection: Connection, { name, columns, documents }: Table, file: string, expected: number): Promise<void> {
  const list = columns.join(', ');
  const values = columns.map((column) => (documents.includes(column) ? `${column} -> 0` : column)).join(', ');
  const insert = async (lines: readonly string[]): Promise<unknown> =>
    connection.execute(`insert into ${name} (${list}) overriding system value select ${values} from json_populate_recordset(null::${name}, $1::json)`, [`[${lines.join(',')}]`]);
  let [lines, count]: [string[], number] = [[], 0];
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Infinity })) {
    lines.push(line);
    count += 1;
    if (lines.length < rowsAtOnce) continue;
    await insert(lines);
    lines = [];
  }
  if (lines.length > 0) await insert(lines);
  if (count !== expected) throw new Failure('CONFLICT', `${name} has ${count} rows in the backup and should have ${expected}: it is damaged.`);
}

/** New numbers go on behind those that are there. */
async function advanceSequences(connection: Connection): Promise<void> {
  const rows = await connection.execute(`select a.attrelid::regclass::text as table, quote_ident(a.attname) as column, pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) as sequence
    from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attidentity <> '' and c.relnamespace::regnamespace::text = any($1::text[])`, [schemas]);
  for (const { table, column, sequence } of rows) await connection.execute(`select setval($1, greatest((select max(${String(column)}) from ${String(table)}), 1))`, [sequence]);
}

/** Pictures never change: what is there under its key is the same. */
async function copyBlobs(blobs: Parts['blobs'], folder: string): Promise<number> {
  let copied = 0;
  for await (const keys of blobs.listOlder(new Date(Date.now() + 60_000))) {
    for (const key of keys) {
      const file = join(folder, key.slice(0, 2), key);
      if (existsSync(file)) continue;
      const bytes = await blobs.read(key);
      // Deleted since it was listed.
      if (!bytes) continue;
      makeFolder(join(folder, key.slice(0, 2)));
      await placeFile(file, bytes);
      copied += 1;
    }
  }
  return copied;
}

async function placeFile(file: string, content: string | Uint8Array): Promise<void> {
  await writeFile(`${file}.tmp`, content);
  await rename(`${file}.tmp`, file);
}

async function listFiles(folder: string): Promise<[BlobKey, string][]> {
  const files = existsSync(folder) ? await readdir(folder, { recursive: true }) : [];
  return files.flatMap((file): [BlobKey, string][] => {
    const key = parseBlobKey(file.slice(file.lastIndexOf('/') + 1));
    return key ? [[key, join(folder, file)]] : [];
  });
}

async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, 'manifest.json');
  if (!(await stat(file).catch(() => null))) throw new Failure('NOT_FOUND', `${folder} has no whole backup`);
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Partial<Manifest>;
  if (manifest.format !== 2 || !manifest.tables || !manifest.migrations) throw new Failure('CONFLICT', `${folder} has a backup that this version cannot read`);
  return manifest as Manifest;
}
