import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createEventLog } from '../../subgraphs/events.ts';
import type { GenerationId } from '../../subgraphs/ids.ts';
import type { EventBody } from '../../subgraphs/hairstyle/models.ts';
import { onPostgres, openAnother } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';
import { usageOf } from './gateway/contestants.ts';

/** Fewer where the system allows fewer open files. */
const idleSockets = Number(process.env['BENCH_SOCKETS'] ?? 9_000);
const watched = 1_000;
const eventsPerSecond = Number(process.env['BENCH_EVENTS'] ?? 1_000);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 10);
const atOnce = 100;

const query = 'subscription ($id: ID!) { generationProgress(id: $id) { seq at kind progress { stage percent } } }';
type Message = { type: string; payload?: { data?: { generationProgress: { seq: number; at: string; kind: string } } } };

/**
 * What subscriptions hold and how soon they hear: sockets with one subscription each on queued generations (no worker runs), then events that
 * another process commits to PostgreSQL, each heard by one subscriber. Needs TEST_DATABASE_URL for the second part. With BENCH_SECONDS=600, memory
 * is told every minute: it must not grow.
 */
export async function run(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const scope = { after: (end: () => Promise<void>) => void ends.unshift(end) };
  try {
    const server = await startServer(scope, { variables: { WORKERS: '0', COST_PER_MINUTE: '1000000000000', REQUESTS_PER_MINUTE: '1000000000' } });
    const { personalKey: key } = await server.demo();
    await server.upload(key, await smallPortrait(300));
    const generate = async () => (await server.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' })).replace('job_', 'gen_') as GenerationId;
    const ids = await inTurn(watched, generate);
    const url = `${server.url.replace('http', 'ws')}/graphql`;
    const delays: number[] = [];
    const onEvent = (at: string): void => void delays.push(Date.now() - Date.parse(at));
    const memory = (): number => usageOf(server.process() ?? assert.fail()).memoryMb;
    for (const id of ids) await open(url, key, id, onEvent);
    await sleep(2_000);
    const before = memory();
    await inTurn(idleSockets, (index) => open(url, key, ids[index % 10] ?? assert.fail(), () => undefined));
    await sleep(5_000);
    process.stdout.write(`${idleSockets} idle subscriptions more: ${((memory() - before) * 1024 / idleSockets).toFixed(1)} KB each\n`);
    if (!onPostgres) return void process.stdout.write('without TEST_DATABASE_URL nobody else can write events\n');
    const events = createEventLog<EventBody>(await openAnother(scope, server.databaseUrl), 'hairstyle');
    delays.length = 0;
    const telling = setInterval(() => process.stdout.write(`${memory().toFixed(0)} MB\n`), 60_000);
    const commits = await write(events, ids.slice(10)).finally(() => clearInterval(telling));
    await sleep(1_000);
    process.stdout.write(`${commits.length} events in ${seconds} s, ${delays.length} heard: ${spread(delays)} after the commit began; the commits alone: ${spread(commits)}; memory ${before.toFixed(0)} -> ${memory().toFixed(0)} MB\n`);
  } finally {
    for (const end of ends) await end();
  }
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
}

/** Appends to one stream after the other, at an even pace as far as the database keeps up; how long each commit took, in milliseconds. */
async function write(events: ReturnType<typeof createEventLog<EventBody>>, ids: readonly GenerationId[]): Promise<number[]> {
  const [startedAt, took] = [performance.now(), [] as number[]];
  let [sent, under] = [0, 0];
  for (let now = 0; now < seconds * 1_000; now = performance.now() - startedAt) {
    while (sent < now / 1_000 * eventsPerSecond && under < 8) {
      const generationId = ids[sent % ids.length] ?? assert.fail();
      const progress = { status: 'PROCESSING', stage: 'render', percent: 1, seq: 1, etaSeconds: null, updatedAt: new Date().toISOString() } as const;
      under += 1;
      sent += 1;
      const from = performance.now();
      void events.append(generationId, 'PROGRESS', { generationId, progress, imageId: null, failure: null, terminal: false }).then(() => took.push(performance.now() - from)).finally(() => (under -= 1));
    }
    await sleep(1);
  }
  return took;
}

/** Ready when the first event, the present state, was heard. */
function open(url: string, key: string, id: GenerationId, onEvent: (at: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    socket.on('error', reject).on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { 'x-api-key': key } })));
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      if (message.type === 'connection_ack') socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id } } }));
      else if (message.type === 'ping') socket.send('{"type":"pong"}');
      else if (message.type === 'error') reject(new Error(data.toString()));
      else if (message.type === 'next' && message.payload?.data) {
        const { at, kind } = message.payload.data.generationProgress;
        if (kind === 'SNAPSHOT') resolve();
        else onEvent(at);
      }
    });
  });
}

async function inTurn<Value>(count: number, make: (index: number) => Promise<Value>): Promise<Value[]> {
  const made: Value[] = [];
  for (let first = 0; first < count; first += atOnce) made.push(...await Promise.all(Array.from({ length: Math.min(atOnce, count - first) }, (_, index) => make(first + index))));
  return made;
}

if (import.meta.main) await run();
