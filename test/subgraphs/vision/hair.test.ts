import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import type { PreparedPhoto } from '../../../subgraphs/vision/engine.ts';
import { dilate } from '../../../subgraphs/vision/dilate.ts';
import { faceFrame, fillPolygon, LEFT_EYE, LIPS, POINT, pointOf, RIGHT_BROW, RIGHT_EYE, ring } from '../../../subgraphs/vision/mesh.ts';
import type { FaceFrame } from '../../../subgraphs/vision/mesh.ts';
import { preparePhoto } from '../../../subgraphs/vision/prepare.ts';
import { portrait } from '../../support/photos.ts';

const bytes = await portrait();
const photo = await preparePhoto(bytes);
const frame = faceFrame(photo.landmarks);

/** Mean of a plane where a mask is 1. */
function meanWhere(plane: Float32Array, mask: Float32Array): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < plane.length; i++) {
    if (mask[i]! < 1) continue;
    sum += plane[i]!;
    count += 1;
  }
  assert.ok(count > 20, `${count} px`);
  return sum / count;
}

/** Hair at a place of the face: face heights to the right of and below the middle of the eyes. */
function hairAt({ hair, width, height }: PreparedPhoto, { x, y, cos, sin, unit }: FaceFrame, right: number, below: number): number {
  const px = Math.round(x + (right * cos - below * sin) * unit);
  const py = Math.round(y + (right * sin + below * cos) * unit);
  assert.ok(px >= 0 && py >= 0 && px < width && py < height, `${px},${py} is in the picture`);
  return hair[py * width + px]!;
}

/** The photo drawn over, in face heights from the middle of the eyes, x to the right and y down. */
async function drawnOver({ width, height, rgb }: PreparedPhoto, { x, y, cos, sin, unit }: FaceFrame, shapes: string): Promise<Uint8Array> {
  const turn = (Math.atan2(sin, cos) * 180) / Math.PI;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g transform="translate(${x} ${y}) rotate(${turn}) scale(${unit})">${shapes}</g></svg>`;
  return sharp(rgb, { raw: { width, height, channels: 3 } }).composite([{ input: Buffer.from(svg) }]).jpeg({ quality: 92 }).toBuffer();
}

test('hair is found on the crown and beside the face, and hangs below the chin when it is long', () => {
  assert.ok(hairAt(photo, frame, 0, -0.58) > 0.8);
  const chin = pointOf(photo.landmarks, POINT.chin)[1];
  let below = 0;
  for (let i = Math.ceil(chin) * photo.width; i < photo.hair.length; i++) below += photo.hair[i]!;
  assert.ok(below > 0.2 * frame.unit ** 2, `${(below / frame.unit ** 2).toFixed(2)} squares of the face's height`);
});

test('eyes, nose and mouth are no hair, nor is a brow that no hair falls over', () => {
  const { width, height, landmarks, hair } = photo;
  for (const [name, parts, most] of [['eyes', [RIGHT_EYE, LEFT_EYE], 0.001], ['mouth', [LIPS], 0.001], ['brow', [RIGHT_BROW], 0.05]] as const) {
    const mask = new Float32Array(width * height);
    for (const part of parts) fillPolygon(width, height, ring(landmarks, part), mask);
    const mean = meanWhere(hair, mask);
    assert.ok(mean < most, `${name} ${mean}`);
  }
  assert.ok(hairAt(photo, frame, 0, 0.3) < 0.02);
});

test('a beard is no hair of the head', async () => {
  const beard = '<path d="M-0.3 0.28 Q-0.26 0.62 0 0.68 Q0.26 0.62 0.3 0.28 Q0.2 0.42 0.12 0.36 L-0.12 0.36 Q-0.2 0.42 -0.3 0.28Z" fill="#2a1c14"/>';
  const bearded = await preparePhoto(await drawnOver(photo, frame, beard));
  const there = faceFrame(bearded.landmarks);
  for (const [right, below] of [[0, 0.52], [0.1, 0.5], [-0.1, 0.5]] as const) assert.ok(hairAt(bearded, there, right, below) < 0.1);
  assert.ok(hairAt(bearded, there, 0, -0.58) > 0.8);
});

