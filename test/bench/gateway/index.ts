import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { type Contestant, contestantNames, startContestant, usageOf } from './contestants.ts';
import { installPeers } from '../../support/peers.ts';
import { deepQuery, shopSupergraph } from './shop.ts';

/**
 * The well-known benchmark of federated gateways: one deep query, seven calls to four remote subgraphs, an answer of 84 KB. Requests per CPU second of
 * the gateway's process (all threads), the best of rounds taken in turn, because what a neighbour takes is no property of ours; latency and
 * memory of the same round. `BENCH_ONLY` names contestants, divided by semicolons; `BENCH_CONNECTIONS`, `BENCH_SECONDS`, `BENCH_WARM_UP` and `BENCH_ROUNDS` change the rest.
 *
 * Where the time of `lookgraph` goes (CPU profile, 50 connections, rounded by eye): a third to system calls and sockets of the seven calls, a fifth to
 * JSON.parse of the subgraphs' answers, about a tenth each to garbage collection, writing the answer, finding and completing entities, and the request.
 *
 * What was done for speed, without a measure of each alone: equal references to one entity become one object where the plan allows it
 * (shared-places.ts); the answer is written into bytes without objects and strings between (byte-projection.ts); paths and keys are read by generated
 * code; no abort signal fires after an answer that was sent whole; answers without a backslash need no escaping, which nobody then looks for.
 * What did not help in runs of single parts on a busy machine: putting the answer together from strings (at 50 connections the garbage collector carries
 * the pieces of all answers along); a larger young generation, 32 or 64 MB; escaping short strings by a native call; writing head and body as one string.
 *
 * Seen again at 50 connections, without what waits: writing to sockets 24 %, JSON.parse and the texts around it 14 %, generated code that finds and writes 16 %,
 * Node's own streams, HTTP and buffers 15 %, garbage collection 11 %, our HTTP client 7 %, entities 8 %, the rest of the gateway 5 %. By hand makes
 * the same seven calls over the same client, so that most of this is its own as well.
 */
export async function run(): Promise<void> {
  const mock = fork(join(import.meta.dirname, 'mock.ts'));
  const [{ port }] = await once(mock, 'message') as [{ port: number }];
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const base = `http://127.0.0.1:${port}`;
  const supergraph = join(folder, 'supergraph.graphql');
  writeFileSync(supergraph, shopSupergraph(base));
  const names = process.env['BENCH_ONLY']?.split(';') ?? contestantNames;
  const peers = names.some((name) => /apollo|hive/.test(name)) ? installPeers() : '';
  const started: Contestant[] = [];
  try {
    for (const name of names) started.push(await startContestant(name, { supergraph, base, peers }, body));
    await compareAnswers(started);
    for (const contestant of started) await load(contestant, 32, setting('WARM_UP', 10));
    for (const connections of (process.env['BENCH_CONNECTIONS'] ?? '1,32,50,256').split(',').map(Number)) print(connections, await measure(started, connections));
  } finally {
    for (const { child } of started) child.kill('SIGKILL');
    mock.kill();
    rmSync(folder, { recursive: true });
  }
}

const body = JSON.stringify({ query: deepQuery });
const headers = { 'content-type': 'application/json' };
const setting = (name: string, otherwise: number): number => Number(process.env[`BENCH_${name}`] ?? otherwise);

type Measured = { perCpuSecond: number; p50: number; p99: number; memoryMb: number };

async function load({ url, child }: Contestant, connections: number, seconds: number): Promise<Measured> {
  const before = usageOf(child);
  const { requests, latency, non2xx, errors } = await autocannon({ url, connections, duration: seconds, method: 'POST', body, headers });
  if (non2xx > 0) throw new Error(`${url}: ${non2xx} wrong answers`);
  const { cpuSeconds, memoryMb } = usageOf(child);
  // A round in which something was not answered in time counts as none.
  return { perCpuSecond: errors > 0 ? 0 : requests.total / (cpuSeconds - before.cpuSeconds), p50: latency.p50, p99: latency.p99, memoryMb };
}

async function measure(contestants: readonly Contestant[], connections: number): Promise<Map<string, Measured>> {
  const best = new Map<string, Measured>();
  for (let round = 0; round < setting('ROUNDS', 5); round++) {
    for (const contestant of contestants) {
      const measured = await load(contestant, connections, setting('SECONDS', 2));
      if (measured.perCpuSecond > (best.get(contestant.name)?.perCpuSecond ?? 0)) best.set(contestant.name, measured);
    }
  }
  return best;
}

/** All must say the same, or the figures mean nothing. */
async function compareAnswers(contestants: readonly Contestant[]): Promise<void> {
  let first = '';
  for (const { name, url } of contestants) {
    const answer = JSON.stringify(await (await fetch(url, { method: 'POST', body, headers })).json());
    first ||= answer;
    if (answer !== first) throw new Error(`${name} answers something else:\n${answer.slice(0, 300)}\n${first.slice(0, 300)}`);
  }
}

function print(connections: number, results: ReadonlyMap<string, Measured>): void {
  const line = (cells: readonly string[]): string => cells.map((cell, index) => index === 0 ? cell.padEnd(34) : cell.padStart(12)).join('');
  const ownSpeed = results.get('lookgraph')?.perCpuSecond ?? Number.NaN;
  process.stdout.write(`\n${line([`${connections} connections`, 'req/CPU s', 'lookgraph is', 'p50 ms', 'p99 ms', 'MB'])}\n`);
  for (const [name, { perCpuSecond, p50, p99, memoryMb }] of results) {
    process.stdout.write(`${line([name, perCpuSecond.toFixed(0), `${(ownSpeed / perCpuSecond).toFixed(2)}x`, String(p50), String(p99), memoryMb.toFixed(0)])}\n`);
  }
}

if (import.meta.main) await run();
