import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { connect, type Connection, openConnection } from '../../subgraphs/database.ts';
import { embeddedDriver } from '../../subgraphs/embedded.ts';
import { emptyPglite } from './templates.ts';

/** A test or, with `after` of node:test, a whole file or suite. */
type Scope = { after(work: () => Promise<void>): void };

const serverUrl = process.env['TEST_DATABASE_URL'];
/** Whether this run of the tests is the one on PostgreSQL. */
export const onPostgres = serverUrl !== undefined && serverUrl !== '';

/** An empty database of its own, closed and dropped after the test: PGlite in memory, or on the server that TEST_DATABASE_URL names. */
export async function openTestConnection(test: Scope): Promise<Connection> {
  if (onPostgres) return openAnother(test, await createTestDatabase(test));
  const connection = connect(embeddedDriver(await emptyPglite(), () => {}));
  test.after(() => connection.close());
  return connection;
}

/** One more connection to a database on the server, as another process would have it. */
export async function openAnother(test: Scope, databaseUrl: string): Promise<Connection> {
  const connection = await openConnection({ databaseUrl, dataDir: null });
  const opened = connections.get(databaseUrl);
  // Hooks run in the order of their registration: those of a test's own database are closed by the one that drops it.
  if (opened) opened.push(connection);
  else test.after(() => connection.close());
  return connection;
}

/** A fresh database on the server; its URL. It is dropped after the test, with whatever is still connected to it. */
export async function createTestDatabase(test: Scope): Promise<string> {
  if (!serverUrl) throw new Error('TEST_DATABASE_URL is not set');
  const name = `lookgraph_test_${randomBytes(6).toString('hex')}`;
  await onServer(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const opened: Connection[] = [];
  connections.set(url.href, opened);
  test.after(async () => {
    for (const connection of opened) await connection.close();
    await onServer(serverUrl, `drop database if exists ${name} with (force)`);
  });
  return url.href;
}

const connections = new Map<string, Connection[]>();

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Waits until `condition` gives something else than false or null. */
export async function until<T>(condition: () => Promise<T | null | false> | T | null | false, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  // Soon at first, and then less and less often: who is waited for needs the machine, and keys may ask only so much in a minute.
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.1, 100)) {
    const value = await condition();
    if (value !== false && value !== null) return value;
    if (Date.now() > deadline) throw new Error(`condition not met within ${timeoutMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
