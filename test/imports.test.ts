import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const layers = ['schema', 'subgraphs', 'gateway', 'test'];
const subgraphs = new Set(['enterprise', 'hairstyle', 'headshot', 'skinshade']);

type Import = { from: string; to: string; typeOnly: boolean };

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)|^import\s+'(\.[^']+)'/gm)) {
    const target = match[3] ?? match[4] ?? match[5];
    if (target) found.push({ from: file, to: relative(root, join(root, dirname(file), target)), typeOnly: match[2] !== undefined });
  }
  return found;
}

const files = globSync('{schema,subgraphs,gateway,test}/**/*.ts', { cwd: root });
const imports = files.flatMap(importsOf);
const layer = (path: string): string => path.split('/')[0] ?? '';
const subgraphOf = (path: string): string | null => {
  const [top, folder] = path.split('/');
  return top === 'subgraphs' && folder && subgraphs.has(folder) ? folder : null;
};

test('the scan sees the imports', () => {
  assert.ok(imports.length > 100, `${imports.length} imports in ${files.length} files`);
});

test('imports point one way: test -> gateway -> subgraphs -> schema', () => {
  // The generated resolver types name the domain's models, as types only: nothing of it is left when the program runs.
  const allowed = (entry: Import) => entry.typeOnly && entry.from.startsWith('schema/types/') && entry.to.endsWith('/models.ts');
  const wrong = imports.filter((entry) => layers.indexOf(layer(entry.to)) > layers.indexOf(layer(entry.from)) && !allowed(entry));
  assert.deepEqual(wrong, []);
});

test('a subgraph never imports another subgraph', () => {
  const wrong = imports.filter(({ from, to }) => subgraphOf(from) && subgraphOf(to) && subgraphOf(from) !== subgraphOf(to));
  assert.deepEqual(wrong, []);
});

test('a subgraph is entered through its index.ts', () => {
  const inside = /^subgraphs\/[a-z]+\/(index\.ts$)/;
  const wrong = imports.filter(({ from, to }) => ['subgraphs', 'gateway'].includes(layer(from)) && subgraphOf(to) && subgraphOf(from) !== subgraphOf(to) && !inside.test(to));
  assert.deepEqual(wrong, []);
});

test('only the composition root names subgraphs', () => {
  const roots = new Set(['subgraphs/serve.ts', 'gateway/demo-data.ts']);
  const wrong = imports.filter(({ from, to }) => ['subgraphs', 'gateway'].includes(layer(from)) && subgraphOf(to) && !subgraphOf(from) && !roots.has(from));
  assert.deepEqual(wrong, []);
});
