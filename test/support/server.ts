import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Demo } from '../../gateway/demo-data.ts';
import type { VariableName } from '../../subgraphs/env.ts';
import { createTestDatabase, onPostgres, until } from './database.ts';
import { createTestClient } from './platform.ts';

type Scope = { after(work: () => Promise<void>): void };
const project = join(import.meta.dirname, '../..');

type Options = { startWithinMs?: number; variables?: Partial<Record<VariableName, string>>; /** Where the program's files are. */ root?: string };

/** The program itself, in a process of its own that can be killed and started again over the same data and port. */
export async function startServer(t: Scope, { startWithinMs = 120_000, variables = {}, root = project }: Options = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'server-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = onPostgres ? await createTestDatabase({ after: (drop) => drops.push(drop) }) : '';
  const port = await freePort();
  const environment = { ...process.env, PORT: String(port), DATA_DIR: dataDir, DATABASE_URL: databaseUrl, NODE_ENV: 'development', LOG_LEVEL: 'warn', RENDER_WORKERS: '2', ...variables };
  let child: ChildProcess | null = null;
  let output = '';

  const start = async (): Promise<void> => {
    assert.equal(child, null, 'it is running');
    output = '';
    // A runner of tests tells its children so; the server is none of them.
    const { NODE_TEST_CONTEXT: _, ...env } = environment as NodeJS.ProcessEnv;
    const started = spawn(process.execPath, [join(root, 'gateway/main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    await until(() => {
      assert.equal(started.exitCode, null, `the server ended:\n${output}`);
      return output.includes('Lookgraph is ready');
    }, startWithinMs);
  };
  /** The exit code; null when the signal ended it. */
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    const running = child;
    assert.ok(running, 'it is not running');
    const ended = once(running, 'exit');
    running.kill(signal);
    const [code] = (await ended) as [number | null];
    child = null;
    return code;
  };
  await start();
  t.after(async () => {
    if (child) await end('SIGKILL');
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const demo = async (): Promise<Demo> => JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
  return { dataDir, databaseUrl, start, end, demo, output: () => output, process: () => child, ...createTestClient(`http://127.0.0.1:${port}`), url: `http://127.0.0.1:${port}` };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address);
  return address.port;
}
