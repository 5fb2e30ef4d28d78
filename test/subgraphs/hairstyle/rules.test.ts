import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../schema/failures.ts';
import * as rules from '../../../subgraphs/hairstyle/rules.ts';

const refused = (code: string, path: string[]) => (error: unknown) => error instanceof Failure && error.code === code && assert.deepEqual(error.detail.path, path) === undefined;

test('LIVE costs one credit a picture, TEST none', () => {
  assert.deepEqual([rules.costOf('LIVE', 4), rules.costOf('TEST', 4)], [4, 0]);
});

test('styles are one to eight, known, each once, and the refusal says which', () => {
  const known = (id: string) => id.startsWith('8');
  assert.deepEqual(rules.checkStyles(['81', '82'], known), ['81', '82']);
  assert.throws(() => rules.checkStyles([], known), refused('VALIDATION', ['input', 'styleIds']));
  assert.throws(() => rules.checkStyles(Array.from({ length: 9 }, (_, index) => `8${index}`), known), refused('VALIDATION', ['input', 'styleIds']));
  assert.throws(() => rules.checkStyles(['81', '999999'], known), (error) => refused('VALIDATION', ['input', 'styleIds', '1'])(error) && /999999/.test(String(error)));
  assert.throws(() => rules.checkStyles(['81', '82', '81'], known), refused('VALIDATION', ['input', 'styleIds', '2']));
});

test('a color is found by id, and by name in any case', () => {
  const colors = [{ id: 'color_1', name: 'Brown' }, { id: 'color_2', name: 'Honey Blond' }];
  assert.equal(rules.chooseColor(colors, 'color_2')?.name, 'Honey Blond');
  assert.equal(rules.chooseColor(colors, ' honey BLOND ')?.id, 'color_2');
  assert.equal(rules.chooseColor(colors, null), null);
  assert.throws(() => rules.chooseColor(colors, ''), refused('VALIDATION', ['input', 'hairColor']));
  assert.throws(() => rules.chooseColor(colors, 'plaid'), refused('VALIDATION', ['input', 'hairColor']));
});

test('exactly one image is chosen, but a URL may stand behind a name', () => {
  const url = 'https://example.com/a.jpg';
  assert.deepEqual(rules.chooseImage({ imageId: 'img_1' }), { by: 'id', id: 'img_1' });
  assert.deepEqual(rules.chooseImage({ imageName: 'a.jpg' }), { by: 'name', name: 'a.jpg', orUrl: null });
  assert.deepEqual(rules.chooseImage({ imageName: 'a.jpg', imageUrl: url }), { by: 'name', name: 'a.jpg', orUrl: url });
  assert.deepEqual(rules.chooseImage({ imageUrl: url }), { by: 'url', url });
  for (const input of [{}, { imageId: 'img_1', imageUrl: url }, { imageId: 'img_1', imageName: 'a.jpg' }, { imageUrl: 'ftp://example.com/a.jpg' }, { imageUrl: 'a.jpg' }]) {
    assert.throws(() => rules.chooseImage(input), Failure, JSON.stringify(input));
  }
});

test('a file name loses folders and what is not seen', () => {
  const cases: [string | null, string | null][] = [
    ['me.jpg', 'me.jpg'], ['../../etc/passwd', 'passwd'], ['C:\\photos\\me.jpg', 'me.jpg'], ['a\u0000b\u202ec.jpg', 'abc.jpg'], ['   ', null], ['..', null], ['a/', null], [null, null], ['é😀.jpg', 'é😀.jpg'],
  ];
  for (const [given, expected] of cases) assert.equal(rules.cleanFileName(given), expected, String(given));
  assert.equal(rules.cleanFileName('x'.repeat(300))?.length, 255);
});
