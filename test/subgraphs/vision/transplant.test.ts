import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { medianLab, rgbToLab } from '../../../subgraphs/vision/color.ts';
import type { PreparedPhoto } from '../../../subgraphs/vision/engine.ts';
import { LEFT_EYE, LIPS, RIGHT_EYE, fillPolygon, ring } from '../../../subgraphs/vision/mesh.ts';
import { liftHair } from '../../../subgraphs/vision/transplant/lift.ts';
import { evenOutline } from '../../../subgraphs/vision/transplant/outline.ts';
import { openPiece } from '../../../subgraphs/vision/transplant/piece.ts';
import { renderPiece } from '../../../subgraphs/vision/transplant/render.ts';
import { importables } from '../../support/lifted.ts';
import { profile } from '../../support/photos.ts';

const { photo, short, bald, cutOff } = await importables();
const lifted = await liftHair(short);
assert.ok('piece' in lifted, lifted.issues.join());
const { piece, preview } = lifted;
const wear = async (change: { color?: { hex: string } | null; on?: PreparedPhoto } = {}) =>
  (await renderPiece(change.on ?? photo, piece, { color: change.color ?? null, forceNewHairline: false, seed: 1, onProgress: () => {} })).rgb;

test('hair that the frame cuts off, a head without hair and one that is seen from the side give no style', async () => {
  assert.deepEqual((await liftHair(cutOff)).issues, ['HAIR_CUT_OFF']);
  assert.deepEqual((await liftHair(bald)).issues, ['NO_HAIR']);
  assert.ok((await liftHair(await profile())).issues.some((issue) => issue === 'FACE_TURNED'));
  const small = await sharp(short).resize({ width: 170 }).jpeg().toBuffer();
  assert.deepEqual((await liftHair(small)).issues, ['TOO_SMALL']);
});

test('a piece holds hair and nothing of the face, and is shown on a neutral head of the catalogue’s size', async () => {
  const { rgb, alpha, about } = await openPiece(piece, 1);
  const { anchors: _, ...plain } = about;
  assert.ok(Object.keys(JSON.parse(JSON.stringify(plain)) as object).length > 3);
  // Where the face was there is no coverage, and where there is no coverage the colors are those of hair.
  const [x, y] = [0, 1].map((axis) => Math.round(about.anchors.filter((_, i) => i % 2 === axis).slice(0, 36).reduce((sum, value) => sum + value, 0) / 36)) as [number, number];
  const middle = Math.min(about.height - 1, y) * about.width + x;
  assert.equal(alpha[middle], 0);
  assert.ok(rgbToLab(rgb[middle * 3]!, rgb[middle * 3 + 1]!, rgb[middle * 3 + 2]!)[0] < 40, 'skin of the portrait is in the piece');
  const { width, height, format } = await sharp(preview).metadata();
  assert.deepEqual([width, height, format], [384, 480, 'webp']);
});

test('a notch that was taken for wall comes back, a bump that is nobody goes, a knot of hair stays', () => {
  const [side, middle] = [100, 50];
  const disc = (i: number, reach: number): boolean => Math.hypot(i % side - middle, Math.floor(i / side) - middle) < reach;
  const near = (i: number, x: number, y: number): boolean => Math.hypot(i % side - x, Math.floor(i / side) - y) < 6;
  const plane = (inside: (i: number) => boolean): Float32Array => Float32Array.from({ length: side * side }, (_, i) => Number(inside(i)));
  const bumps = (i: number): boolean => near(i, 50, 17) || near(i, 17, 48);
  const hair = plane((i) => disc(i, 30) || bumps(i));
  const even = evenOutline(hair, plane((i) => (disc(i, 30) || bumps(i)) && !near(i, 76, 36)), plane((i) => disc(i, 30) || near(i, 17, 48)), { width: side, height: side, x: middle, y: middle });
  assert.ok(even[37 * side + 74]! > 0.9, `${even[37 * side + 74]} in the notch`);
  assert.ok(even[14 * side + 50]! < 0.1, `${even[14 * side + 50]} on the bump`);
  assert.ok(even[48 * side + 14]! > 0.9, `${even[48 * side + 14]} in the knot`);
});

test('it is drawn in the color that is asked for, and in the person’s own without one', async () => {
  const image = { width: photo.width, height: photo.height };
  const changed = (rgb: Uint8ClampedArray): Float32Array => Float32Array.from({ length: photo.hair.length }, (_, i) => {
    const d = Math.abs(rgb[i * 3]! - photo.plate[i * 3]!) + Math.abs(rgb[i * 3 + 1]! - photo.plate[i * 3 + 1]!) + Math.abs(rgb[i * 3 + 2]! - photo.plate[i * 3 + 2]!);
    return d > 90 ? 1 : 0;
  });
  const dark = await wear();
  const worn = changed(dark);
  const area = worn.reduce((sum, value) => sum + value, 0) / worn.length;
  assert.ok(area > 0.04, `hair covers ${area}`);
  const own = medianLab({ ...image, rgb: dark }, worn, 0.5) ?? assert.fail();
  assert.ok(photo.hairLab && Math.hypot(own[0] - photo.hairLab[0], own[1] - photo.hairLab[1], own[2] - photo.hairLab[2]) < 9, own.join());
  for (const hex of ['#c9a26b', '#7a2f1d']) {
    const want = rgbToLab(...([1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]));
    const seen = medianLab({ ...image, rgb: await wear({ color: { hex } }) }, worn, 0.5) ?? assert.fail();
    assert.ok(Math.hypot(seen[0] - want[0], seen[1] - want[1], seen[2] - want[2]) < 16, `${seen.join()} for ${want.join()}`);
  }
});

test('eyes and mouth keep their bytes, and the same photo and piece give the same picture', async () => {
  const rgb = await wear();
  const face = [RIGHT_EYE, LEFT_EYE, LIPS].map((part) => fillPolygon(photo.width, photo.height, ring(photo.landmarks, part)));
  for (const part of face) for (let i = 0; i < part.length; i++) if (part[i] === 1) assert.equal(rgb[i * 3], photo.plate[i * 3]);
  assert.deepEqual(await wear(), rgb);
});

test('the skull that the plate shows is covered, on a wider head too', async () => {
  // The same person with landmarks that are a tenth wider: a head on which the hair as it is would be too small.
  const middle = photo.landmarks[3]!;
  const wide = { ...photo, landmarks: photo.landmarks.map((value, i) => (i % 3 === 0 ? middle + (value - middle) * 1.1 : value)) };
  const rgb = await wear({ on: wide });
  const top = [10, 338, 109].map((index) => [wide.landmarks[index * 3]!, wide.landmarks[index * 3 + 1]!] as const);
  for (const [x, y] of top) {
    const i = Math.round(y - (photo.landmarks[152 * 3 + 1]! - y) * 0.1) * photo.width + Math.round(x);
    assert.notEqual(rgb[i * 3], photo.plate[i * 3], 'bare above the forehead');
  }
});
