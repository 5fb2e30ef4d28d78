import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Demo } from '../../gateway/demo-data.ts';
import { until } from '../support/database.ts';
import { createTestClient } from '../support/platform.ts';
import { freePort } from '../support/process.ts';
import type { Figures } from './probe.ts';

type Scope = { after(work: () => Promise<void>): void };
export type WatchedServer = Awaited<ReturnType<typeof startWatchedServer>>;
const root = join(import.meta.dirname, '../..');

/** The program in a process of its own, on the embedded database, that says what it spends. Its memory is kept as in the image. */
export async function startWatchedServer(scope: Scope, variables: Record<string, string> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'watched-'));
  const port = await freePort();
  const { NODE_TEST_CONTEXT: _, TEST_DATABASE_URL: __, ...inherited } = process.env;
  const env = { ...inherited, DATABASE_URL: '', DATA_DIR: dataDir, PORT: String(port), NODE_ENV: 'development', LOG_LEVEL: 'error', RENDER_WORKERS: '1', WORKERS: '1', MALLOC_ARENA_MAX: '2', ...variables };
  const child = spawn(process.execPath, ['--expose-gc', '--import', join(import.meta.dirname, 'probe.ts'), join(root, 'gateway/main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const exited = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  scope.after(async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(dataDir, { recursive: true, force: true });
  });
  await until(() => {
    assert.equal(child.exitCode, null, output);
    return output.includes('Lookgraph is ready');
  }, 120_000);
  const ask = async (question: string): Promise<Figures> => {
    child.send(question);
    const [figures] = await once(child, 'message', { signal: AbortSignal.timeout(30_000) });
    return figures as Figures;
  };
  const url = `http://127.0.0.1:${port}`;
  return {
    ...createTestClient(url), url, port, dataDir, output: () => output,
    isAlive: () => child.exitCode === null && child.signalCode === null,
    demo: JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo,
    /** What it says of itself now; what was longest is forgotten with that. */
    figures: () => ask('figures'),
    /** The same after a collection of garbage. */
    settled: () => ask('settled figures'),
  };
}
