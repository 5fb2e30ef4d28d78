import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matte } from '../../../subgraphs/vision/headshot/matting.ts';
import type { Plane } from '../../../subgraphs/vision/raster.ts';

const [width, height, unit] = [240, 240, 100];
const plane = (inside: (x: number, y: number) => boolean): Plane => Float32Array.from({ length: width * height }, (_, i) => Number(inside(i % width, Math.floor(i / width))));
const within = (left: number, right: number, top: number, bottom: number) => (x: number, y: number): boolean => x >= left && x < right && y >= top && y < bottom;

test('what is as pale as the wall is a gap between locks beside the head, and light on a forehead before it', () => {
  const wall = 205;
  const [hair, face, shine, gap] = [within(60, 180, 30, 200), within(85, 155, 90, 200), within(112, 128, 68, 84), within(66, 76, 120, 160)];
  const rgb = new Uint8ClampedArray(width * height * 3).fill(wall);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const color = shine(x, y) || gap(x, y) ? [wall, wall, wall] : face(x, y) ? [120, 80, 60] : hair(x, y) ? [30, 25, 22] : null;
    if (color) rgb.set(color, i * 3);
  }
  const { alpha } = matte({
    image: { width, height, rgb }, person: plane(hair), hair: plane((x, y) => hair(x, y) && !face(x, y) && !shine(x, y) && !gap(x, y)), face: plane(face), skull: plane(within(80, 160, 40, 200)), unit,
  });
  const at = (x: number, y: number): number => alpha[y * width + x] ?? -1;
  assert.equal(at(120, 76), 1, 'nothing is seen through a head');
  assert.ok(at(71, 140) < 0.3, `the wall is seen between locks: ${at(71, 140)}`);
  assert.deepEqual([at(120, 150), at(20, 20)], [1, 0]);
});
