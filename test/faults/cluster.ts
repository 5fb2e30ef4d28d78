import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { until } from '../support/database.ts';
import { freePort } from '../support/process.ts';

/** Where the programs of PostgreSQL are; null where it is not installed. */
export function findPostgres(): string | null {
  return globSync('/usr/lib/postgresql/*/bin').sort((a, b) => Number(/\d+/.exec(b)) - Number(/\d+/.exec(a))).find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

export type Cluster = Awaited<ReturnType<typeof createCluster>>;

const settings = "\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 120\nshared_buffers = 64MB\nmax_wal_size = 64MB\nmin_wal_size = 32MB\nautovacuum_naptime = 20s\n";

/** A PostgreSQL of its own in an empty folder, that may be killed and stopped. It never runs as root. */
export async function createCluster(folder: string) {
  const programs = findPostgres();
  assert.ok(programs, 'PostgreSQL is not installed');
  const [data, user, port] = [join(folder, 'postgres'), userOf('postgres'), await freePort()];
  mkdirSync(data);
  if (user) chownSync(data, user.uid, user.gid);
  execFileSync(join(programs, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '--wal-segsize=4'], { ...user, stdio: 'ignore', cwd: data });
  appendFileSync(join(data, 'postgresql.conf'), `${settings}port = ${port}\n`);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | null = null;
  let log = '';

  const answers = async (): Promise<boolean> => {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    // One that breaks while it ends is not worth a word.
    client.on('error', () => undefined);
    return client.connect().then(() => client.query('select 1')).then(() => true, () => false).finally(() => void client.end().catch(() => undefined));
  };
  const isRunning = (): boolean => child !== null && child.exitCode === null && child.signalCode === null;
  /** Starts it unless it runs, as whoever looks after it would: again and again until it answers. */
  const start = async (): Promise<void> => until(async () => {
    if (!isRunning()) {
      child = spawn(join(programs, 'postgres'), ['-D', data], { ...user, detached: true, stdio: ['ignore', 'ignore', 'pipe'], cwd: data });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-20_000)));
    }
    return answers();
  }, 120_000).then(() => undefined);
  /** All its processes at once: each connection has one. */
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of processesOf(child?.pid ?? 0)) tell(pid, name);
  };
  return {
    url, port, start, answers, signal, log: () => log,
    /** SIGKILL: what was not synced is lost with it, as after a crash of the program. */
    async kill(): Promise<void> {
      if (!child || !isRunning()) return;
      const ended = once(child, 'exit');
      signal('SIGKILL');
      await ended;
    },
  };
}

function userOf(name: string): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  return { uid: Number(execFileSync('id', ['-u', name])), gid: Number(execFileSync('id', ['-g', name])) };
}

/** The process and those that it started. */
function processesOf(pid: number): number[] {
  if (pid === 0) return [];
  const children = globSync(`/proc/${pid}/task/*/children`).flatMap((file) => readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number));
  return [pid, ...children];
}

/** One that is gone meanwhile needs no telling. */
function tell(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
