import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test, after } from 'node:test';
import { sql } from 'kysely';
import { isUniqueViolation, json, openConnection } from '../../subgraphs/database.ts';
import { migrate, migration } from '../../subgraphs/migrations.ts';
import { createTestDatabase, onPostgres, openAnother, openTestConnection, until } from '../support/database.ts';

type Tables = { note: { id: number; text: string; data: unknown; big: number; at: Date } };

const notes = {
  '001_notes': migration('create table note (id int primary key, text text not null, data jsonb, big bigint, at timestamptz)'),
};

const connection = await openTestConnection({ after });

describe('a connection', () => {
  before(async () => {
    await migrate(connection, 'one', notes);
    await migrate(connection, 'two', notes);
  });
  const insert = async (schema: string, id: number): Promise<void> => {
    await connection.store<Tables>(schema)().insertInto('note').values({ id, text: 't', data: json(null), big: 1, at: new Date(0) }).execute();
  };
  const idsIn = async (schema: string): Promise<number[]> => {
    const rows = await connection.store<Tables>(schema)().selectFrom('note').select('id').orderBy('id').execute();
    return rows.map(({ id }) => id);
  };

  test('migrations run once and keep schemas apart', async () => {
    await migrate(connection, 'one', notes);
    await insert('one', 1);
    assert.deepEqual(await idsIn('one'), [1]);
    assert.deepEqual(await idsIn('two'), []);
  });

  test('a program that is older than the tables refuses them', async () => {
    const newer = { ...notes, '002_more': migration('create table more (id int)') };
    await migrate(connection, 'newer', newer);
    await migrate(connection, 'newer', newer);
    await assert.rejects(migrate(connection, 'newer', notes), /002_more/);
  });

  test('a failing migration leaves nothing behind', async () => {
    const broken = { ...notes, '002_more': migration('create table more (id int)', 'select no_such_function()') };
    await assert.rejects(migrate(connection, 'three', broken), /no_such_function/);
    const found = await connection.execute(`select count(*) as n from pg_tables where schemaname = 'three' and tablename in ('note', 'more')`);
    assert.deepEqual(found, [{ n: 0 }]);
    await migrate(connection, 'three', notes);
    assert.deepEqual(await idsIn('three'), []);
  });

  test('values come back as they went in, on either database', async () => {
    const at = new Date('2026-01-15T10:30:00.123Z');
    for (const [index, data] of [{ a: [1, 'x', null] }, ['list'], 'text', '{"looks":"like json"}', 7, true, null].entries()) {
      await connection.store<Tables>('one')().insertInto('note').values({ id: 100 + index, text: 'ü', data: json(data), big: 2 ** 52, at }).execute();
      const row = await connection.store<Tables>('one')().selectFrom('note').selectAll().where('id', '=', 100 + index).executeTakeFirstOrThrow();
      assert.deepEqual(row, { id: 100 + index, text: 'ü', data, big: 2 ** 52, at });
    }
  });

  test('a transaction over two schemas commits as one', async () => {
    await connection.transaction(async () => {
      await insert('one', 200);
      await connection.transaction(() => insert('two', 200));
    });
    assert.ok((await idsIn('one')).includes(200) && (await idsIn('two')).includes(200));
  });

  test('a rolled back transaction leaves nothing, and its connection is usable', async () => {
    await assert.rejects(connection.transaction(async () => {
      await insert('one', 300);
      await insert('two', 300);
      throw new Error('no');
    }), /no/);
    assert.ok(!(await idsIn('one')).includes(300) && !(await idsIn('two')).includes(300));
  });

  test('an inner failure fails the whole, even when it is caught', async () => {
    await assert.rejects(connection.transaction(async () => {
      await insert('one', 310);
      await connection.transaction(async () => { throw new Error('inner'); }).catch(() => {});
    }), /a part of this transaction failed/);
    assert.ok(!(await idsIn('one')).includes(310));
  });

  test('a statement outside of a running transaction sees nothing of it and waits for nothing of it', { skip: !onPostgres }, async () => {
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const transaction = connection.transaction(async () => {
      await insert('one', 320);
      entered.resolve();
      await leave.promise;
    });
    await entered.promise;
    assert.ok(!(await idsIn('one')).includes(320));
    leave.resolve();
    await transaction;
    assert.ok((await idsIn('one')).includes(320));
  });

  test('statements beside a transaction are not drawn into it', async () => {
    const transaction = connection.transaction(async () => {
      await insert('one', 330);
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('rolled back');
    });
    const beside = insert('one', 331);
    await assert.rejects(transaction);
    await beside;
    assert.deepEqual((await idsIn('one')).filter((id) => id >= 330 && id < 340), [331]);
  });

  test('what outlives a transaction must not use it', async () => {
    let late: () => Promise<unknown> = async () => {};
    let detached: () => Promise<unknown> = async () => {};
    await connection.transaction(async () => {
      const gate = Promise.withResolvers<void>();
      const waiting = gate.promise.then(() => idsIn('one'));
      const free = connection.detached(() => gate.promise.then(() => idsIn('one')));
      waiting.catch(() => {});
      late = () => { gate.resolve(); return waiting; };
      detached = () => free;
    });
    await assert.rejects(late(), /after the end of its transaction/);
    await detached();
  });

  test('actions after a commit run after the outermost one, in order, and never after a rollback', async () => {
    const ran: string[] = [];
    await connection.transaction(async () => {
      await connection.transaction(async () => connection.afterCommit(() => ran.push('inner')));
      connection.afterCommit(() => ran.push('outer'));
      assert.deepEqual(ran, []);
    });
    await connection.transaction(async () => {
      connection.afterCommit(() => ran.push('never'));
      throw new Error('x');
    }).catch(() => {});
    connection.afterCommit(() => ran.push('at once'));
    assert.deepEqual(ran, ['inner', 'outer', 'at once']);
  });

  test('a notification is heard after the commit, by all listeners, and not after a rollback', async () => {
    const heard: string[] = [];
    const stopOne = await connection.listen('hear', (payload) => heard.push(`one ${payload}`), () => {});
    const stopTwo = await connection.listen('hear', (payload) => heard.push(`two ${payload}`), () => {});
    await connection.transaction(async () => {
      await connection.notify('hear', 'lost');
      throw new Error('x');
    }).catch(() => {});
    await connection.transaction(() => connection.notify('hear', 'a'));
    await until(() => heard.length === 2);
    await stopOne();
    await connection.notify('hear', 'b');
    await until(() => heard.length === 3);
    assert.deepEqual(heard.sort(), ['one a', 'two a', 'two b']);
    await stopTwo();
  });

  test('a unique violation is told by its index', async () => {
    const error: unknown = await insert('one', 1).then(() => null, (reason: unknown) => reason);
    assert.ok(isUniqueViolation(error) && isUniqueViolation(error, 'note_pkey') && !isUniqueViolation(error, 'other'));
    assert.ok(!isUniqueViolation(new Error('23505')));
  });

  test('several statements at once leave no transaction open when they fail', async () => {
    await assert.rejects(connection.execute('BEGIN; create table one.half (id int); select no_such_function(); COMMIT;'), /no_such_function/);
    assert.deepEqual(await connection.execute(`select to_regclass('one.half') as found`), [{ found: null }]);
    assert.deepEqual(await connection.execute('BEGIN; select 1 as a; select 2 as a; COMMIT;'), [{ a: 1 }, { a: 2 }]);
  });

  test('timers run while statements follow each other', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const from = Date.now();
    while (Date.now() - from < 200) await sql`select 1`.execute(connection.store('one')());
    clearInterval(timer);
    assert.ok(ticks >= 3, `${ticks} ticks in 200 ms`);
  });
});

