import closeWithGrace from 'close-with-grace';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import { serveAdmin } from './admin-server.ts';
import { allowingOwn, type Environment, EnvironmentFault, parseEnvironment } from './env.ts';
import { createPlatform } from './platform.ts';
import { startSubgraphs } from './serve.ts';
import { serveSubgraph } from './served/server.ts';
import { startFault } from './start-fault.ts';
import { warmUp } from './warm-up.ts';

const usage = `the command is: npm run subgraph -- ${subgraphNames.join('|')}|workers`;
const isSubgraph = (role: string): role is SubgraphName => subgraphNames.some((name) => name === role);

/** `node subgraphs/main.ts NAME` serves one subgraph and runs its jobs; `workers` runs the jobs of all and answers nobody. */
async function main(role: string): Promise<void> {
  if (role !== 'workers' && !isSubgraph(role)) throw new EnvironmentFault([usage]);
  const env = allowingOwn(parseEnvironment(process.env));
  const faults = faultsFor(role, env);
  if (faults.length > 0) throw new EnvironmentFault(faults);
  const platform = await createPlatform(env);
  let isStopping = false;
  const stops = [() => platform.stop()];
  const stop = async (): Promise<void> => {
    isStopping = true;
    for (const step of stops) await step();
  };
  closeWithGrace({ delay: env.stopDelayMs + 10_000, logger: platform.log }, stop);
  try {
    const names = role === 'workers' ? subgraphNames : [role];
    const subgraphs = await startSubgraphs(platform, names);
    const subgraph = role === 'workers' ? undefined : subgraphs[role];
    const served = subgraph && await serveSubgraph(platform, subgraph);
    const admin = await serveAdmin(platform, () => isStopping);
    if (admin) stops.unshift(() => admin.stop());
    // Before the admin port: who looks is told that this process is about to stop for as long as it has something to end.
    stops.unshift(() => served?.stop() ?? platform.jobs.rest());
    void warmUp(platform, names);
    process.stdout.write(served ? `The subgraph ${role} is ready at ${served.url}\n` : 'The workers are ready.\n');
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What only these processes need, which share the work with others. */
function faultsFor(role: SubgraphName | 'workers', { databaseUrl, workers, publicUrl, isPublicUrlGiven }: Environment): string[] {
  return [
    ...(role === 'workers' && databaseUrl === null ? ['DATABASE_URL must be set: the embedded database cannot be shared with another process'] : []),
    ...(role === 'workers' && workers === 0 ? ['WORKERS must be at least 1 here'] : []),
    ...(databaseUrl !== null && !isPublicUrlGiven ? [`PUBLIC_URL must be set: the links to files that are given out here lead to the gateway, not to ${publicUrl}`] : []),
  ];
}

try {
  await main(process.argv[2] ?? '');
} catch (error) {
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}
