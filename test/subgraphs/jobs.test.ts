import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Connection } from '../../subgraphs/database.ts';
import { createJobs, Interruption, interruptionOf, type JobRun, type Jobs, type QueueOptions } from '../../subgraphs/jobs.ts';
import { createTestDatabase, onPostgres, openAnother, openTestConnection, until } from '../support/database.ts';

type Data = { n: number };
type Work = (job: JobRun<Data>) => Promise<void>;

const connection = await openTestConnection({ after });
const standard: QueueOptions<Data> = { concurrency: 4, retryLimit: 2, deadlineSeconds: 60 };
const queues = new Map<string, Work>();
const fail = (error: unknown): never => {
  throw error;
};

/** All tests of this file share one set of queues, for a queue that exists must be defined by whoever starts. */
let quiet = false;
const jobs = createJobs(connection, { onError: (error) => (quiet ? undefined : fail(error)) });
const names: Record<string, Partial<QueueOptions<Data>>> = {
  plain: {}, retried: {}, hopeless: { retryLimit: 1 }, canceled: {}, late: { deadlineSeconds: 1, retryLimit: 0 }, tenants: { concurrency: 3, tenantLimit: 2 },
  fair: { concurrency: 1 }, given: {}, timed: {}, keyed: {}, elsewhere: {},
};
const exhausted: number[] = [];
define(jobs, (job, queue) => queues.get(queue)?.(job) ?? Promise.resolve());
await jobs.start({ work: true });
after(() => jobs.stop());

function define(on: Jobs, work: (job: JobRun<Data>, queue: string) => Promise<void>): void {
  for (const [queue, options] of Object.entries(names)) {
    on.define<Data>(queue, { ...standard, ...options, ...(queue === 'hopeless' && { exhausted: async ({ n }: Data) => void exhausted.push(n) }) }, (job) => work(job, queue));
  }
}

/** A job's work that waits to be told to end, and ends with its signal. */
function gate(): { work: Work; entered: JobRun<Data>[]; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const entered: JobRun<Data>[] = [];
  const work: Work = (job) => {
    entered.push(job);
    const aborted = new Promise<never>((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason), { once: true }));
    return Promise.race([promise, aborted]);
  };
  return { work, entered, open: resolve };
}

test('a job runs once its transaction is committed, and never when it is rolled back', async () => {
  const ran: number[] = [];
  queues.set('plain', async ({ data: { n }, attempt, lastAttempt }) => {
    assert.deepEqual([attempt, lastAttempt], [1, false]);
    ran.push(n);
  });
  await connection.transaction(async () => {
    await jobs.enqueue('plain', { n: 1 });
    throw new Error('rolled back');
  }).catch(() => {});
  await connection.transaction(() => jobs.enqueue('plain', { n: 2 }));
  await until(() => ran.length > 0);
  await jobs.enqueue('plain', { n: 3 });
  await until(() => ran.length === 2);
  assert.deepEqual(ran, [2, 3]);
});

test('a failed attempt is followed by another; the last one knows that it is', async () => {
  const attempts: [number, boolean][] = [];
  queues.set('retried', async ({ attempt, lastAttempt }) => {
    attempts.push([attempt, lastAttempt]);
    if (!lastAttempt) throw new Error('not yet');
  });
  await jobs.enqueue('retried', { n: 1 });
  await until(() => attempts.length === 3);
  assert.deepEqual(attempts, [[1, false], [2, false], [3, true]]);
  await until(async () => (await stateOf('retried')) === 'completed');
  assert.deepEqual(await jobs.failed('retried'), []);
});

test('an attempt that found no room or no database does not count, and is followed by another', async () => {
  const attempts: number[] = [];
  const outages = [Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }), Object.assign(new Error('could not extend file'), { code: '53100' }), new Error('Connection terminated unexpectedly'), Object.assign(new Error('shutting down'), { code: '57P01' })];
  quiet = true;
  queues.set('retried', async ({ attempt }) => {
    attempts.push(attempt);
    const outage = outages[attempts.length - 1];
    if (outage) throw outage;
  });
  await jobs.enqueue('retried', { n: 1 });
  await until(() => attempts.length === 5);
  quiet = false;
  assert.deepEqual(attempts, [1, 1, 1, 1, 1]);
});

