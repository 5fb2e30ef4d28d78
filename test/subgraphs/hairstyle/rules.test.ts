import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../../../schema/failures.ts';
import type { GenerateHairstyleInput } from '../../../schema/types/hairstyle.ts';
import { createReporter } from '../../../subgraphs/hairstyle/progress.ts';
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

test('a fingerprint knows what is asked for, not how it is written', () => {
  const input: GenerateHairstyleInput = { mode: 'LIVE', gender: 'FEMININE', styleIds: ['817941', '817942'], hairColor: 'brown', idempotencyKey: 'one' };
  assert.equal(rules.fingerprintOf(input), rules.fingerprintOf({ idempotencyKey: 'two', hairColor: 'brown', styleIds: ['817941', '817942'], gender: 'FEMININE', mode: 'LIVE', clientId: null }));
  assert.notEqual(rules.fingerprintOf(input), rules.fingerprintOf({ ...input, styleIds: ['817942', '817941'] }));
  assert.notEqual(rules.fingerprintOf(input), rules.fingerprintOf({ ...input, mode: 'TEST' }));
});

test('an idempotency key has 1 to 255 characters', () => {
  assert.deepEqual([rules.checkIdempotencyKey(null), rules.checkIdempotencyKey('k'), rules.checkIdempotencyKey('k'.repeat(255))], [null, 'k', 'k'.repeat(255)]);
  for (const key of ['', 'k'.repeat(256)]) assert.throws(() => rules.checkIdempotencyKey(key), refused('VALIDATION', ['input', 'idempotencyKey']));
});

test('a file name loses folders and what is not seen', () => {
  const cases: [string | null, string | null][] = [
    ['me.jpg', 'me.jpg'], ['../../etc/passwd', 'passwd'], ['C:\\photos\\me.jpg', 'me.jpg'], ['a\u0000b\u202ec.jpg', 'abc.jpg'], ['   ', null], ['..', null], ['a/', null], [null, null], ['é😀.jpg', 'é😀.jpg'],
  ];
  for (const [given, expected] of cases) assert.equal(rules.cleanFileName(given), expected, String(given));
  assert.equal(rules.cleanFileName('x'.repeat(300))?.length, 255);
});

test('the percentage rises with every stage of every picture and stays below 100 before the end', () => {
  const stages = ['decode', 'detect', 'segment', 'render', 'encode'] as const;
  for (const total of [1, 3, 8]) {
    const fractions = Array.from({ length: total }, () => 0);
    let last = rules.percentOf(fractions);
    assert.equal(last, 2);
    for (let position = 0; position < total; position += 1) {
      for (const stage of stages) {
        for (const fraction of [0, 0.5, 1]) {
          fractions[position] = rules.pictureFraction(stage, fraction);
          const percent = rules.percentOf(fractions);
          assert.ok(percent >= last && percent < 100);
          last = percent;
        }
      }
    }
    assert.equal(last, 98);
  }
});

test('stages have an order and their documented names', () => {
  const names = ['queued', rules.stageOf('decode', 0, 4), rules.stageOf('detect', 0, 4), rules.stageOf('segment', 0, 4), rules.stageOf('render', 0, 4), rules.stageOf('detect', 2, 4), rules.stageOf('encode', 3, 4), 'store', 'done'];
  assert.deepEqual(names, ['queued', 'validate', 'detect', 'segment', 'render 1 of 4', 'render 3 of 4', 'render 4 of 4', 'store', 'done']);
  const ranks = names.map(rules.stageRank);
  assert.deepEqual(ranks, [...new Set(ranks)].sort((a, b) => a - b));
});

test('what is left takes its share of time, and nobody knows before the first picture', () => {
  assert.equal(rules.etaSeconds(null, [0, 0], 2), null);
  assert.equal(rules.etaSeconds(3, [0, 0, 0, 0], 2), 6);
  assert.equal(rules.etaSeconds(3, [1, 1, 1, 0.5], 2), 2);
  assert.equal(rules.etaSeconds(3, [1, 1], 2), 1);
});

test('progress of parallel pictures is written in order, seldom, and only forward', async () => {
  const written: { stage: string; percent: number }[] = [];
  const reporter = createReporter({ stage: 'validate', percent: 2 }, [0, 0], { secondsPerPicture: () => null, atOnce: 2 }, async ({ stage, percent }) => void written.push({ stage, percent }));
  for (let step = 0; step <= 100; step += 1) {
    reporter.report(0, 'render', step / 100);
    reporter.report(1, 'detect', step / 100);
  }
  await reporter.settle();
  assert.equal(written.length, 1);
  await reporter.stored(0, async (advance) => void written.push(advance));
  await reporter.stored(1, async (advance) => void written.push(advance));
  assert.deepEqual(written.slice(1).map(({ stage, percent }) => [stage, percent]), [['render 2 of 2', written[1]?.percent ?? 0], ['store', 98]]);
  assert.ok((written[1]?.percent ?? 0) >= (written[0]?.percent ?? 0));
});

test('a write of progress that failed fails the run', async () => {
  const reporter = createReporter({ stage: 'validate', percent: 2 }, [0], { secondsPerPicture: () => null, atOnce: 1 }, async () => Promise.reject(new Error('no database')));
  reporter.report(0, 'render', 0.5);
  await assert.rejects(reporter.settle(), /no database/);
  await assert.rejects(reporter.stored(0, async () => assert.fail('it must not be stored')), /no database/);
});
