import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matte } from '../../../subgraphs/vision/headshot/matting.ts';
import { withoutStrays } from '../../../subgraphs/vision/headshot/strays.ts';
import type { Plane } from '../../../subgraphs/vision/raster.ts';

const [width, height, unit] = [240, 240, 100];
const plane = (inside: (x: number, y: number) => boolean): Plane => Float32Array.from({ length: width * height }, (_, i) => Number(inside(i % width, Math.floor(i / width))));
const within = (left: number, right: number, top: number, bottom: number) => (x: number, y: number): boolean => x >= left && x < right && y >= top && y < bottom;

test('what is as pale as the wall is a gap between locks beside the head, light on a forehead before it, and a blouse where the net is sure', () => {
  const wall = 205;
  const [hair, face, shine, gap, blouse] = [within(60, 180, 30, 200), within(85, 155, 90, 200), within(112, 128, 68, 84), within(66, 76, 120, 160), within(164, 174, 120, 160)];
  const rgb = new Uint8ClampedArray(width * height * 3).fill(wall);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const color = shine(x, y) || gap(x, y) || blouse(x, y) ? [wall, wall, wall] : face(x, y) ? [120, 80, 60] : hair(x, y) ? [30, 25, 22] : null;
    if (color) rgb.set(color, i * 3);
  }
  const { alpha } = matte({
    image: { width, height, rgb }, person: plane(hair), belief: plane(hair).map((value, i) => (gap(i % width, Math.floor(i / width)) ? value * 0.8 : value)),
    hair: plane((x, y) => hair(x, y) && !face(x, y) && !shine(x, y) && !gap(x, y) && !blouse(x, y)), face: plane(face), skull: plane(within(80, 160, 40, 200)), unit,
  });
  const at = (x: number, y: number): number => alpha[y * width + x] ?? -1;
  assert.equal(at(120, 76), 1, 'nothing is seen through a head');
  assert.ok(at(71, 140) < 0.3, `the wall is seen between locks: ${at(71, 140)}`);
  assert.deepEqual([at(120, 150), at(20, 20), at(169, 140)], [1, 0, 1]);
});

test('beside the neck, what is half believed over a wide place or has a color of the background goes; hair, collar and scarf stay', () => {
  const [head, neck, chest] = [within(85, 155, 30, 150), within(100, 140, 150, 200), within(40, 200, 200, 240)];
  const [post, flower, collar, lock] = [within(68, 85, 100, 140), within(155, 161, 120, 150), within(140, 146, 180, 200), within(60, 85, 30, 75)];
  const isPerson = (x: number, y: number): boolean => [head, neck, chest, post, flower, collar, lock].some((part) => part(x, y));
  const rgb = new Uint8ClampedArray(width * height * 3);
  const belief = plane(isPerson);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isRed = within(155, 180, 120, 150)(x, y);
      rgb.set(isRed ? [220, 60, 50] : collar(x, y) ? [40, 60, 160] : lock(x, y) ? [30, 25, 22] : isPerson(x, y) ? [150, 110, 90] : [180, 200, 190], (y * width + x) * 3);
      if (post(x, y) || lock(x, y)) belief[y * width + x] = 0.7;
      if (flower(x, y)) belief[y * width + x] = 0.95;
    }
  }
  const guess = { image: { width, height, rgb }, person: plane(isPerson), belief, hair: plane(lock), oval: plane(head), frame: { x: 120, y: 65, cos: 1, sin: 0, unit: 100 } };
  const left = (isCovered: boolean): number[] => {
    const found = withoutStrays({ ...guess, isCovered });
    return [[74, 120], [158, 135], [143, 190], [75, 60], [120, 120], [120, 170]].map(([x, y]) => Math.round(found[y! * width + x!]! * 100) / 100);
  };
  assert.deepEqual(left(false), [0, 0, 1, 1, 1, 1]);
  assert.deepEqual(left(true), [1, 1, 1, 1, 1, 1]);
});