test('processes that migrate at the same moment do not fail', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const connections = await Promise.all(Array.from({ length: 6 }, () => openAnother(t, url)));
  await Promise.all(connections.map((connection) => migrate(connection, 'same', notes)));
});

test('a listener comes back after its connection is cut, and says so', { skip: !onPostgres }, async () => {
  let heard = 0;
  let reconnects = 0;
  await connection.listen('cut', () => heard++, () => reconnects++);
  await connection.execute(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lookgraph listener' and datname = current_database()`);
  await until(() => reconnects === 1);
  await connection.notify('cut', '');
  await until(() => heard === 1);
});

test('a connection that is cut in the middle of a transaction fails that transaction and nothing else', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const [here, there] = [await openAnother(t, url), await openAnother(t, url)];
  await assert.rejects(here.transaction(async () => {
    const [row] = await here.execute('select pg_backend_pid() as pid');
    await there.execute('select pg_terminate_backend($1)', [row?.['pid']]);
    await until(async () => (await there.execute('select 1 from pg_stat_activity where pid = $1', [row?.['pid']])).length === 0);
    // Long enough for the news to reach a connection that nobody is asking anything.
    await new Promise((resolve) => setImmediate(resolve));
    await here.execute('select 1');
  }));
  assert.deepEqual(await here.execute('select 1 as alive'), [{ alive: 1 }]);
});

describe('the embedded database in a folder', { skip: onPostgres }, () => {
  const program = `
    const { openConnection } = await import(${JSON.stringify(new URL('../../subgraphs/database.ts', import.meta.url).href)});
    try {
      const connection = await openConnection({ dataDir: process.argv[1] });
      await connection.execute('create table if not exists public.kept (id int)');
      await connection.execute('insert into public.kept values ($1)', [1]);
      process.send('open');
      process.once('message', async () => { await connection.close(); process.exit(0); });
    } catch (error) { process.send(error.message); process.exit(1); }
  `;
  const start = (folder: string): ChildProcess => fork('-', { execArgv: ['--input-type=module', '-e', program, folder], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const firstWord = async (child: ChildProcess): Promise<unknown> => (await once(child, 'message'))[0] as unknown;

  test('a second process is refused, and nothing is lost to kill -9', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const first = start(folder);
    assert.equal(await firstWord(first), 'open');
    const second = start(folder);
    assert.match(String(await firstWord(second)), new RegExp(`in use by process ${first.pid}.*DATA_DIR.*DATABASE_URL`));
    await assert.rejects(openConnection({ dataDir: folder }), /in use by process/);
    const gone = once(first, 'exit');
    first.kill('SIGKILL');
    await gone;
    const connection = await openConnection({ dataDir: folder });
    await assert.rejects(openConnection({ dataDir: folder }), /by this process/);
    assert.deepEqual(await connection.execute('select id from public.kept'), [{ id: 1 }]);
    await connection.close();
    await (await openConnection({ dataDir: folder })).close();
  });

  test('of processes that start together exactly one gets the folder', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'embedded-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const children = Array.from({ length: 3 }, () => start(folder));
    const words = await Promise.all(children.map(firstWord));
    assert.ok(words.filter((word) => word === 'open').length <= 1, words.join('\n'));
    for (const child of children.filter((_, index) => words[index] === 'open')) {
      child.send('close');
      await once(child, 'exit');
    }
  });
});
