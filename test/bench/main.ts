import { availableParallelism } from 'node:os';
import { readCommand } from '../support/command.ts';

/** Runs every benchmark, or the named ones: `npm run bench -- gateway`. Figures are ratios within one run; these are not tests. */
const benchmarks: Record<string, () => Promise<{ run(): Promise<void> }>> = {
  clients: () => import('./clients.ts'),
  gateway: () => import('./gateway/index.ts'),
  hostile: () => import('./hostile.ts'),
  latency: () => import('./latency.ts'),
  local: () => import('./local.ts'),
  render: () => import('./render.ts'),
  rest: () => import('./rest.ts'),
  restart: () => import('./restart.ts'),
  stores: () => import('./stores.ts'),
  subscriptions: () => import('./subscriptions.ts'),
};

const { positionals: named } = readCommand({ usage: `npm run bench -- [${Object.keys(benchmarks).join('] [')}]`, options: {}, names: Object.keys(benchmarks) });
process.stdout.write(`Node ${process.version}, ${availableParallelism()} cores\n`);
for (const [name, load] of Object.entries(benchmarks)) {
  if (named.length > 0 && !named.includes(name)) continue;
  process.stdout.write(`\n# ${name}\n`);
  const { run } = await load();
  await run();
}
