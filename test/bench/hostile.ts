import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { serveSupergraph } from '../../gateway/supergraph-server.ts';
import { composed, federate } from '../gateway/federation.ts';
import { hostile, query, raw, subgraphs } from '../gateway/hostile-requests.ts';
import { serveSubgraphs } from '../gateway/served.ts';

const attackMs = 1_500;
const attackers = 8;

/** How long an innocent query takes while eight attackers send one of the hostile requests again and again. All in one process: the worst case. */
export async function run(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  try {
    const { subgraphs: reachable } = await federate(subgraphs, { traced: false });
    const { urls } = await serveSubgraphs(reachable, { after: (end) => ends.push(end) });
    const file = join(folder, 'supergraph.graphql');
    await writeFile(file, composed(subgraphs, (name) => urls[name] ?? '').supergraphSdl);
    const server = await serveSupergraph({ file, port: 0, host: '127.0.0.1', forward: [], log: pino({ level: 'silent' }) });
    ends.unshift(async () => server.stop());
    const ask = async (): Promise<number> => {
      const startedAt = performance.now();
      const { status } = await raw(server.port, query('{ node { id } }'));
      if (status !== 200) throw new Error(`the innocent query got ${status}`);
      return performance.now() - startedAt;
    };
    for (let count = 0; count < 200; count++) await ask();
    process.stdout.write('innocent query while attacked by          median      longest     attacks\n');
    for (const [name, { sent }] of Object.entries({ nothing: { sent: null }, ...hostile })) {
      let attacks = 0;
      const end = performance.now() + attackMs;
      const attack = async (): Promise<void> => {
        if (sent === null) return;
        for (; performance.now() < end; attacks++) await raw(server.port, sent);
      };
      const all = Promise.all(Array.from({ length: attackers }, attack));
      const tookMs: number[] = [];
      while (performance.now() < end) tookMs.push(await ask());
      await all;
      tookMs.sort((a, b) => a - b);
      process.stdout.write(`${name.padEnd(40)} ${(tookMs[Math.floor(tookMs.length / 2)] ?? 0).toFixed(1).padStart(6)} ms ${(tookMs.at(-1) ?? 0).toFixed(1).padStart(9)} ms ${String(attacks).padStart(10)}\n`);
    }
  } finally {
    for (const end of ends) await end();
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) await run();
