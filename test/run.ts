import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Runs the tests: on the embedded database, then, where TEST_DATABASE_URL is set, those that touch a database again on PostgreSQL, and those
 * from end to end once more with every subgraph behind an address, servers as seven processes.
 * `npm test -- FILE…` runs only these files; `--only=embedded`, `--only=postgres` and `--only=split` choose one of the three rounds, and
 * `--only=several` the last two without what would run on PostgreSQL twice: every file once but for five about pictures, those from end to end in several processes but for three that start them again and again.
 * `--only=replicas` is a round of its own: those from end to end with two gateways that are asked in turn.
 */
async function main(): Promise<number> {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
  const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort();
  // Hundreds of processes read the same files: what they compile is kept, in a place that every installation makes anew.
  const environment: NodeJS.ProcessEnv = { NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compile'), ...process.env };
  const { TEST_DATABASE_URL: databaseUrl, ...rest } = environment;
  let code = 0;
  const isWanted = (...rounds: string[]): boolean => only === undefined || rounds.includes(only);
  if (isWanted('embedded')) code = (await round('embedded database', files, rest)) || code;
  if (!databaseUrl) return code;
  const isApart = (file: string): boolean => isFromEndToEnd(file) && !(only === 'several' && (isAboutPictures(file) || startsOften(file)));
  const onPostgres = files.filter((file) => touchesDatabase(file) && !(only === 'several' && (isApart(file) || isAboutPictures(file))));
  if (isWanted('postgres', 'several')) code = (await round('PostgreSQL', onPostgres, { ...rest, TEST_DATABASE_URL: databaseUrl })) || code;
  if (isWanted('split', 'several')) code = (await round('PostgreSQL, every subgraph behind an address', files.filter(isApart), { ...rest, TEST_DATABASE_URL: databaseUrl, TEST_TOPOLOGY: 'split' })) || code;
  if (only === 'replicas') code = await round('PostgreSQL, two gateways in turn', files.filter((file) => isFromEndToEnd(file) && startsInProcess(file)), { ...rest, TEST_DATABASE_URL: databaseUrl, TEST_TOPOLOGY: 'replicas' });
  return code;
}

/** What is drawn, and for whom it is not, is the same whatever keeps it: these draw for minutes. */
function isAboutPictures(file: string): boolean {
  return /\/e2e\/(bald|engines|demo|images|styles)\.test\.ts$/.test(file);
}

/** Seven processes, again and again. */
function startsOften(file: string): boolean {
  return /\/e2e\/(erasure-killed|headshots-killed|stop)\.test\.ts$/.test(file);
}

function startsInProcess(file: string): boolean {
  return readFileSync(file, 'utf8').includes("support/platform.ts'");
}

function touchesDatabase(file: string): boolean {
  return /(support\/(database|platform|server)|\/(salon|studio))\.ts'/.test(readFileSync(file, 'utf8'));
}

/** What a topology may change: what callers from outside see through all processes. The demo is of the gateway alone, and replicas, of which rates are counted, are several processes anyhow. */
function isFromEndToEnd(file: string): boolean {
  return /(^|\/)test\/e2e\/(?!demo-data|replicas|rates)/.test(file) && touchesDatabase(file);
}

function round(title: string, files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  process.stdout.write(`\n# ${files.length} test files on the ${title}\n`);
  // Two files at a time keep two cores busy. The optimizing compiler of WebAssembly costs a process that lives for seconds a fifth of its CPU, and never pays.
  const child = spawn(process.execPath, ['--liftoff-only', '--test', '--import', './test/support/left-over.ts', '--test-concurrency=2', '--test-timeout=600000', '--test-reporter=spec', ...files], { stdio: 'inherit', env });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

process.exitCode = await main();
