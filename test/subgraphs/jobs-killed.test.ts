import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createJobs } from '../../subgraphs/jobs.ts';
import { createTestDatabase, onPostgres, openAnother, until } from '../support/database.ts';

/** Runs queue `one` in a process of its own: says `started N` for each attempt and waits. */
function startProcess(where: object): ChildProcess {
  const url = (path: string): string => JSON.stringify(new URL(`../../subgraphs/${path}`, import.meta.url).href);
  const program = `
    const { openConnection } = await import(${url('database.ts')});
    const { createJobs } = await import(${url('jobs.ts')});
    const connection = await openConnection(JSON.parse(process.argv[1]));
    const jobs = createJobs(connection, { onError: (error) => console.error(error) });
    jobs.define('one', { concurrency: 4, retryLimit: 2, deadlineSeconds: 60 }, async ({ attempt }) => { process.send(attempt); await new Promise(() => {}); });
    await jobs.start({ work: true });
    process.on('message', () => jobs.enqueue('one', { n: 1 }));
    process.send('ready');
  `;
  return fork('-', { execArgv: ['--input-type=module', '-e', program, JSON.stringify(where)], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
}

async function killedWhileRunning(where: object): Promise<void> {
  const child = startProcess(where);
  assert.equal((await once(child, 'message'))[0], 'ready');
  child.send('enqueue');
  assert.equal((await once(child, 'message'))[0], 1);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a job of a process that was killed is taken over by another one', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const attempts: number[] = [];
  await killedWhileRunning({ databaseUrl: url, dataDir: null });
  const from = Date.now();
  const heir = createJobs(await openAnother(t, url), { onError: (error) => assert.fail(String(error)) });
  heir.define('one', { concurrency: 4, retryLimit: 2, deadlineSeconds: 60 }, async ({ attempt }) => void attempts.push(attempt));
  await heir.start({ work: true });
  await until(() => attempts.length === 1, 40_000);
  t.diagnostic(`taken over after ${Date.now() - from} ms`);
  assert.deepEqual(attempts, [2]);
  await heir.stop();
});

test('the restarted owner of an embedded database takes over at once', { skip: onPostgres }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'jobs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await killedWhileRunning({ dataDir: folder });
  const child = startProcess({ dataDir: folder });
  const words: unknown[] = [];
  child.on('message', (word) => words.push(word));
  await until(() => words.length === 2, 120_000);
  assert.deepEqual(new Set(words), new Set([2, 'ready']));
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
});
