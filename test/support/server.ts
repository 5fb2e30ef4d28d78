import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Demo } from '../../gateway/demo-data.ts';
import { subgraphNames, type SubgraphName } from '../../schema/sdl.ts';
import type { VariableName } from '../../subgraphs/env.ts';
import { isSplit } from './apart.ts';
import { createTestDatabase, onPostgres } from './database.ts';
import { createTestClient } from './platform.ts';
import { freePort, type Process, type ProcessOptions, startProcess } from './process.ts';

type Scope = { after(work: () => Promise<void>): void };

type Options = { startWithinMs?: number; variables?: Partial<Record<VariableName, string>>; /** Where the program's files are. */ root?: string };

/** The program itself, in a process of its own, or in seven, that can be killed and started again over the same data and ports. */
export async function startServer(t: Scope, { startWithinMs, variables = {}, root }: Options = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'server-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = onPostgres ? await createTestDatabase({ after: (drop) => drops.push(drop) }) : '';
  const port = await freePort();
  const env = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, NODE_ENV: 'development', LOG_LEVEL: 'warn', RENDER_WORKERS: '1', ...variables };
  const gateway = { args: ['gateway/main.ts'], env: { ...env, PORT: String(port) }, ready: 'Lookgraph is ready' } as const;
  // A gateway, four subgraphs and two workers.
  const urls = isSplit ? Object.fromEntries(await Promise.all(subgraphNames.map(async (name) => [name, `http://127.0.0.1:${await freePort()}/graphql`] as const))) as Record<SubgraphName, string> : null;
  const options: readonly ProcessOptions[] = urls ? split(gateway, port, urls) : [gateway];
  let running: readonly Process[] = [];

  const start = async (): Promise<void> => {
    assert.equal(running.length, 0, 'it is running');
    running = await all(options.map((each) => startProcess({ ...each, root, startWithinMs })));
  };
  /** The exit code; null when the signal ended it. Who stops the front first is who stops properly. */
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    const [front, ...others] = running;
    assert.ok(front, 'it is not running');
    running = [];
    if (signal === 'SIGKILL') return (await Promise.all([front, ...others].map((each) => each.end(signal))))[0] ?? null;
    const code = await front.end(signal);
    return (await Promise.all(others.map((each) => each.end(signal)))).find((other) => other !== 0) ?? code;
  };
  t.after(async () => {
    if (running.length > 0) await end('SIGKILL');
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  await start();
  const demo = async (): Promise<Demo> => JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
  const output = (): string => running.map((each) => each.output()).join('');
  return { dataDir, databaseUrl, subgraphUrls: urls, start, end, demo, output, process: () => running[0]?.child ?? null, ...createTestClient(`http://127.0.0.1:${port}`), url: `http://127.0.0.1:${port}` };
}

/** The gateway without subgraphs and jobs, the subgraphs one by one, and two that do the jobs. */
function split(gateway: ProcessOptions, port: number, urls: Readonly<Record<SubgraphName, string>>): ProcessOptions[] {
  assert.ok(onPostgres, 'several processes share PostgreSQL');
  // A server of PostgreSQL takes a hundred connections, and two files of tests run at a time.
  const shared = { ...gateway.env, PUBLIC_URL: `http://localhost:${port}`, RENDER_WORKERS: '1', DATABASE_POOL: '4' };
  const addresses = Object.fromEntries(subgraphNames.map((name) => [`SUBGRAPH_${name.toUpperCase()}_URL`, urls[name]]));
  return [
    { ...gateway, env: { ...shared, ...addresses, WORKERS: '0' } },
    ...subgraphNames.map((name): ProcessOptions => ({ args: ['subgraphs/main.ts', name], env: { ...shared, PORT: new URL(urls[name]).port, WORKERS: '0' }, ready: `The subgraph ${name} is ready` })),
    ...(gateway.env['WORKERS'] === '0' ? [] : [1, 2]).map((): ProcessOptions => ({ args: ['subgraphs/main.ts', 'workers'], env: shared, ready: 'The workers are ready' })),
  ];
}

/** All of them, or none: those that are there when one fails are ended. */
async function all(starting: readonly Promise<Process>[]): Promise<Process[]> {
  const settled = await Promise.allSettled(starting);
  const failed = settled.find((each) => each.status === 'rejected');
  const started = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  if (!failed) return started;
  await Promise.all(started.map((each) => each.end('SIGKILL')));
  throw failed.reason;
}