test('a job that fails for good is told to its owner, kept, and can be tried again', async () => {
  let broken = true;
  queues.set('hopeless', async () => {
    if (broken) throw new Error('broken machine');
  });
  await jobs.enqueue('hopeless', { n: 42 });
  const [failed] = await until(async () => {
    const list = await jobs.failed('hopeless');
    return list.length > 0 && list;
  });
  await until(() => exhausted.length > 0);
  assert.deepEqual(exhausted, [42]);
  assert.ok(failed && failed.attempts === 2 && failed.failedAt instanceof Date);
  assert.deepEqual(failed.data, { n: 42 });
  assert.match(JSON.stringify(failed.reason), /broken machine/);
  broken = false;
  await jobs.retry('hopeless', failed.id);
  await until(async () => (await jobs.failed('hopeless')).length === 0);
  await until(async () => (await stateOf('hopeless')) === 'completed');
});

test('a canceled job stops at once when it runs, and never begins when it waits', async () => {
  const { work, entered, open } = gate();
  queues.set('canceled', work);
  await jobs.enqueue('canceled', { n: 1 }, { jobKey: 'running' });
  await jobs.enqueue('canceled', { n: 2 }, { jobKey: 'waiting', startAfter: new Date(Date.now() + 3_600_000) });
  const [running] = await until(() => entered.length > 0 && entered);
  await jobs.cancel('canceled', 'waiting');
  await connection.transaction(async () => {
    await jobs.cancel('canceled', 'running');
    throw new Error('rolled back');
  }).catch(() => {});
  assert.equal(running?.signal.aborted, false);
  await jobs.cancel('canceled', 'running');
  assert.ok(running && interruptionOf(running.signal) === 'canceled' && running.signal.reason instanceof Interruption);
  await until(async () => (await statesOf('canceled')).join() === 'cancelled,cancelled');
  assert.equal(entered.length, 1);
  assert.deepEqual(await jobs.failed('canceled'), []);
  await jobs.cancel('canceled', 'unknown');
  open();
});

test('an attempt that takes too long is aborted with a TimeoutError and counts as failed', async () => {
  const { work, entered } = gate();
  queues.set('late', work);
  await jobs.enqueue('late', { n: 1 });
  const [failed] = await until(async () => {
    const list = await jobs.failed('late');
    return list.length > 0 && list;
  });
  assert.equal(entered[0]?.signal.reason.name, 'TimeoutError');
  assert.equal(entered[0] && interruptionOf(entered[0].signal), 'deadline');
  assert.match(JSON.stringify(failed?.reason), /TimeoutError/);
});

test('one tenant never takes all places of a process', async () => {
  const { work, entered, open } = gate();
  queues.set('tenants', work);
  for (let n = 0; n < 5; n++) await jobs.enqueue('tenants', { n }, { tenant: 'big' });
  await jobs.enqueue('tenants', { n: 100 }, { tenant: 'small' });
  await until(() => entered.length === 3);
  assert.deepEqual(entered.map(({ data: { n } }) => n).sort((a, b) => a - b), [0, 1, 100]);
  open();
  await until(() => entered.length === 6);
});

test('a tenant with a long line does not stand in front of one with a short line', async () => {
  const { work, entered, open } = gate();
  queues.set('fair', work);
  for (let n = 0; n < 4; n++) await jobs.enqueue('fair', { n }, { tenant: 'big' });
  await until(() => entered.length === 1);
  await jobs.enqueue('fair', { n: 100 }, { tenant: 'small' });
  open();
  await until(() => entered.length === 5);
  assert.deepEqual(entered.map(({ data: { n } }) => n), [0, 100, 1, 2, 3]);
});

test('a job may wait for its time', async () => {
  const ran: number[] = [];
  queues.set('timed', async () => void ran.push(Date.now()));
  const due = Date.now() + 1500;
  await jobs.enqueue('timed', { n: 1 }, { startAfter: new Date(due) });
  await until(() => ran.length === 1);
  assert.ok((ran[0] ?? 0) >= due - 50);
});

test('the same key is the same job, during its life and after it', async () => {
  const ran: number[] = [];
  queues.set('keyed', async ({ data: { n } }) => void ran.push(n));
  await jobs.enqueue('keyed', { n: 1 }, { jobKey: 'k' });
  await jobs.enqueue('keyed', { n: 2 }, { jobKey: 'k' });
  await until(async () => (await stateOf('keyed')) === 'completed');
  await jobs.enqueue('keyed', { n: 3 }, { jobKey: 'k' });
  await jobs.enqueue('keyed', { n: 4 }, { jobKey: 'other' });
  await until(() => ran.includes(4));
  assert.deepEqual(ran, [1, 4]);
});

test('an unknown queue is a fault, and so is one that exists and nobody defines', async () => {
  await assert.rejects(jobs.enqueue('nowhere', {}), /not defined/);
  const forgetful = createJobs(connection, { onError: fail });
  forgetful.define('plain', standard, async () => {});
  await assert.rejects(forgetful.start({ work: false }), /no definition for the queues that exist: .*retried/);
  await forgetful.stop();
});

