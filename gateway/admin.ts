import { resolve } from 'node:path';
import { Failure } from '../schema/failures.ts';
import { parseEnvironment } from '../subgraphs/env.ts';
import { operatorUsage, parseOperatorCommand } from '../subgraphs/operator.ts';
import { startFault } from '../subgraphs/start-fault.ts';
import { askServer, type OperatorAnswer, runCommand } from './operator-socket.ts';

/** `npm run admin -- COMMAND`: over the embedded database the running server does it, for nobody else may open its folder. */
async function main(given: readonly string[]): Promise<OperatorAnswer> {
  // A folder is meant as it is seen from here, whoever does the command.
  const words = given.map((word, at) => (['--to', '--from'].includes(given[at - 1] ?? '') ? resolve(word) : word));
  if (words.length === 0 || words.includes('--help') || words.includes('-h')) return { lines: [operatorUsage()] };
  const env = parseEnvironment(process.env);
  parseOperatorCommand(words);
  const answered = env.databaseUrl === null ? await askServer(env.dataDir, words) : null;
  if (answered) return answered;
  // Most commands are done by a running server: only one that is done here pays for loading the subgraphs.
  const [{ createPlatform }, { operatorOf, startSubgraphs }] = await Promise.all([import('../subgraphs/platform.ts'), import('../subgraphs/serve.ts')]);
  const platform = await createPlatform({ ...env, workers: 0 });
  try {
    await startSubgraphs(platform);
    return await runCommand(operatorOf(platform), words, platform.log);
  } finally {
    await platform.stop();
  }
}

try {
  const answer = await main(process.argv.slice(2));
  if ('lines' in answer) process.stdout.write(`${answer.lines.join('\n')}\n`);
  else process.stderr.write(`${answer.refused}\n`);
  process.exitCode = 'lines' in answer ? 0 : 1;
} catch (error) {
  process.stderr.write(`${error instanceof Failure ? error.message : startFault(error)}\n`);
  process.exitCode = 1;
}
