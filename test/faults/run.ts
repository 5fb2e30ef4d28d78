import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { createCredits } from '../../subgraphs/credits.ts';
import { openConnection } from '../../subgraphs/database.ts';
import { createAccounts } from '../../subgraphs/enterprise/index.ts';
import { createKeys, defaultScopes } from '../../subgraphs/keys.ts';
import { createRandom, type Random } from '../fuzz/random.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient, inTurn } from '../support/platform.ts';
import { freePort } from '../support/process.ts';
import { createCluster } from './cluster.ts';
import { type Ended, keepRunning } from './crew.ts';
import { mountDisk } from './disk.ts';
import { findViolations } from './invariants.ts';
import { type Load, startLoad, type Tenant } from './load.ts';
import { faults, possibleFaults, type Site } from './mischief.ts';
import { startProxy } from './proxy.ts';
import { type Receiver, startReceiver } from './receiver.ts';

export type FaultRun = { seed: number; /** Of load and faults; what follows is not counted. */ seconds: number; /** Ends earlier with so many. */ jobs?: number; /** Ends not before so many faults, which are spread over `jobs`; without it they come as quickly as the rest of it recovers. */ faults?: number; /** Faults by name; all that are possible by default. */ only?: readonly string[]; say: (line: string) => void };
export type Report = {
  jobs: number; ends: Record<string, number>; faults: number; followers: number; drops: number; losses: number; attempts: number; longestOutageMs: number; drainedMs: number; toldMs: number; violations: string[];
};

/** Of the disk: what a run of some minutes needs, and more for each job of one that says how many. */
const [diskMb, diskMbOfJob] = [1200, 0.15];
const clocks = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
/** Of those that are drawn quickest. */
const styles = ['405168', '706951', '614253'];
const tenantCount = 6;
const granted = 1_000_000;
const drainWithinMs = 900_000;

