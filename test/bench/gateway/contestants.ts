import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

export type Contestant = { name: string; url: string; child: ChildProcess };

type Command = (place: { supergraph: string; base: string; port: number; peers: string }) => { args: string[]; env?: Record<string, string> };

const ours = join(import.meta.dirname, '../../../gateway/main.ts');

/** Who is compared, each one process of this Node. Only Hive with the Rust planner joins identical fetches without being told. */
const commands: Record<string, Command> = {
  'by hand': ({ base, port }) => ({ args: [join(import.meta.dirname, 'by-hand.ts'), base, String(port)] }),
  'lookgraph': ({ supergraph, port }) => ({ args: [ours, '--supergraph', supergraph, '--port', String(port), '--no-join'] }),
  'lookgraph, joined': ({ supergraph, port }) => ({ args: [ours, '--supergraph', supergraph, '--port', String(port)] }),
  'lookgraph, in process': ({ port }) => ({ args: [join(import.meta.dirname, 'in-process.ts'), String(port)] }),
  'lookgraph, whole queries joined': ({ supergraph, port }) => ({ args: [ours, '--supergraph', supergraph, '--port', String(port), '--join-queries'] }),
  '@apollo/gateway': ({ supergraph, port, peers }) => ({ args: [join(peers, 'apollo.mjs'), supergraph, String(port)] }),
  'hive': ({ supergraph, port, peers }) => ({ args: [join(peers, 'node_modules/@graphql-hive/gateway/dist/bin.js'), 'supergraph', supergraph, '--port', String(port), '--host', '127.0.0.1'] }),
  'hive, rust planner': ({ supergraph, port, peers }) => ({
    args: [join(peers, 'node_modules/@graphql-hive/gateway/dist/bin.js'), 'supergraph', supergraph, '--port', String(port), '--host', '127.0.0.1'], env: { HIVE_ROUTER_RUNTIME: 'true' },
  }),
};
export const contestantNames = Object.keys(commands);

/** Starts one and waits until it answers. */
export async function startContestant(name: string, place: { supergraph: string; base: string; peers: string }, body: string): Promise<Contestant> {
  const port = await freePort();
  const { args, env = {} } = commands[name]?.({ ...place, port }) ?? { args: [] };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_ENV: 'production', ...env } });
  for (const path of ['/graphql', '/']) {
    const url = `http://127.0.0.1:${port}${path}`;
    for (let attempt = 0; attempt < 150; attempt++) {
      const status = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } }).then((response) => response.status, () => 0);
      if (status === 200) return { name, url, child };
      if (status === 404) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  child.kill();
  throw new Error(`${name} does not answer`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || !address) throw new Error('no free port');
  return address.port;
}

/** CPU seconds of a process with all its threads, and its memory in MB. Linux only. */
export function usageOf({ pid = 0 }: ChildProcess): { cpuSeconds: number; memoryMb: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, memoryMb: Number(memory) / 1024 };
}