test('a turned photo has the same hair', async () => {
  const whole = sharp(await sharp(bytes).rotate(12).png().toBuffer());
  const { width, height } = await whole.metadata();
  const cut = { left: Math.round(width * 0.18), top: Math.round(height * 0.14), width: Math.round(width * 0.64), height: Math.round(height * 0.72) };
  const turned = await preparePhoto(await whole.extract(cut).jpeg({ quality: 95 }).toBuffer());
  const there = faceFrame(turned.landmarks);
  const unit = frame.unit / there.unit;
  let [both, either] = [0, 0];
  for (let y = 0; y < turned.height; y += 2) {
    for (let x = 0; x < turned.width; x += 2) {
      const right = ((x - there.x) * there.cos + (y - there.y) * there.sin) * unit;
      const below = ((y - there.y) * there.cos - (x - there.x) * there.sin) * unit;
      const px = Math.round(frame.x + right * frame.cos - below * frame.sin);
      const py = Math.round(frame.y + right * frame.sin + below * frame.cos);
      if (px < 0 || py < 0 || px >= photo.width || py >= photo.height) continue;
      const [a, b] = [photo.hair[py * photo.width + px]! > 0.5, turned.hair[y * turned.width + x]! > 0.5];
      both += Number(a && b);
      either += Number(a || b);
    }
  }
  assert.ok(both / either > 0.85, `${(both / either).toFixed(3)} in common`);
});

test('a head without hair has none, and no color of it', async () => {
  const { width, height, plate } = photo;
  // What is left of the hair beside the neck is not at stake here.
  const bald = await preparePhoto(await sharp(plate, { raw: { width, height, channels: 3 } }).jpeg({ quality: 95 }).toBuffer());
  const crown = new Float32Array(bald.hair.length);
  const there = faceFrame(bald.landmarks);
  for (let i = 0; i < crown.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (Math.hypot(x - there.x, y - (there.y - there.unit * 0.35)) < there.unit * 0.3) crown[i] = 1;
  }
  assert.ok(meanWhere(photo.hair, crown) > 0.3);
  assert.ok(meanWhere(bald.hair, crown) < 0.05);
});

const scarf = (fill: string): string => `<path fill="${fill}" fill-rule="evenodd" d="
  M0 -0.85 C0.55 -0.85 0.72 -0.4 0.68 0.1 C0.68 0.6 0.9 0.9 1.1 1.3 L-1.1 1.3 C-0.9 0.9 -0.68 0.6 -0.68 0.1 C-0.72 -0.4 -0.55 -0.85 0 -0.85Z
  M0 -0.33 C-0.3 -0.33 -0.42 -0.1 -0.4 0.15 C-0.38 0.45 -0.2 0.66 0 0.68 C0.2 0.66 0.38 0.45 0.4 0.15 C0.42 -0.1 0.3 -0.33 0 -0.33Z"/>`;

for (const [name, fill] of [['a red', '#a32638'], ['a white', '#eceae6'], ['a blue', '#27406f']] as const) {
  test(`a head under ${name} scarf is refused: HEAD_COVERED`, async () => {
    await assert.rejects(preparePhoto(await drawnOver(photo, frame, scarf(fill))), (error) => error instanceof EngineRefusal && error.code === 'HEAD_COVERED');
  });
}

test('the same photo has the same hair, and edges are soft', async () => {
  const again = await preparePhoto(bytes);
  assert.deepEqual(again.hair, photo.hair);
  const solid = photo.hair.map((value) => (value > 0.95 ? 1 : 0));
  const inner = dilate(solid, photo.width, photo.height, -2);
  assert.ok(inner.some((value) => value === 1));
  const soft = photo.hair.filter((value) => value > 0.1 && value < 0.9).length;
  assert.ok(soft > 500, `${soft} px are neither hair nor not`);
});
