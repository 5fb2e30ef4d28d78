import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startBalancer } from '../support/balancer.ts';
import { interpolated, readCompose, readDockerfile } from '../support/compose.ts';
import { createTestDatabase, onPostgres, until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient } from '../support/platform.ts';
import { freePort, type Process, startProcess } from '../support/process.ts';
import { openBusiness } from '../support/salon.ts';
import { startBucket } from '../support/s3.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '../..');
const readiness: Record<string, string> = { gateway: 'Lookgraph is ready', workers: 'The workers are ready' };

type Container = { service: string; command: string[]; env: Record<string, string> };

/** Every container of docker-compose.yml that runs our image, as a process: its command and environment, with addresses of this machine for the names of hosts. */
async function containersOf(t: TestContext, { databaseUrl, bucket, port }: { databaseUrl: string; bucket: Awaited<ReturnType<typeof startBucket>>; port: number }): Promise<Container[]> {
  const { services } = readCompose();
  const image = readDockerfile();
  const given = { POSTGRES_PASSWORD: 'secret', SIGNING_SECRET: '0123456789abcdef'.repeat(4), S3_SECRET_ACCESS_KEY: bucket.secretAccessKey, PUBLIC_URL: `http://127.0.0.1:${port}` };
  const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
  const addresses = new Map(await Promise.all(ours.map(async ([name]) => [name, await freePort()] as const)));
  const local = (value: string): string => value
    .replace(/^postgres:\/\/.*@postgres:5432\/.*$/, databaseUrl).replace('http://storage:9000/lookgraph', bucket.url)
    .replace(/http:\/\/([a-z]+):4000\//, (whole, host: string) => (addresses.has(host) ? `http://127.0.0.1:${addresses.get(host)}/` : whole));
  const containers: Container[] = [];
  for (const [service, { command = image.command, environment = {}, deploy }] of ours) {
    for (let replica = 0; replica < (deploy?.replicas ?? 1); replica++) {
      const dataDir = await mkdtemp(join(tmpdir(), `${service}-`));
      t.after(() => rm(dataDir, { recursive: true, force: true }));
      const asked = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, local(interpolated(value, given))]));
      // What only a machine of its own allows: the same ports and folders for all. The rest is as it is there.
      const own = { PORT: String(replica === 0 ? addresses.get(service) : await freePort()), ADMIN_PORT: String(await freePort()), HOST: '127.0.0.1', DATA_DIR: dataDir, RENDER_WORKERS: '1', DATABASE_POOL: '4', S3_REGION: bucket.region, S3_ACCESS_KEY_ID: bucket.accessKeyId };
      containers.push({ service, command, env: { ...image.env, ...asked, ...own } });
    }
  }
  return containers;
}

test('the containers of docker-compose.yml, run as processes, are one product: a business, an upload, a generation with its events, pictures from any gateway', { timeout: 500_000, skip: !onPostgres && 'only PostgreSQL can be shared' }, async (t) => {
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = await createTestDatabase({ after: (drop) => drops.push(drop) });
  const bucket = await startBucket({ after: (stop) => t.after(stop) });
  const port = await freePort();
  const containers = await containersOf(t, { databaseUrl, bucket, port });
  const running: Process[] = [];
  t.after(async () => {
    await Promise.all(running.map((each) => each.end('SIGKILL')));
    for (const drop of drops) await drop();
  });
  assert.deepEqual(containers.map(({ service }) => service), ['gateway', 'gateway', 'enterprise', 'hairstyle', 'headshot', 'skinshade', 'workers', 'workers']);
  await Promise.all(containers.map(async ({ service, command: [program, file = '', ...args], env }) => {
    assert.equal(program, 'node');
    running.push(await startProcess({ args: [file, ...args], env, ready: readiness[service] ?? `The subgraph ${service} is ready`, startWithinMs: 300_000 }));
  }));
  const health = readDockerfile().healthcheck;
  for (const { service, env } of containers) await until(async () => run(process.execPath, health.slice(1), { env }).then(() => true, () => false), 60_000).catch(() => assert.fail(`${service} is not healthy`));

  const balancer = await startBalancer({ after: (stop) => t.after(stop) }, containers.filter(({ service }) => service === 'gateway').map(({ env }) => Number(env['PORT'])), port);
  await until(() => balancer.ready() === 2);
  const client = createTestClient(`http://127.0.0.1:${port}`);
  const [gateway] = containers;
  assert.ok(gateway);
  const { stdout } = await run(process.execPath, [join(project, 'gateway/admin.ts'), 'partner', 'create', '--name', 'Booking Ltd'], { env: { ...gateway.env, PATH: process.env['PATH'] } });
  const salon = await openBusiness(client, /^key +(\S+)$/m.exec(stdout)?.[1] ?? assert.fail(stdout));
  assert.equal((await client.upload(salon.key, await smallPortrait(300))).status, 200);
  const id = await client.generate(salon.key, { mode: 'live', styles: ['817941', '462817'], image_name: 'me.jpg' });
  const feed = createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': salon.key }, retryAttempts: 0 });
  const numbers: number[] = [];
  for await (const { data } of feed.iterate<{ generationProgress: { seq: number } }>({ query: 'subscription ($id: ID!) { generationProgress(id: $id, afterSeq: 0) { seq } }', variables: { id } })) numbers.push(data?.generationProgress.seq ?? 0);
  await feed.dispose();
  assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
  const { body } = await client.ended(salon.key, id);
  assert.deepEqual([body.data.status, body.data.images.length], ['completed', 2]);
  for (const url of [...body.data.images, ...body.data.images]) {
    const picture = await client.send(new URL(url).pathname + new URL(url).search);
    assert.equal(picture.status, 200);
    assert.equal(Buffer.from(await picture.arrayBuffer()).subarray(0, 2).toString('hex'), 'ffd8');
  }
  assert.deepEqual([balancer.lost, bucket.forged], [[], []]);
  const codes = await Promise.all(running.splice(0).map((each) => each.end('SIGTERM')));
  assert.deepEqual(codes, codes.map(() => 0), 'all of them stop properly');
});
