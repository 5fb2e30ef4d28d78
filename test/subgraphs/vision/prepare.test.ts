import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rgbToLab } from '../../../subgraphs/vision/color.ts';
import { EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import { fillPolygon, LEFT_BROW, LEFT_EYE, LIPS, POINT, pointOf, RIGHT_BROW, RIGHT_EYE, ring } from '../../../subgraphs/vision/mesh.ts';
import { preparePhoto } from '../../../subgraphs/vision/prepare.ts';
import { nobody, portrait, severalFaces, truncatedJpeg } from '../../support/photos.ts';

const bytes = await portrait();
const photo = await preparePhoto(bytes);
const { width, height, landmarks, hair, person, plate, rgb } = photo;
const count = width * height;

/** Mean of a plane inside a box, px. */
function meanIn(plane: Float32Array, x0: number, y0: number, x1: number, y1: number): number {
  let [sum, pixels] = [0, 0];
  for (let y = Math.max(0, Math.round(y0)); y < Math.min(height, y1); y++) {
    for (let x = Math.max(0, Math.round(x0)); x < Math.min(width, x1); x++, pixels++) sum += plane[y * width + x]!;
  }
  return sum / Math.max(1, pixels);
}

test('a prepared photo is complete: every plane has its size and only finite numbers in range', () => {
  assert.ok(Math.max(width, height) <= 1024);
  assert.deepEqual([rgb.length, plate.length, hair.length, person.length, landmarks.length], [count * 3, count * 3, count, count, 468 * 3]);
  for (const plane of [hair, person]) assert.ok(plane.every((value) => value >= 0 && value <= 1));
  const numbers = [...landmarks, ...photo.skinLab, ...(photo.hairLab ?? []), ...photo.light.direction, photo.light.keyRatio, photo.grain];
  assert.ok(numbers.every(Number.isFinite));
  assert.ok(Math.abs(Math.hypot(...photo.light.direction) - 1) < 1e-5);
  assert.ok(photo.light.keyRatio >= 1);
  assert.ok(photo.sharpness >= 0 && photo.sharpness <= 1);
});

test('hair lies above the face and not on it', () => {
  const [topX, topY] = pointOf(landmarks, POINT.top);
  const [, chinY] = pointOf(landmarks, POINT.chin);
  const unit = chinY - topY;
  const above = meanIn(hair, topX - unit * 0.2, topY - unit * 0.2, topX + unit * 0.2, topY - unit * 0.06);
  assert.ok(above > 0.6, `hair above the face ${above}`);
  const middle = meanIn(hair, topX - unit * 0.12, topY + unit * 0.5, topX + unit * 0.12, topY + unit * 0.75);
  assert.ok(middle < 0.03, `hair on the nose ${middle}`);
  assert.ok(photo.hairLab);
});

test('taking the hair away changes the hair and leaves eyes, nose and mouth byte for byte', () => {
  const nose = [168, 122, 196, 198, 129, 98, 97, 2, 326, 327, 358, 420, 419, 351];
  const features = new Float32Array(count);
  for (const part of [RIGHT_EYE, LEFT_EYE, LIPS, nose]) fillPolygon(width, height, ring(landmarks, part), features);
  assert.ok(features.some((value) => value === 1));
  let [changed, hairy] = [0, 0];
  for (let i = 0; i < count; i++) {
    const same = [0, 1, 2].every((c) => rgb[i * 3 + c] === plate[i * 3 + c]);
    if (features[i] === 1) assert.ok(same, `pixel ${i % width},${Math.floor(i / width)} of the face changed`);
    if (hair[i]! > 0.9) {
      hairy += 1;
      if (!same) changed += 1;
    }
  }
  assert.ok(changed > hairy * 0.95, `${changed} of ${hairy} px of hair replaced`);
});

test('ears that hair hides are drawn on the plate, in the color of skin', () => {
  const drawn = Array.from({ length: count }, (_, i) => i).filter((i) => photo.ears[i]! > 0.95 && hair[i]! > 0.9);
  assert.ok(drawn.length > 200, `${drawn.length} px of ears`);
  const apart = drawn.map((i) => {
    const [l, a, b] = rgbToLab(plate[i * 3]!, plate[i * 3 + 1]!, plate[i * 3 + 2]!);
    return Math.hypot((l - photo.skinLab[0]) * 0.5, a - photo.skinLab[1], b - photo.skinLab[2]);
  });
  assert.ok(apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)]! < 16, 'their color is not the skin\'s');
});

test('the same photo is prepared to the same bytes', async () => {
  const again = await preparePhoto(bytes);
  assert.deepEqual(again.plate, plate);
  assert.deepEqual(again.hair, hair);
  assert.deepEqual(again.landmarks, landmarks);
});

test('progress goes through decode, detect and segment, each to its end', async () => {
  const reports: [string, number][] = [];
  await preparePhoto(bytes, (stage, fraction) => reports.push([stage, fraction]));
  assert.deepEqual([...new Set(reports.map(([stage]) => stage))], ['decode', 'detect', 'segment']);
  for (const stage of ['decode', 'detect', 'segment']) assert.equal(reports.findLast(([name]) => name === stage)?.[1], 1);
});

test('no face, several faces and a broken file are refused, each with its code', async () => {
  const refused = (code: string) => (error: unknown) => error instanceof EngineRefusal && error.code === code;
  await assert.rejects(preparePhoto(await nobody()), refused('NO_FACE'));
  await assert.rejects(preparePhoto(await severalFaces()), refused('MULTIPLE_FACES'));
  await assert.rejects(preparePhoto(await truncatedJpeg()), refused('UNSUPPORTED_IMAGE'));
});

test('of a lock over a brow nothing stays on the plate, and the other brow is as it was', () => {
  const brow = (ends: readonly number[]) => {
    const inside = fillPolygon(width, height, ring(landmarks, ends));
    const of = (pixels: Uint8ClampedArray): number[] => Array.from(inside.keys()).filter((i) => inside[i]! > 0).map((i) => pixels[i * 3]! + pixels[i * 3 + 1]! + pixels[i * 3 + 2]!).sort((a, b) => a - b);
    const darkest = (values: readonly number[]): number => values[Math.floor(values.length / 10)]!;
    return { before: darkest(of(rgb)), after: darkest(of(plate)) };
  };
  const [left, right] = [brow(LEFT_BROW), brow(RIGHT_BROW)];
  assert.ok(left.before < 150 && left.after > left.before + 50, `${JSON.stringify(left)}: black hair, then a brown brow`);
  assert.ok(Math.abs(right.after - right.before) < 15, JSON.stringify(right));
});
