import { spawn } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';

/**
 * Runs the tests: on the embedded database, then, where TEST_DATABASE_URL is set, those that touch a database again on PostgreSQL.
 * `npm test -- FILE…` runs only these files; `--only=embedded` and `--only=postgres` choose one of the two rounds.
 */
async function main(): Promise<number> {
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
  const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort();
  const { TEST_DATABASE_URL: databaseUrl, ...rest } = process.env;
  let code = 0;
  if (only !== 'postgres') code ||= await round('embedded database', files, rest);
  if (only !== 'embedded' && databaseUrl) {
    code ||= await round('PostgreSQL', files.filter(touchesDatabase), { ...rest, TEST_DATABASE_URL: databaseUrl });
  }
  return code;
}

function touchesDatabase(file: string): boolean {
  return /(support\/(database|platform|server)|\/(salon|studio))\.ts'/.test(readFileSync(file, 'utf8'));
}

function round(title: string, files: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  process.stdout.write(`\n# ${files.length} test files on the ${title}\n`);
  // Two files at a time: each may start a platform with its own render workers, and timing-sensitive neighbours should not starve.
  const child = spawn(process.execPath, ['--test', '--test-concurrency=2', '--test-timeout=600000', '--test-reporter=spec', ...files], { stdio: 'inherit', env });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

process.exitCode = await main();
