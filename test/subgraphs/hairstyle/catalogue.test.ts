import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../schema/failures.ts';
import { createCatalogue } from '../../../subgraphs/hairstyle/catalogue.ts';

const catalogue = createCatalogue(() => 'https://look.example');
const everything = catalogue.listStyles({}, { first: 100 }).nodes;

test('there are at least 60 styles with six-digit ids, for everybody, and 24 colors', () => {
  assert.ok(everything.length >= 60);
  assert.ok(everything.every(({ id, description, tags }) => /^\d{6}$/.test(id) && description.includes(' - ') && tags.length > 0));
  for (const sex of ['FEMININE', 'MASCULINE', 'UNISEX']) assert.ok(everything.some((style) => style.sex === sex), sex);
  assert.ok(catalogue.colors.length >= 24);
  assert.ok(catalogue.colors.every(({ id, hex, family }) => /^color_\d+$/.test(id) && /^#[0-9a-f]{6}$/.test(hex) && ['black', 'brown', 'blond', 'red', 'grey', 'fashion'].includes(family)));
});

test('ids, color names and descriptions stand for one entry each', () => {
  for (const list of [everything.map(({ id }) => id), everything.map(({ description }) => description), catalogue.colors.map(({ name }) => name.toLowerCase())]) {
    assert.equal(new Set(list).size, list.length);
  }
});

test('unisex styles are found under every sex, others only under their own', () => {
  const under = (sex: 'FEMININE' | 'MASCULINE' | 'UNISEX') => new Set(catalogue.listStyles({ sex }, { first: 100 }).nodes.map((style) => style.sex));
  assert.deepEqual(under('FEMININE'), new Set(['FEMININE', 'UNISEX']));
  assert.deepEqual(under('MASCULINE'), new Set(['MASCULINE', 'UNISEX']));
  assert.deepEqual(under('UNISEX'), new Set(['UNISEX']));
});

test('a search finds beginnings of words in description and tags, all of them, in any case', () => {
  const found = (search: string) => catalogue.listStyles({ search }, { first: 100 }).nodes.map(({ description }) => description);
  assert.ok(found('BOB dish').includes('Bob - disheveled'));
  assert.ok(found('bob').length > found('bob dish').length);
  assert.deepEqual(found('isheveled'), []);
  assert.equal(found('  ').length, everything.length);
  assert.ok(catalogue.listStyles({ tag: 'Bob' }, { first: 100 }).nodes.every(({ tags }) => tags.includes('bob')));
  assert.ok(catalogue.listColors({ family: 'RED' }).every(({ family }) => family === 'red'));
  assert.deepEqual(catalogue.listColors({ search: 'no such word' }), []);
});

test('pages follow one another to the end, by description', async () => {
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: ReturnType<typeof catalogue.listStyles> = catalogue.listStyles({}, { first: 7, after });
    seen.push(...page.nodes.map(({ description }) => description));
    assert.equal(await page.totalCount(), everything.length);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  assert.deepEqual(seen, everything.map(({ description }) => description));
  assert.deepEqual(seen, [...seen].sort());
  for (const first of [0, 101, 1.5]) assert.throws(() => catalogue.listStyles({}, { first }), Failure);
  assert.throws(() => catalogue.listStyles({}, { first: 1, after: 'nonsense' }), Failure);
});

test('previews are absolute addresses of files, each with its version', () => {
  const style = catalogue.getStyle('817941');
  assert.match(catalogue.stylePreview(style), /^https:\/\/look\.example\/catalogue\/817941\.webp\?v=[0-9A-Za-z_-]{6,}$/);
  assert.equal(catalogue.findStyle('000000'), null);
});
