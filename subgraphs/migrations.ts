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
  const [table] = await connection.execute('select to_regclass($1) as found', [`${schema}.kysely_migration`]);
  if (!table?.['found']) return false;
  const done = new Set((await connection.execute(`select name from ${schema}.kysely_migration`)).map(({ name }) => name));
  return names.every((name) => done.has(name));
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
