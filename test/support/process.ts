import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from './database.ts';

const project = join(import.meta.dirname, '../..');

export type ProcessOptions = {
  /** What it is started with: a file of the program and its arguments. */
  args: readonly [string, ...string[]];
  env: Readonly<Record<string, string>>;
  /** What it says when it is ready. */
  ready: string;
  /** Where the program's files are. */
  root?: string | undefined;
  startWithinMs?: number | undefined;
};

export type Process = {
  child: ChildProcess;
  output(): string;
  /** The exit code; null when the signal ended it. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
};

/** Starts a process of the program, and waits until it says that it is ready. One that fails to leaves nothing behind. */
export async function startProcess({ args: [file, ...args], env, ready, root = project, startWithinMs = 120_000 }: ProcessOptions): Promise<Process> {
  // A runner of tests tells its children so; these are none of them.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(root, file), ...args], { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const end: Process['end'] = async (signal) => {
    child.kill(signal);
    return (await exited)[0];
  };
  try {
    await until(() => {
      assert.equal(child.exitCode, null, `${file} ${args.join(' ')} ended:\n${output}`);
      return output.includes(ready);
    }, startWithinMs);
  } catch (error) {
    if (child.exitCode === null) await end('SIGKILL');
    throw error;
  }
  return { child, output: () => output, end };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address);
  return address.port;
}
