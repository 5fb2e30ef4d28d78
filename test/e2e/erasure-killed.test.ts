import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { advise, type Advised, completedErasure, eraseOverRest, tracesOf } from '../support/advised.ts';
import { onPostgres, until } from '../support/database.ts';
import { addClient } from '../support/salon.ts';
import { startServer } from '../support/server.ts';
import { findInDatabase, findInStore } from '../support/traces.ts';

type Server = Awaited<ReturnType<typeof startServer>>;

/** What a subgraph removes last of a person. */
const last = { enterprise: 'enterprise.client_media', hairstyle: 'hairstyle.image', skinshade: 'skinshade.reading', headshot: 'headshot.model' } as const;
type Keeper = keyof typeof last;
const keepers = Object.keys(last) as Keeper[];

/** The server's own database while the server is not running. */
async function inDatabase<Result>({ databaseUrl, dataDir }: Server, work: (connection: Connection) => Promise<Result>): Promise<Result> {
  const connection = await openConnection({ databaseUrl, dataDir: onPostgres ? null : dataDir });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const column = async (connection: Connection, statement: string): Promise<unknown[]> => (await connection.execute(statement)).map((row) => Object.values(row)[0]);

/** Whose presence lets the last statement of a subgraph begin. */
const passOf = (subgraph: Keeper): string => `${last[subgraph].split('.')[1]}@pass.example`;

/**
 * The last statement of each subgraph fails until it is let begin, and comes to no end then: the subgraph's files are gone, and its rows are not. It would begin
 * while the program starts otherwise, which does not become ready over an embedded database that answers nothing.
 */
async function stallAll(connection: Connection): Promise<void> {
  await connection.execute(`create function public.stall() returns trigger language plpgsql as $$ begin
    if not exists (select from enterprise.client where email_key = tg_table_name || '@pass.example') then raise exception 'not yet'; end if;
    perform pg_sleep(3600); return old; end $$`);
  for (const table of Object.values(last)) await connection.execute(`create trigger stall before delete on ${table} for each row execute function public.stall()`);
}

/** It has come to a statement without an end: nothing else is answered by the embedded database then, and PostgreSQL tells. */
async function stalled({ databaseUrl, url }: Server): Promise<void> {
  if (!onPostgres) return void (await until(async () => !(await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(10_000) }).then(({ ok }) => ok, () => false))));
  const connection = await openConnection({ databaseUrl, dataDir: null });
  try {
    await until(async () => (await connection.execute(`select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`)).length > 0);
  } finally {
    await connection.close();
  }
}

/** What is seen of an erasure that was killed while that subgraph forgot; from now on it can come to an end there. */
async function examine(connection: Connection, subgraph: Keeper): Promise<void> {
  await connection.execute('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
  assert.deepEqual(await column(connection, `select name::text from jobs.job where name like '%.erasure' and state = 'active'`), [`${subgraph}.erasure`], 'it was running when it was killed');
  assert.deepEqual(await column(connection, 'select completed_at from enterprise.erasure'), [null]);
  const left: Keeper[] = [];
  for (const keeper of keepers) if ((await column(connection, `select 1 from ${last[keeper]}`)).length > 0) left.push(keeper);
  assert.deepEqual(left, keepers.slice(keepers.indexOf(subgraph)), 'those before it are through, and it is not');
  await connection.execute(`drop trigger stall on ${last[subgraph]}`);
}

test('killed in the middle of each subgraph, an erasure goes on after the restart until nothing is left in any', { timeout: 480_000 }, async (t) => {
  const server = await startServer(t);
  const { enterprise: { slug, key } } = await server.demo();
  const salon = { key, at: (rest: string) => `/api/v1/enterprise/${slug}/${rest}` };
  const person: Advised = await advise(server, salon, { photos: 4 });
  await server.ended(key, person.open);
  await server.end('SIGTERM');
  await inDatabase(server, stallAll);
  await server.start();
  const erasureId = await eraseOverRest(server, salon, person.id);
  for (const subgraph of keepers) {
    await addClient(server, salon, { email: passOf(subgraph) });
    await stalled(server);
    await server.end('SIGKILL');
    await inDatabase(server, (connection) => examine(connection, subgraph));
    await server.start();
  }
  const { data } = await completedErasure(server, salon, erasureId);
  assert.deepEqual(data.removed, person.kept(4));
  assert.deepEqual(findInStore(server.dataDir, person), []);
  const output = server.output();
  await server.end('SIGTERM');
  assert.deepEqual(tracesOf(person).filter((text) => output.includes(text)), []);
  assert.deepEqual(await inDatabase(server, (connection) => findInDatabase(connection, tracesOf(person))), []);
});
