import { AsyncLocalStorage } from 'node:async_hooks';
import assert from 'node:assert/strict';
import { CompiledQuery, type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import { openEmbedded } from './embedded.ts';
import { openPostgres } from './postgres.ts';

/** The running transaction, else the database; its tables are those of one PostgreSQL schema. Ask it for every statement. */
export type Store<Tables> = () => Kysely<Tables>;

/** What a connection needs of the database under it. */
export type Driver = {
  kind: 'pglite' | 'postgres';
  // The tables of a root are nobody's: every store sees its own.
  database: Kysely<unknown>;
  /** Any SQL, outside of transactions; several statements when there are no parameters. */
  execute(text: string, parameters: readonly unknown[]): Promise<Row[]>;
  listen: Connection['listen'];
  close(): Promise<void>;
};
export type Row = Record<string, unknown>;

/** The one way to the database of a process. */
export type Connection = {
  kind: 'pglite' | 'postgres';
  store<Tables>(schema: string): Store<Tables>;
  /**
   * Runs `work` in a transaction. An inner call joins the outer one, and one transaction may span several schemas. When an inner call
   * throws, the whole is rolled back, even if the outer one catches.
   */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `action` after the outermost commit and never after a rollback; at once outside of a transaction. It must not throw. */
  afterCommit(action: () => void): void;
  /** Runs `work` as if no transaction was running: what is started inside one but outlives it. */
  detached<T>(work: () => T): T;
  /** Any SQL in the running transaction, else outside of one. Several statements only there, and only without parameters. */
  execute(text: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** Hears of a channel until the returned function is called. All listeners of a process share one database connection. `onReconnect`: payloads may be lost. */
  listen(channel: string, onPayload: (payload: string) => void, onReconnect: () => void): Promise<() => Promise<void>>;
  /** At most 7,999 bytes. In a transaction it is heard after the commit, and not at all after a rollback. */
  notify(channel: string, payload: string): Promise<void>;
  close(): Promise<void>;
};

type Running = { transaction: Transaction<unknown>; state: 'open' | 'failed' | 'ended'; afterCommit: (() => void)[] };

/** Opens PostgreSQL when there is a URL, else PGlite in the folder; null: in memory. */
export async function openConnection(options: { databaseUrl?: string | null; dataDir: string | null; poolSize?: number }): Promise<Connection> {
  const { databaseUrl, dataDir, poolSize = 10 } = options;
  return connect(databaseUrl ? await openPostgres(databaseUrl, poolSize) : await openEmbedded(dataDir));
}

/** A connection over a database that is open already. */
export function connect(driver: Driver): Connection {
  const running = new AsyncLocalStorage<Running | undefined>();
  const current = (): Running | undefined => {
    const found = running.getStore();
    assert(found?.state !== 'ended', 'a statement after the end of its transaction: await it, or detach it');
    return found;
  };
  const database = (): Kysely<unknown> => current()?.transaction ?? driver.database;
  const execute: Connection['execute'] = async (text, parameters = []) => {
    const transaction = current()?.transaction;
    if (!transaction) return driver.execute(text, parameters);
    return (await transaction.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]))).rows;
  };
  return {
    kind: driver.kind,
    store: <Tables>(schema: string): Store<Tables> => () => (database() as Kysely<Tables>).withSchema(schema),
    transaction: async (work) => {
      const outer = current();
      return outer ? join(outer, work) : begin(driver.database, running, work);
    },
    afterCommit(action) {
      const outer = current();
      if (outer) outer.afterCommit.push(action);
      else action();
    },
    detached: (work) => running.run(undefined, work),
    execute,
    // What a listener does must not believe itself in the transaction of whoever subscribed first.
    listen: (...subscription) => running.run(undefined, () => driver.listen(...subscription)),
    notify: async (channel, payload) => void (await execute('select pg_notify($1, $2)', [channel, payload])),
    close: () => driver.close(),
  };
}

async function begin<T>(database: Kysely<unknown>, storage: AsyncLocalStorage<Running | undefined>, work: () => Promise<T>): Promise<T> {
  const afterCommit: (() => void)[] = [];
  const result = await database.transaction().execute(async (transaction) => {
    const running: Running = { transaction, state: 'open', afterCommit };
    try {
      const worked = await storage.run(running, work);
      assert(running.state === 'open', 'a part of this transaction failed and was ignored');
      return worked;
    } finally {
      running.state = 'ended';
    }
  });
  storage.run(undefined, () => afterCommit.forEach((action) => action()));
  return result;
}

async function join<T>(outer: Running, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (outer.state === 'open') outer.state = 'failed';
    throw error;
  }
}

/** A value for a `jsonb` column. Always through here: the drivers differ in what they make of arrays and strings. */
export function json<Value>(value: Value): RawBuilder<Value> {
  return sql<Value>`${JSON.stringify(value)}::jsonb`;
}

/** Whether the database refused a row because of a unique index, by its name. */
export function isUniqueViolation(error: unknown, index?: string): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505' && (index === undefined || ('constraint' in error && error.constraint === index));
}

/** Whether the database refused a text for a zero byte, which no text of PostgreSQL can hold: somebody sent it. */
export function isZeroByte(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '22021' || error.code === '22P05');
}

const awayCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/**
 * Whether the database could not be reached, went away, or had no room (PostgreSQL's classes 08, 53 and 57P): the same may succeed soon. What a
 * statement itself got wrong is not that.
 */
export function isDatabaseAway(error: unknown): boolean {
  return (error instanceof Error && 'code' in error && awayCodes.has(String(error.code))) || isSaidByDatabase(error);
}

/** The same, but not when the connection might have been one to somebody else. */
export function isSaidByDatabase(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && /^(08|53|57P)[0-9A-Z]+$/.test(String(error.code))) || /Connection terminated|is not queryable|timeout exceeded when trying to connect/.test(error.message);
}

/** For what several processes create at the same moment, each if it is not there: that does not save the second one, who has to try again. */
export async function racing<Result>(create: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await create();
    } catch (error) {
      if (attempt === 5 || !isUniqueViolation(error)) throw error;
    }
  }
}
