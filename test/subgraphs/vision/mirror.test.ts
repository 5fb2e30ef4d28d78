import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyAxis, likelyStart, withMirror } from '../../../subgraphs/vision/mirror.ts';
import { fillGap } from '../../../subgraphs/vision/patches.ts';

const [width, height, axis] = [96, 100, 40];
const [wall, skin, cloth] = [[230, 230, 230], [220, 170, 140], [20, 120, 40]] as const;

/** A bust before a wall, its middle at `axis`: skin between two halves of a green jacket; hair hangs over the right half. */
function bust() {
  const rgb = new Uint8ClampedArray(width * height * 3);
  const [missing, usable, guide] = [new Uint8Array(width * height), new Uint8Array(width * height), new Float32Array(width * height)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [i, aside] = [y * width + x, Math.abs(x - axis)];
      guide[i] = y > 30 && aside <= 34 ? 1 : 0;
      rgb.set(guide[i] ? (aside <= 12 ? skin : cloth) : wall, i * 3);
      missing[i] = x > axis + 6 && x < axis + 28 && y > 20 && y < 96 ? 1 : 0;
      usable[i] = 1 - missing[i]!;
    }
  }
  return { image: { width, height, rgb }, missing, usable, ignored: new Uint8Array(width * height), guide };
}

test('the middle of a body is found where it is most like its mirror image', () => {
  const { image, usable, guide } = bust();
  assert.ok(Math.abs(bodyAxis(image, usable, guide, axis + 5, 8) - axis) <= 1);
});

test('what hair hides of one shoulder is filled with what the other one wears, where it wears it', () => {
  const gap = withMirror(bust(), axis);
  const { rgb, source, copyHeight } = fillGap(gap, likelyStart(gap, axis));
  const at = (x: number, y: number): number[] => [0, 1, 2].map((c) => Math.round(rgb[(y * width + x) * 3 + c]!));
  const near = (color: readonly number[], [x, y]: readonly [number, number]) => assert.ok(color.every((value, c) => Math.abs(value - at(x, y)[c]!) < 25), `${at(x, y).join(' ')} at ${x} ${y}`);
  for (const place of [[axis + 18, 50], [axis + 22, 70], [axis + 18, 85]] as const) near(cloth, place);
  for (const place of [[axis + 8, 60], [axis + 9, 80]] as const) near(skin, place);
  near(wall, [axis + 18, 24]);
  const wanted = gap.missing.reduce((count, one) => count + one, 0);
  assert.ok(source.filter((from, i) => gap.missing[i] && from >= copyHeight * width).length > wanted / 4, 'taken from the other side');
});
