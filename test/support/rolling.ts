import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import autocannon from 'autocannon';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Demo } from '../../gateway/demo-data.ts';
import { startBalancer } from './balancer.ts';
import { createTestDatabase, until } from './database.ts';
import { smallPortrait } from './photos.ts';
import { createTestClient } from './platform.ts';
import { freePort, type Process, type ProcessOptions, startProcess } from './process.ts';

type Scope = { after(work: () => Promise<void>): void };
export type Load = { subscriptions: number; generations: number; requestsPerSecond: number };
export type Report = {
  /** Of autocannon. */
  requests: number; non2xx: number; errors: number; timeouts: number;
  /** What the balancer could not deliver. */
  lost: readonly string[];
  exitCodes: readonly (number | null)[];
  /** How often sockets were closed, by code. */
  closes: Readonly<Record<string, number>>;
  /** Subscriptions whose numbers are not 1, 2, 3 … to the last. */
  broken: readonly string[];
  events: number; completed: number; handedBack: number; charged: number; reserved: number; seconds: number;
};

const styles = ['817941', '462817'];
const subscription = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq terminal } }';
type Event = { generationProgress: { seq: number; terminal: boolean } };

/** Two gateways behind a balancer and two workers on one PostgreSQL, stopped properly and started again one after the other, while clients ask, submit and listen. */
export async function rollUnderLoad(scope: Scope, { subscriptions, generations, requestsPerSecond }: Load): Promise<Report> {
  const startedAt = performance.now();
  const site = await openSite(scope);
  const { key, url } = site;
  const { credits: before } = await creditsOf(site);
  const load = autocannon({
    url: `${url}/graphql`, connections: 10, duration: 600, overallRate: requestsPerSecond, method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key }, body: JSON.stringify({ query: '{ hairstyle(id: "817941") { id description } }' }),
  });
  try {
    const { ids, closes, seen, exitCodes, workers } = await roll(site, subscriptions, generations);
    const ended = await Promise.all(ids.map(async (id) => site.ended(key, id)));
    load.stop();
    const { requests, non2xx, errors, timeouts } = await load;
    const { credits: after } = await creditsOf(site);
    return {
      requests: requests.total, non2xx, errors, timeouts, lost: site.balancer.lost, exitCodes, closes, events: seen.reduce((sum, { numbers }) => sum + numbers.length, 0),
      broken: brokenOf(seen, new Map(ended.map(({ body }, at) => [ids[at] ?? '', body.data.progress?.seq ?? 0]))),
      completed: ended.filter(({ body: { data } }) => data.status === 'completed' && data.images.length === styles.length).length,
      handedBack: workers.reduce((sum, { output }) => sum + output().split('"outcome":"stopping"').length - 1, 0),
      charged: before.available - after.available, reserved: after.reserved, seconds: Math.round((performance.now() - startedAt) / 1000),
    };
  } finally {
    load.stop();
  }
}

type Seen = { id: string; numbers: number[] };

/**
 * Half of the generations are submitted and listened to while no worker is there, so that none ends before the gateways are stopped and started
 * again, however quick the machine is. Then come the workers and the other generations, and while one is in hand each of them is stopped, too.
 */
async function roll(site: Site, subscriptions: number, generations: number) {
  const { key, generate, gateways, balancer } = site;
  const ids: string[] = [];
  const submit = async (count: number): Promise<void> => {
    for (let at = 0; at < count && ids.length < generations; at++) {
      ids.push(await generate(key, { mode: 'live', styles, image_name: 'me.jpg' }).catch((error: unknown) => assert.fail(`a submit was lost: ${String(error)}; ${balancer.lost.join('; ')}`)));
    }
  };
  await submit(Math.ceil(generations / 2));
  const closes: Record<string, number> = {};
  const seen: Seen[] = Array.from({ length: subscriptions }, (_, at) => ({ id: ids[at % ids.length] ?? '', numbers: [] }));
  // A few at a time, as clients come; each says who it is within three seconds.
  const listening: Promise<void>[] = [];
  for (const [at, each] of seen.entries()) {
    listening.push(listen(site, each, closes));
    if (at % 20 === 19) await until(() => seen.slice(0, at).every(({ numbers }) => numbers.length > 0), 120_000);
  }
  await until(() => seen.every(({ numbers }) => numbers.length > 0), 120_000);
  const exitCodes: (number | null)[] = [];
  for (const gateway of gateways) {
    exitCodes.push(await gateway.restart());
    await submit(Math.ceil(generations / 8));
  }
  await submit(generations);
  const workers = await site.startWorkers();
  for (const worker of workers) {
    await until(async () => (await countRunning(site, ids)) > 0, 120_000);
    exitCodes.push(await worker.restart());
  }
  await Promise.all(listening);
  return { ids, closes, seen, exitCodes, workers };
}