/** Lets everything go wrong while there is work to do, then lets it come to rest, and looks what became of it. */
export async function runFaults({ seed, seconds, jobs = Infinity, faults: wanted = 0, only, say }: FaultRun): Promise<Report> {
  const [random, ends, ended] = [createRandom(seed), [] as (() => unknown)[], [] as Ended[]];
  try {
    const { site, urls, receiver } = await openSite(seed, Number.isFinite(jobs) ? jobs : 0, ended, ends);
    const { tenants, database } = await openTenants(site, urls[0] ?? '', ends);
    const stopping = new AbortController();
    const load = startLoad({
      next: inTurn(urls), tenants, styles, random: createRandom(seed + 1), mostOpen: 60, canceled: 25, signal: stopping.signal,
      callback: (key) => `http://127.0.0.1:${receiver.port}/${key}`, told: () => receiver.taken.size,
    });
    const count = await makeTrouble(site, random, { until: performance.now() + seconds * 1000, isEnough: (faults) => load.acked() >= jobs && faults >= wanted, jobsApart: wanted > 0 && jobs < Infinity ? jobs / wanted : 0, only }, load, say);
    stopping.abort();
    await load.ended;
    const { drainedMs, toldMs } = await drain(await database(), load, say);
    const followed = await Promise.all(load.submits.flatMap((submit) => submit.followed ?? []));
    const client = await database();
    const violations = [
      ...ended.map(({ name, output }) => `${name} ended by itself:\n${output}`), ...load.odd,
      ...await findViolations({ database: client, tenants, submits: load.submits, followed, receiver, pathOf: (key) => `/${key}`, hasFile: (key) => existsSync(join(site.disk.folder, 'data/blobs', key.slice(0, 2), key, 'original')) }),
    ];
    const { rows } = await client.query<{ status: string; n: number }>('select status, count(*)::int as n from hairstyle.generation group by 1 order by 1');
    return {
      jobs: load.acked(), ends: Object.fromEntries(rows.map(({ status, n }) => [status, n])), faults: count, followers: followed.length, drops: sum(followed.map(({ dropped }) => dropped)), losses: sum(followed.map(({ lost }) => lost)),
      attempts: receiver.attempts(), longestOutageMs: load.longestOutageMs(), drainedMs, toldMs, violations,
    };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** A PostgreSQL, two gateways and two workers on a small disk, behind proxies that are ours. */
async function openSite(seed: number, jobs: number, ended: Ended[], ends: (() => unknown)[]): Promise<{ site: Site; urls: readonly string[]; receiver: Receiver }> {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  // PostgreSQL runs as another user.
  chmodSync(folder, 0o755);
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const disk = mountDisk(join(folder, 'disk'), Math.round(diskMb + jobs * diskMbOfJob));
  ends.push(() => disk.remove());
  const dataDir = join(disk.folder, 'data');
  mkdirSync(dataDir);
  const cluster = await createCluster(disk.folder);
  ends.push(() => cluster.kill());
  await cluster.start();
  const [receiver, ports] = [await startReceiver(seed + 2), [await freePort(), await freePort()]];
  const [toDatabase, ...toGateways] = [await startProxy(cluster.port), ...await Promise.all(ports.map(startProxy))];
  ends.push(() => receiver.stop(), () => toDatabase.stop(), () => toGateways.forEach((way) => way.stop()));
  const clockFile = existsSync(clocks) ? join(folder, 'clock') : null;
  if (clockFile) writeFileSync(clockFile, '+0');
  const urls = toGateways.map(({ port }) => `http://127.0.0.1:${port}`);
  const shared = {
    DATA_DIR: dataDir, DATABASE_URL: cluster.url.replace(`:${cluster.port}`, `:${toDatabase.port}`), NODE_ENV: 'development', LOG_LEVEL: 'error', RENDER_WORKERS: '1', PUBLIC_URL: urls[0] ?? '',
    SIGNING_SECRET: 'the secret of those who break things', OUTBOUND_ALLOW: `127.0.0.1:${receiver.port}`,
    ...clockFile && { LD_PRELOAD: clocks, FAKETIME_TIMESTAMP_FILE: clockFile, FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
  };
  const onEnded = (one: Ended): void => void ended.push(one);
  const gateways = ports.map((port, index) => keepRunning(`gateway ${index + 1}`, { args: ['gateway/main.ts'], ready: 'Lookgraph is ready', env: { ...shared, PORT: String(port), WORKERS: '0' } }, onEnded));
  ends.push(() => Promise.all(gateways.map((member) => member.stop())));
  await Promise.all(gateways.map(({ ready }) => ready));
  const workers = [1, 2].map((number) => keepRunning(`worker ${number}`, { args: ['subgraphs/main.ts', 'workers'], ready: 'The workers are ready', env: { ...shared, WORKERS: '4' } }, onEnded));
  ends.push(() => Promise.all(workers.map((member) => member.stop())));
  await Promise.all(workers.map(({ ready }) => ready));
  return { site: { cluster, gateways, workers, toDatabase, toGateways, disk, clockFile }, urls, receiver };
}

/** Accounts with more credits than they can use, each with a photo. `database` gives a connection that nobody disturbs. */
async function openTenants({ cluster }: Site, url: string, ends: (() => unknown)[]): Promise<{ tenants: Tenant[]; database: () => Promise<Client> }> {
  const connection = await openConnection({ databaseUrl: cluster.url, dataDir: null, poolSize: 2 });
  const [keys, credits] = [await createKeys(connection), createCredits(connection)];
  const tenants: Tenant[] = [];
  for (let number = 0; number < tenantCount; number += 1) tenants.push(await connection.transaction(async () => {
    const accountId = await createAccounts(connection).createAccount({ kind: 'personal', name: 'Test' });
    await credits.grant(accountId, granted, 'test');
    const { secret } = await keys.issue({ accountId, accountKind: 'personal', name: 'Test', scopes: defaultScopes('personal'), expiresAt: null });
    return { accountId, key: secret, granted };
  }));
  await keys.close();
  await connection.close();
  const [{ upload }, photo] = [createTestClient(url), await smallPortrait(260)];
  for (const { key } of tenants) assert.equal((await upload(key, photo)).status, 200);
  const database = async (): Promise<Client> => {
    const client = new Client({ connectionString: cluster.url });
    client.on('error', () => undefined);
    await client.connect();
    ends.push(() => client.end().catch(() => undefined));
    return client;
  };
  return { tenants, database };
}

type Trouble = { until: number; isEnough: (faults: number) => boolean; /** Jobs that are acknowledged between two faults, at least. */ jobsApart: number; only: readonly string[] | undefined };

/** One fault after another, each kind once before one comes again; how many. */
async function makeTrouble(site: Site, random: Random, { until, isEnough, jobsApart, only }: Trouble, load: Load, say: (line: string) => void): Promise<number> {
  const names = possibleFaults(site, say).filter((name) => only === undefined || only.includes(name));
  if (names.length === 0) throw new Error(`nothing of this can be made to go wrong here: ${only?.join(', ')}`);
  let [count, bag] = [0, [] as string[]];
  while (performance.now() < until && !isEnough(count)) {
    await pause(1000 + random.below(4000));
    while (load.acked() < count * jobsApart && performance.now() < until) await pause(100);
    if (bag.length === 0) bag = [...names];
    const [name = ''] = bag.splice(random.below(bag.length), 1);
    count += 1;
    say(`${count}. ${name} (${load.acked()} jobs)`);
    await faults[name]?.(site, random);
    // Now and then the next one comes while something is still starting.
    if (random.below(4) > 0) await untilUp(site, load);
  }
  return count;
}

/** All processes run, and one more submit was acknowledged; or nothing of that for two minutes. */
async function untilUp({ gateways, workers }: Site, load: Load): Promise<void> {
  const [until, acked] = [performance.now() + 120_000, load.acked()];
  const isUp = (): boolean => load.isWaiting() || (load.acked() > acked && [...gateways, ...workers].every((member) => member.isUp()));
  while (!isUp() && performance.now() < until) await pause(100);
}

/** Waits until nothing is open any more; how long jobs took, and how long until the last was told of. */
async function drain(database: Client, load: Load, say: (line: string) => void): Promise<{ drainedMs: number; toldMs: number }> {
  const from = performance.now();
  const open = async (statement: string): Promise<number> => Number((await database.query<{ n: string }>(statement)).rows[0]?.n);
  const wait = async (what: string, statement: string): Promise<number> => {
    for (let left = await open(statement); left > 0 && performance.now() - from < drainWithinMs; left = await open(statement)) await pause(250);
    say(`${what} after ${Math.round((performance.now() - from) / 1000)} s`);
    return performance.now() - from;
  };
  say(`${load.acked()} jobs are acknowledged; now everything comes to rest`);
  const drainedMs = await wait('all jobs have ended', "select count(*) as n from hairstyle.generation where status in ('QUEUED', 'PROCESSING')");
  const waiting = "select count(*) as n from enterprise.webhook_delivery where state = 'WAITING'";
  // What failed twice comes again in five minutes: for those deliveries, they pass now.
  await database.query("update enterprise.webhook_delivery set next_attempt_at = now() where state = 'WAITING' and next_attempt_at between now() + interval '30 seconds' and now() + interval '10 minutes'");
  const toldMs = await wait('all is told', waiting);
  await pause(1500);
  return { drainedMs, toldMs };
}
