import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { createJobs } from '../../subgraphs/jobs.ts';
import { type Operator, operatorCommands, parseOperatorCommand } from '../../subgraphs/operator.ts';
import { operatorOf, startSubgraphs } from '../../subgraphs/serve.ts';
import { createPlatform } from '../../subgraphs/platform.ts';
import { parseEnvironment } from '../../subgraphs/env.ts';
import { createTestDatabase, onPostgres, openTestConnection, until } from '../support/database.ts';
import { openBusiness } from '../support/salon.ts';
import { startServer } from '../support/server.ts';

type Ended = { code: number; stdout: string; stderr: string };
const admin = (env: Record<string, string>, ...words: string[]): Promise<Ended> => new Promise((resolve) => {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  execFile(process.execPath, [join(import.meta.dirname, '../../gateway/admin.ts'), ...words], { env: { ...inherited, LOG_LEVEL: 'error', ...env } }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }));
});
const field = (text: string, name: string): string => new RegExp(`^${name} +(\\S+)$`, 'm').exec(text)?.[1] ?? assert.fail(text);

test('beside the running server: a partner is created and can create businesses, credits are granted, keys listed and revoked', async (t) => {
  const server = await startServer(t);
  const env = { DATA_DIR: server.dataDir, DATABASE_URL: server.databaseUrl };
  const created = await admin(env, 'partner', 'create', '--name', 'Booking Ltd');
  assert.equal(created.code, 0, created.stderr);
  const key = field(created.stdout, 'key');
  const salon = await openBusiness(server, key);
  const granted = await admin(env, 'credits', 'grant', '--account', salon.slug, '--amount', '80', '--reason', 'Invoice 1');
  assert.deepEqual([granted.code, granted.stdout], [0, `${salon.id} has 100 credits available, 0 reserved.\n`]);
  const { viewer } = await server.gql<{ viewer: unknown }>(salon.key, '{ viewer { account { credits { available ledger(first: 1) { nodes { kind amount reason } } } } } }');
  assert.deepEqual(viewer, { account: { credits: { available: 100, ledger: { nodes: [{ kind: 'GRANT', amount: 80, reason: 'Invoice 1' }] } } } });
  const { stdout } = await admin(env, 'keys', 'list', '--account', field(created.stdout, 'account'));
  assert.match(stdout, new RegExp(`^${field(created.stdout, 'key id')}  \\S+  ak_\\*{22}${key.slice(-4)}  active  used \\S+  Partner key\n$`));
  assert.ok(!(await admin(env, 'keys', 'list')).stdout.includes(salon.key));
  assert.equal((await admin(env, 'keys', 'revoke', '--account', field(created.stdout, 'account'), '--key', field(created.stdout, 'key id'))).code, 0);
  assert.equal((await server.rest('/api/v1/admin/enterprise', { headers: { 'x-partner-api-key': key }, json: {} })).status, 401);
  assert.equal((await admin(env, 'jobs', 'failed')).stdout, 'No job has failed.\n');
  if (!onPostgres) assert.equal((await stat(join(server.dataDir, 'operator.sock'))).mode & 0o777, 0o600);
});

test('without a server the command opens the database itself, and what is wrong is said with code 1', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'admin-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const env = { DATA_DIR: dataDir, DATABASE_URL: onPostgres ? await createTestDatabase(t) : '' };
  const created = await admin(env, 'partner', 'create', '--name', 'Alone');
  assert.equal(created.code, 0, created.stderr);
  assert.match((await admin(env, 'keys', 'list')).stdout, /Partner key/);
  for (const [words, message] of [
    [['partner'], /^There is no command partner\.\nCommands:/], [['partner', 'create'], /^--name is missing\.\n {2}npm run admin -- partner create --name …\n {6}.+\n$/], [['credits', 'grant'], /^--account and --amount are missing\.\n/], [['partner', 'create', '--nome', 'x'], /--nome is not an option/], [['partner', 'create', '--name', ' '], /name must not be empty/],
    [['credits', 'grant', '--account', 'nobody', '--amount', '5'], /No account nobody/], [['credits', 'grant', '--account', field(created.stdout, 'account'), '--amount', '-5'], /whole number/],
  ] as const) {
    const { code, stderr, stdout } = await admin(env, ...words);
    assert.deepEqual([code, stdout], [1, ''], words.join(' '));
    assert.match(stderr, message);
  }
});

test('asked for help it names every command, touches nothing and ends with 0', async () => {
  for (const words of [[], ['--help'], ['credits', 'grant', '--help']]) {
    const { code, stdout, stderr } = await admin({ DATA_DIR: '/proc/nowhere' }, ...words);
    assert.deepEqual([code, stderr], [0, '']);
    for (const name of Object.keys(operatorCommands)) assert.ok(stdout.includes(`npm run admin -- ${name}`), name);
  }
});