async function countRunning({ rest, key }: Site, ids: readonly string[]): Promise<number> {
  const answers = await Promise.all(ids.map(async (id) => rest<{ data: { status: string } | null }>(`/api/v1/generation/${id}`, { key })));
  return answers.filter(({ body }) => body.data?.status === 'processing').length;
}

function brokenOf(seen: readonly Seen[], lasts: ReadonlyMap<string, number>): string[] {
  return seen.flatMap(({ id, numbers }) => {
    const wanted = Array.from({ length: lasts.get(id) ?? 0 }, (_, index) => index + 1);
    return JSON.stringify(numbers) === JSON.stringify(wanted) ? [] : [`${numbers.join(' ')} of ${wanted.length}`];
  });
}

type Site = Awaited<ReturnType<typeof openSite>>;
type Restarting = { restart(): Promise<number | null>; output(): string };

async function openSite(scope: Scope) {
  const dataDir = await mkdtemp(join(tmpdir(), 'rolling-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = await createTestDatabase({ after: (drop) => drops.push(drop) });
  const [port, ...ports] = [await freePort(), await freePort(), await freePort()];
  const shared = {
    DATA_DIR: dataDir, DATABASE_URL: databaseUrl, DATABASE_POOL: '6', NODE_ENV: 'development', LOG_LEVEL: 'info', RENDER_WORKERS: '1', PUBLIC_URL: `http://127.0.0.1:${port}`,
    STOP_DELAY: '3000', COST_PER_MINUTE: '100000000',
  };
  const running = new Set<Process>();
  let hasEnded = false;
  scope.after(async () => {
    hasEnded = true;
    await Promise.all([...running].map((process) => process.end('SIGKILL')));
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (options: Omit<ProcessOptions, 'env'>, env: Record<string, string>, isBack: () => Promise<unknown>): Promise<Restarting> => {
    const begin = async (): Promise<Process> => {
      const process = await startProcess({ ...options, env: { ...shared, ...env } });
      running.add(process);
      return process;
    };
    let [process, said] = [await begin(), ''];
    return {
      output: () => said + process.output(),
      async restart() {
        running.delete(process);
        const code = await process.end('SIGTERM');
        said += process.output();
        process = await begin();
        await isBack();
        return code;
      },
    };
  };
  const gateways: Restarting[] = [];
  for (const [at, each] of ports.entries()) gateways.push(await start({ args: ['gateway/main.ts'], ready: 'Lookgraph is ready' }, { PORT: String(each), WORKERS: '0' }, async () => until(() => balancer.isReady(at))));
  const worker = { args: ['subgraphs/main.ts', 'workers'], ready: 'The workers are ready' } as const;
  const startWorkers = async () => [await start(worker, { WORKERS: '2' }, async () => undefined), await start(worker, { WORKERS: '2' }, async () => undefined)];
  const balancer = await startBalancer(scope, ports, port);
  await until(() => balancer.ready() === 2);
  const url = `http://127.0.0.1:${port}`;
  const client = createTestClient(url);
  const { personalKey: key } = JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
  assert.equal((await client.upload(key, await smallPortrait(300))).status, 200);
  return { ...client, url, key, gateways, startWorkers, balancer, isEnded: () => hasEnded };
}

async function creditsOf({ gql, key }: Site): Promise<{ credits: { available: number; reserved: number } }> {
  return (await gql<{ viewer: { account: { credits: { available: number; reserved: number } } } }>(key, '{ viewer { account { credits { available reserved } } } }')).viewer.account;
}

/** Follows a generation to its end, and comes back behind the last event that it saw as often as the socket is closed. */
async function listen({ url, key, isEnded }: Site, { id, numbers }: Seen, closes: Record<string, number>): Promise<void> {
  for (let isOver = false; !isOver && !isEnded();) {
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0,
      on: { closed: (event) => {
        const { code } = event as { code: number };
        if (code !== 1000) closes[code] = (closes[code] ?? 0) + 1;
      } },
    });
    try {
      for await (const { data, errors } of client.iterate<Event>({ query: subscription, variables: { id, afterSeq: numbers.at(-1) ?? 0 } })) {
        assert.ok(data, JSON.stringify(errors));
        numbers.push(data.generationProgress.seq);
        isOver ||= data.generationProgress.terminal;
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await pause(100 + Math.random() * 400);
    } finally {
      await client.dispose();
    }
  }
}
