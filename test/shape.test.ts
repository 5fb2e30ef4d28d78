import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const lines = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length - 1;
const sources = globSync('{schema,subgraphs,gateway,test}/**/*.ts', { cwd: root }).filter((file) => !/^schema\/types\/(?!generate)/.test(file));

/** Lists and tables may be longer than other files. */
const tables = new Set(['subgraphs/hairstyle/catalogue/styles.ts', 'subgraphs/palette.ts']);

// A test file is a list of cases and may be a little longer.
const mostLines = (file: string): number => (file.endsWith('.test.ts') ? 300 : 250);

test('files have at most 250 lines', () => {
  const long = sources.filter((file) => !tables.has(file) && lines(file) > mostLines(file)).map((file) => `${file}: ${lines(file)}`);
  assert.deepEqual(long, []);
});

test('no function is over 70 lines and 95 % are at most 40', () => {
  const all = functionsOver(1);
  const over40 = functionsOver(40);
  assert.ok(all.length > 200, `${all.length} functions of more than one line`);
  assert.deepEqual(functionsOver(70), []);
  assert.ok(over40.length <= all.length * 0.05, `${over40.length} of ${all.length} are over 40 lines:\n${over40.join('\n')}`);
});

/** Places of the functions with more lines than `max`, by the linter's own count. Test files are left out: a test's callback is no function. */
function functionsOver(max: number): string[] {
  const config = join(mkdtempSync(join(tmpdir(), 'shape-')), 'oxlint.json');
  const rule = ['error', { max, skipBlankLines: false, skipComments: false, IIFEs: true }];
  writeFileSync(config, JSON.stringify({ plugins: [], categories: {}, rules: { 'max-lines-per-function': rule } }));
  const report = lint(['-c', config, '--format', 'json', ...sources.filter((file) => !file.endsWith('.test.ts'))]);
  const { diagnostics } = JSON.parse(report) as { diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[] };
  return diagnostics.filter(({ code }) => code.includes('max-lines-per-function')).map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`);
}

function lint(args: string[]): string {
  try {
    return execFileSync('oxlint', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  } catch (error) {
    // oxlint exits with 1 when it finds something; its report is on standard output all the same.
    return (error as { stdout: string }).stdout;
  }
}

test('no file is called after what it is not about', () => {
  const vague = sources.filter((file) => /^(utils?|helpers?|common|manager|service|handlers?|factory|misc)\.ts$/.test(basename(file)));
  assert.deepEqual(vague, []);
});

test('every subgraph has the same file names', () => {
  const required = ['index.ts', 'models.ts', 'resolvers.ts', 'rules.ts'];
  for (const name of ['enterprise', 'hairstyle', 'headshot', 'skinshade']) {
    const names = globSync('*.ts', { cwd: join(root, 'subgraphs', name) });
    assert.deepEqual(required.filter((file) => !names.includes(file)), [], name);
    // Who keeps rows keeps them in the same three places.
    const keepsRows = names.includes('store.ts');
    assert.equal(names.includes('tables.ts'), keepsRows, `${name}: store.ts and tables.ts go together`);
    assert.equal(globSync('migrations/*.ts', { cwd: join(root, 'subgraphs', name) }).length > 0, keepsRows, `${name}: store.ts and migrations/ go together`);
  }
});

test('nothing else stands at the top of the project', () => {
  const expected = ['Dockerfile', 'LICENSE', 'README.md', 'docker-compose.yml', 'gateway', 'package-lock.json', 'package.json', 'schema', 'subgraphs', 'test', 'tsconfig.json'];
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n');
  const top = [...new Set(tracked.filter(Boolean).map((file) => file.split('/')[0] ?? ''))].filter((name) => !name.startsWith('.')).sort();
  assert.deepEqual(top, expected.sort());
});
