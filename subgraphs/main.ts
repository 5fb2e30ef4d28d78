import { inspect } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { EnvironmentFault, parseEnvironment } from './env.ts';
import { createPlatform } from './platform.ts';
import { startSubgraphs } from './serve.ts';

/** `node subgraphs/main.ts workers`: runs jobs and answers nobody, beside processes that do the reverse. */
async function main(role: string | undefined): Promise<void> {
  if (role !== 'workers') throw new EnvironmentFault(['the command is: node subgraphs/main.ts workers']);
  const env = parseEnvironment(process.env);
  if (env.databaseUrl === null) throw new EnvironmentFault(['DATABASE_URL must be set: the embedded database cannot be shared with another process']);
  if (env.workers === 0) throw new EnvironmentFault(['WORKERS must be at least 1 here']);
  const platform = await createPlatform(env);
  closeWithGrace({ delay: 10_000, logger: platform.log }, async () => platform.stop());
  await startSubgraphs(platform).catch(async (error: unknown) => {
    await platform.stop();
    throw error;
  });
  platform.log.info({ workers: env.workers, renderWorkers: env.renderWorkers }, 'workers are ready');
}

try {
  await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`${error instanceof EnvironmentFault ? error.message : inspect(error)}\n`);
  process.exit(1);
}
