import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { styles } from '../../subgraphs/hairstyle/catalogue/styles.ts';
import { portrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';

const everyMs = 5;
const idleMs = 5_000;
const generations = 3;
const document = JSON.stringify({ query: '{ hairstyle(id: "817941") { id description } }' });

/** How long a trivial query takes while the same process draws: the program as `npm start` runs it, a query every few milliseconds, one after the other. */
export async function run(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const server = await startServer({ after: (end) => ends.push(end) }, { variables: { RENDER_WORKERS: '' } });
    const { personalKey: key } = await server.demo();
    await server.upload(key, await portrait());
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (): Promise<number> => askOnce(agent, server.url);
    for (let count = 0; count < 500; count++) await ask();
    const idle = await measureUntil(ask, sleep(idleMs));
    const chosen = styles.slice(0, 8).map(({ id }) => id);
    const busy: number[] = [];
    for (let round = 0; round < generations; round++) {
      const id = await server.generate(key, { mode: 'live', styles: chosen, image_name: 'me.jpg' });
      busy.push(...await measureUntil(ask, server.ended(key, id)));
    }
    agent.destroy();
    process.stdout.write(`${row('idle', idle)}\n${row('8 styles being drawn', busy)}\n`);
  } finally {
    for (const end of ends) await end();
  }
}

async function measureUntil(ask: () => Promise<number>, end: Promise<unknown>): Promise<number[]> {
  const over = new AbortController();
  const ended = end.finally(() => over.abort());
  const tookMs: number[] = [];
  while (!over.signal.aborted) {
    tookMs.push(await ask());
    await sleep(everyMs);
  }
  await ended;
  return tookMs;
}

/** Milliseconds from the call to the last byte of the answer. */
async function askOnce(agent: Agent, url: string): Promise<number> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(new URL('/graphql', url), { agent, method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      answer.resume().on('error', reject).on('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - startedAt);
        else reject(new Error(`${answer.statusCode} instead of 200`));
      });
    });
    sent.on('error', reject).end(document);
  });
}

function row(name: string, tookMs: readonly number[]): string {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1));
  return `${name.padEnd(24)} ${String(sorted.length).padStart(6)} queries   p50 ${p50} ms   p99 ${p99} ms   longest ${most} ms`;
}

if (import.meta.main) await run();
