import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { type Connection, isUniqueViolation } from './database.ts';

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
  const { error } = await retried(() => migrator.migrateToLatest());
  if (error) throw error;
}

function inSchema(schema: string, inner: Migration): Migration {
  return {
    up: async (database: Kysely<unknown>) => {
      await sql`set local search_path to ${sql.ref(schema)}`.execute(database);
      await inner.up(database);
    },
  };
}

/** Two processes that create the same schema at the same moment: `if not exists` does not save the second one. */
async function retried<Result extends { error?: unknown }>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const result = await work();
    if (attempt === 5 || !isUniqueViolation(result.error)) return result;
  }
}

/** A migration of plain SQL statements. */
export function migration(...statements: string[]): Migration {
  return {
    up: async (database: Kysely<unknown>) => {
      for (const statement of statements) await sql.raw(statement).execute(database);
    },
  };
}
