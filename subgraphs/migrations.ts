import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { type Connection, racing } from './database.ts';

export type { Migration };

/**
 * Brings one PostgreSQL schema up to date; it is created when it is missing. All its migrations run in one transaction, and again nothing
 * happens. Unqualified names in a migration's SQL mean this schema. Safe when several processes start at once.
 */
export async function migrate(connection: Connection, schema: string, migrations: Record<string, Migration>): Promise<void> {
  // Nearly always so. The migrator would ask for all tables and columns first, half a second of CPU on PGlite for four schemas.
  if (await isExactly(connection, schema, Object.keys(migrations))) return;
  const migrator = new Migrator({
    db: connection.store(schema)(),
    provider: { getMigrations: async () => Object.fromEntries(Object.entries(migrations).map(([name, migration]) => [name, inSchema(schema, migration)])) },
    migrationTableSchema: schema,
  });
  await racing(async () => {
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
  });
}

const lookEveryMs = 250;

/** Waits until another process has brought a schema up to date. @throws Error when none has within a minute. */
export async function awaitMigrations(connection: Connection, schema: string, migrations: Record<string, Migration>, timeoutMs = 60_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isMigrated(connection, schema, Object.keys(migrations)))) {
    if (Date.now() > deadline) throw new Error(`The tables of ${schema} are not there, or older than this program: start the process that serves ${schema} on this database.`);
    await delay(lookEveryMs);
  }
}

async function isMigrated(connection: Connection, schema: string, names: readonly string[]): Promise<boolean> {
  const done = await namesDone(connection, schema);
  return names.every((name) => done.has(name));
}

/** Also that there is none which this program does not know. */
async function isExactly(connection: Connection, schema: string, names: readonly string[]): Promise<boolean> {
  const done = await namesDone(connection, schema);
  return done.size === names.length && names.every((name) => done.has(name));
}

async function namesDone(connection: Connection, schema: string): Promise<ReadonlySet<unknown>> {
  const [table] = await connection.execute('select to_regclass($1) as found', [`${schema}.kysely_migration`]);
  if (!table?.['found']) return new Set();
  return new Set((await connection.execute(`select name from ${schema}.kysely_migration`)).map(({ name }) => name));
}

function inSchema(schema: string, inner: Migration): Migration {
  return {
    up: async (database: Kysely<unknown>) => {
      await sql`set local search_path to ${sql.ref(schema)}`.execute(database);
      await inner.up(database);
    },
  };
}

/** A migration of plain SQL statements. */
export function migration(...statements: string[]): Migration {
  return {
    up: async (database: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(database);
    },
  };
}
