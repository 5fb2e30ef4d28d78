import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReporter, etaSeconds, makeAll, percentOf, pictureFraction, stageOf, stageRank } from '../../subgraphs/picture-jobs.ts';

test('the percentage rises with every stage of every picture and stays below 100 before the end', () => {
  const stages = ['decode', 'detect', 'segment', 'render', 'encode'] as const;
  for (const total of [1, 3, 8]) {
    const fractions = Array.from({ length: total }, () => 0);
    let last = percentOf(fractions);
    assert.equal(last, 2);
    for (let position = 0; position < total; position += 1) {
      for (const stage of stages) {
        for (const fraction of [0, 0.5, 1]) {
          fractions[position] = pictureFraction(stage, fraction);
          const percent = percentOf(fractions);
          assert.ok(percent >= last && percent < 100);
          last = percent;
        }
      }
    }
    assert.equal(last, 98);
  }
});

test('stages have an order and their documented names', () => {
  const names = ['queued', stageOf('decode', 0, 4), stageOf('detect', 0, 4), stageOf('segment', 0, 4), stageOf('render', 0, 4), stageOf('detect', 2, 4), stageOf('encode', 3, 4), 'store', 'done'];
  assert.deepEqual(names, ['queued', 'validate', 'detect', 'segment', 'render 1 of 4', 'render 3 of 4', 'render 4 of 4', 'store', 'done']);
  const ranks = names.map(stageRank);
  assert.deepEqual(ranks, [...new Set(ranks)].sort((a, b) => a - b));
});

test('what is left takes its share of time, and nobody knows before the first picture', () => {
  assert.equal(etaSeconds(null, [0, 0], 2), null);
  assert.equal(etaSeconds(3, [0, 0, 0, 0], 2), 6);
  assert.equal(etaSeconds(3, [1, 1, 1, 0.5], 2), 2);
  assert.equal(etaSeconds(3, [1, 1], 2), 1);
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

test('of what is made at once the first failure stops the rest, and an abort stops all', async () => {
  const made: number[] = [];
  const failing = makeAll([1, 2, 3, 4], 2, new AbortController().signal, async (item, signal) => {
    if (item === 2) throw new Error('no paint');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    made.push(item);
  });
  await assert.rejects(failing, /no paint/);
  assert.deepEqual(made, [1]);
  await assert.rejects(makeAll([1], 1, AbortSignal.abort(new Error('gone')), async () => assert.fail('nothing is begun')), /gone/);
});
