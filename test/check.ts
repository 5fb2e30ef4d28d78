import { spawnSync } from 'node:child_process';

/** Type check, linter, and whether all generated files are current. */
const steps: readonly [string, ...string[]][] = [
  ['tsc', '--noEmit'],
  ['oxlint', '--type-aware', '--deny-warnings'],
  ['node', 'schema/compose.ts', '--check'],
  ['node', 'test/readme.ts', '--check'],
];

for (const [command, ...args] of steps) {
  process.stdout.write(`# ${command} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