test('who runs the jobs of one owner needs to define no others, may enqueue them all the same, and leaves them alone', async () => {
  const part = createJobs(connection, { onError: fail });
  const ran: number[] = [];
  queues.set('elsewhere', async ({ data: { n } }) => void ran.push(n));
  part.define('elsewhere', standard, null);
  await part.start({ work: true, owners: ['another'] });
  await part.check();
  await part.enqueue('elsewhere', { n: 1 });
  await until(() => ran.length === 1);
  await part.stop();
  const careless = createJobs(connection, { onError: fail });
  await assert.rejects(careless.start({ work: false, owners: ['another', 'plain'] }), /no definition for the queues that exist: plain$/);
  await careless.stop();
  const alone = createJobs(connection, { onError: fail });
  alone.define('elsewhere', standard, null);
  alone.define('elsewhere', standard, async () => {});
  assert.throws(() => alone.define('elsewhere', standard, null), /defined twice/);
});

test('what waits in a queue of a former name is done under the new one', async () => {
  const ran: number[] = [];
  const before = createJobs(connection, { onError: fail });
  before.define<Data>('moved', standard, null);
  await before.start({ work: false, owners: [] });
  await before.enqueue('moved', { n: 1 });
  await before.stop();
  const since = createJobs(connection, { onError: fail });
  since.define<Data>('moves.on', { ...standard, formerly: 'moved' }, async ({ data: { n } }) => void ran.push(n));
  await since.start({ work: true, owners: ['moves', 'moved'] });
  await until(() => ran.length === 1);
  assert.deepEqual(await connection.execute("select name from jobs.queue where name = 'moved'"), []);
  await since.stop();
  await connection.execute("delete from jobs.job where name = 'moves.on'");
  await connection.execute("select jobs.delete_queue('moves.on')");
});

test('who stops hands its jobs back: the attempt does not count, and another one follows', async () => {
  const { work, entered } = gate();
  const ran: [number, number][] = [];
  queues.set('given', async ({ data: { n }, attempt }) => void ran.push([n, attempt]));
  await jobs.stop();
  const leaving = createJobs(connection, { onError: fail });
  define(leaving, (job, queue) => (queue === 'given' ? work(job) : Promise.resolve()));
  await leaving.start({ work: true });
  await leaving.enqueue('given', { n: 5 });
  const [running] = await until(() => entered.length > 0 && entered);
  await leaving.stop();
  assert.equal(running && interruptionOf(running.signal), 'stopping');
  assert.equal(await stateOf('given'), 'created');
  const next = createJobs(connection, { onError: fail });
  define(next, (job, queue) => queues.get(queue)?.(job) ?? Promise.resolve());
  await next.start({ work: true });
  await until(() => ran.length === 1);
  assert.deepEqual(ran, [[5, 1]]);
  await next.stop();
});

test('who does not listen to its signal is left behind after the deadline of a stop', async () => {
  let entered = 0;
  const stubborn = createJobs(connection, { onError: fail });
  const { promise, resolve } = Promise.withResolvers<void>();
  define(stubborn, (_, queue) => {
    if (queue !== 'given') return Promise.resolve();
    entered++;
    return promise;
  });
  await stubborn.start({ work: true });
  await stubborn.enqueue('given', { n: 6 });
  await until(() => entered === 1);
  await stubborn.stop({ timeoutMs: 100 });
  assert.equal(await stateOf('given'), 'created');
  resolve();
  await new Promise((settled) => setImmediate(settled));
  await connection.execute(`delete from jobs.job where name = 'given'`);
});

test('a cancel reaches the process that runs the job', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const [here, there] = [await openAnother(t, url), await openAnother(t, url)];
  const { work, entered } = gate();
  const worker = await started(there, work, true);
  const front = await started(here, work, false);
  await front.enqueue('one', { n: 1 }, { jobKey: 'far' });
  const [running] = await until(() => entered.length > 0 && entered);
  await front.cancel('one', 'far');
  await until(() => running?.signal.aborted ?? false);
  assert.equal(running && interruptionOf(running.signal), 'canceled');
  await Promise.all([worker.stop(), front.stop()]);
});

async function started(over: Connection, work: Work, isWorker: boolean): Promise<Jobs> {
  const own = createJobs(over, { onError: fail });
  own.define<Data>('one', standard, work);
  await own.start({ work: isWorker });
  return own;
}

async function statesOf(queue: string): Promise<string[]> {
  const rows = await connection.execute('select state::text from jobs.job where name = $1 order by created_on', [queue]);
  return rows.map(({ state }) => String(state));
}
const stateOf = async (queue: string): Promise<string | undefined> => (await statesOf(queue)).at(-1);
