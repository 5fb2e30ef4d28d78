import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
const run = (file: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: root, env: inherited, encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('the tools do nothing when they are called in a way that they do not know, and say how they are called', () => {
  for (const [file, command] of [['test/fuzz/main.ts', 'fuzz'], ['test/faults/main.ts', 'faults'], ['test/bench/main.ts', 'bench'], ['test/bench/vision/main.ts', 'bench:vision']] as const) {
    const help = run(file, '--help');
    assert.deepEqual([help.status, help.stderr], [0, '']);
    assert.ok(help.stdout.startsWith(`npm run ${command} -- [`), help.stdout);
    const named = run(file, 'nope');
    assert.deepEqual([named.status, named.stdout], [1, '']);
    assert.match(named.stderr, /^There is no nope here(, only [a-z, ]+)?\.\nnpm run /);
    assert.deepEqual(run(file, '--nope'), { status: 1, stdout: '', stderr: `Unknown option '--nope'.\n${help.stdout}` });
  }
  const unknown = run('test/faults/main.ts', '--only', 'full disk', '--only', 'kill -9 of a waiter');
  assert.deepEqual([unknown.status, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^There is no fault 'kill -9 of a waiter', only 'kill -9 of a gateway', [^\n]*'jumping clock'\.\nnpm run faults /);
  assert.match(run('test/fuzz/main.ts', '--cases', 'many').stderr, /^--cases takes a whole number\.\n/);
});
