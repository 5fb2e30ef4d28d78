import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFolder } from '../../subgraphs/lock.ts';

/** What a process that cannot start says, and its exit code. */
async function startWith(variables: Record<string, string>, args: readonly string[] = ['gateway/main.ts']): Promise<{ code: number | null; said: string }> {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [...args], { cwd: join(import.meta.dirname, '../..'), env: { ...inherited, NODE_ENV: 'development', DATABASE_URL: '', ...variables }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = await once(child, 'close') as [number | null];
  return { code, said };
}

test('what its operator can mend is said in one sentence', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const neighbour = createServer().listen(0, '127.0.0.1');
  t.after(async () => {
    neighbour.close();
    await rm(folder, { recursive: true });
  });
  await once(neighbour, 'listening');
  const { port } = neighbour.address() as { port: number };
  await writeFile(join(folder, 'file'), '');
  await mkdir(join(folder, 'trusted'));
  await writeFile(join(folder, 'trusted', 'list.json'), '{\n  "id": query }');
  const faults: [Record<string, string>, string][] = [
    [{ PORT: String(port), DATA_DIR: join(folder, 'one') }, `Port ${port} is in use by another program. Stop that, or set PORT.\n`],
    [{ PORT: '0', ADMIN_PORT: String(port), DATA_DIR: join(folder, 'one') }, `Port ${port} is in use by another program. Stop that, or set ADMIN_PORT.\n`],
    [{ PORT: '0', TRUSTED_DOCUMENTS: join(folder, 'trusted'), DATA_DIR: join(folder, 'one') }, `The environment is wrong:\n  TRUSTED_DOCUMENTS: ${join(folder, 'trusted', 'list.json')} is not JSON\n`],
    [{ PORT: '0', DATA_DIR: join(folder, 'file') }, `${join(folder, 'file')} is no folder. Set DATA_DIR.\n`],
    [{ PORT: '0', DATA_DIR: join(folder, 'two'), DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }, 'The database of DATABASE_URL does not answer.\n'],
    [{ PORT: '0', DATA_DIR: join(folder, 'three'), HOST: 'nowhere.invalid' }, 'The environment is wrong:\n  HOST nowhere.invalid is not known: it must be an address of this machine, or a name of one\n'],
    // Node's own way to make folders never comes back from here.
    ...existsSync('/proc/self') ? [[{ PORT: '0', DATA_DIR: '/proc/nowhere/data' }, '/proc/nowhere cannot be made. Set DATA_DIR.\n'] as [Record<string, string>, string]] : [],
  ];
  for (const [variables, said] of faults) assert.deepEqual(await startWith(variables), { code: 1, said });
});

test('variables whose values lead nowhere are told with all the others', async () => {
  const { code, said } = await startWith({ PORT: '65536', HOST: 'not a host', TRUSTED_DOCUMENTS: '/nowhere', WORKERS: '-1', DATABASE_POOL: 'many', ENGINES: '/nowhere.json', DATABASE_URL: 'mysql://host/name' });
  assert.equal(code, 1);
  assert.deepEqual(said.split('\n'), [
    'The environment is wrong:', '  PORT must be at most 65535', '  HOST must be an IP address or the name of a host', '  DATABASE_URL must be a postgres:// URL', '  DATABASE_POOL must be a whole number',
    '  WORKERS must be at least 0', '  TRUSTED_DOCUMENTS must be a folder that exists', "  ENGINES: /nowhere.json cannot be read: ENOENT: no such file or directory, open '/nowhere.json'", '',
  ]);
});

test('a folder that another process has is said in one sentence, in every role', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'held-'));
  const unlock = await lockFolder(folder);
  t.after(async () => {
    unlock();
    await rm(folder, { recursive: true });
  });
  const said = `${folder} is in use by process ${process.pid}. Stop it, give DATA_DIR another folder, or set DATABASE_URL to share one PostgreSQL.\n`;
  for (const args of [['gateway/main.ts'], ['subgraphs/main.ts', 'hairstyle'], ['gateway/admin.ts', 'keys', 'list']]) assert.deepEqual(await startWith({ PORT: '0', DATA_DIR: folder }, args), { code: 1, said }, args.join(' '));
});