test('failed jobs are listed and tried again', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'operator-'));
  const env = parseEnvironment({ DATA_DIR: dataDir, NODE_ENV: 'test', LOG_LEVEL: 'silent', WORKERS: '1' });
  // The platform closes its connection itself; the database is dropped last.
  const drops: (() => Promise<void>)[] = [];
  const ownScope = { after: (drop: () => Promise<void>) => void drops.push(drop) };
  const connection = onPostgres ? await openConnection({ databaseUrl: await createTestDatabase(ownScope), dataDir: null }) : await openTestConnection({ after: () => undefined });
  const platform = await createPlatform(env, { connection });
  t.after(async () => {
    await platform.stop();
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  let isBroken = true;
  let done = 0;
  platform.jobs.define('test.lamp', { concurrency: 1, retryLimit: 0, deadlineSeconds: 10 }, async () => {
    if (isBroken) throw new Error('the lamp is broken');
    done += 1;
  });
  await startSubgraphs(platform);
  const operator: Operator = operatorOf(platform);
  await platform.jobs.enqueue('test.lamp', { lamp: 1 });
  const [line = ''] = await until(async () => {
    const lines = await operator['jobs failed']({ queue: 'test.lamp' });
    return lines[0]?.includes('lamp') && lines;
  }) || [];
  assert.match(line, /^test\.lamp {2}\S+ {2}\S+ {2}1 attempts {2}the lamp is broken$/);
  isBroken = false;
  const { command, options } = parseOperatorCommand(['jobs', 'retry', '--queue', 'test.lamp', '--job', line.split('  ')[1] ?? '']);
  await operator[command](options);
  await until(() => done === 1);
  await assert.rejects(operator['jobs retry']({ queue: 'test.lamp', job: 'none' }), { code: 'NOT_FOUND' });
});

test('beside the running server: a job that failed is listed, tried again, and done', async (t) => {
  const server = await startServer(t);
  const env = { DATA_DIR: server.dataDir, DATABASE_URL: server.databaseUrl };
  const whileStopped = async (work: (connection: Connection) => Promise<unknown>): Promise<void> => {
    await server.end('SIGTERM');
    const connection = await openConnection({ databaseUrl: server.databaseUrl, dataDir: onPostgres ? null : server.dataDir });
    try {
      await work(connection);
    } finally {
      await connection.close();
    }
    await server.start();
  };
  const links = 'select count(*)::int as n from enterprise.sign_in_link';
  // What is to be forgotten cannot be, for the moment.
  await whileStopped(async (connection) => {
    await connection.execute(`insert into enterprise.sign_in_link (id, email_key, token_sha256, expires_at) values ('link_1', 'late@example.org', 'x', now())`);
    await connection.execute(`create function enterprise.refuse() returns trigger language plpgsql as $$ begin raise exception 'the lamp is broken'; end $$;
      create trigger refuse before delete on enterprise.sign_in_link for each row execute function enterprise.refuse()`);
    const jobs = createJobs(connection, { onError: (error) => assert.fail(String(error)) });
    jobs.define('enterprise.upkeep', { concurrency: 1, retryLimit: 1, deadlineSeconds: 600, schedule: '26 * * * *' }, null);
    await jobs.start({ work: false, owners: [] });
    await jobs.enqueue('enterprise.upkeep', {});
    await jobs.stop();
  });
  const failed = async (): Promise<string> => (await admin(env, 'jobs', 'failed', '--queue', 'enterprise.upkeep')).stdout;
  const line = await until(async () => (await failed()).includes('the lamp is broken') && failed());
  assert.match(line, /^enterprise\.upkeep {2}\S+ {2}\S+ {2}2 attempts {2}the lamp is broken\n$/);
  await whileStopped(async (connection) => connection.execute('drop trigger refuse on enterprise.sign_in_link'));
  const again = await admin(env, 'jobs', 'retry', '--queue', 'enterprise.upkeep', '--job', line.split('  ')[1] ?? '');
  assert.deepEqual([again.code, again.stderr], [0, '']);
  await until(async () => (await failed()) === 'No job has failed.\n');
  await whileStopped(async (connection) => assert.deepEqual(await connection.execute(links), [{ n: 0 }]));
  const unknown = await admin(env, 'jobs', 'retry', '--queue', 'enterprise.upkeep', '--job', 'none');
  assert.deepEqual([unknown.code, /has no failed job none/.test(unknown.stderr)], [1, true]);
});
