/**
 * Writes what the hair net is trained on: `node subgraphs/vision/weights/dump.ts PORTRAITS TEACHER.tflite OUT`.
 *
 * PORTRAITS holds `female/*.jpg` and `male/*.jpg` (faker-js/assets-person-portrait, CC0-1.0, every fourth picture); TEACHER is Google's
 * hair_segmentation.tflite (Apache-2.0); further heads are cut out of the six photos that @vladmandic/face-api (MIT) shows its work on.
 * For each head OUT gets `NAME.bin`, SIDE x SIDE x 14 bytes (red, green, blue, person, face, features, cheeks, teacher, inside, skull,
 * bald red, green, blue, correction), and all of them `heads.json`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { loadAndCompile, Tensor } from '@litertjs/core';
import type { CompiledModel } from '@litertjs/core';
import { drawCranium } from '../cranium.ts';
import { decodeRaster } from '../decode.ts';
import { detectFaces } from '../faces.ts';
import type { Face } from '../faces.ts';
import { cutPlane, lookAt, windowMap } from '../hair/window.ts';
import type { Subject, Window } from '../hair/window.ts';
import { personMatte } from '../matte.ts';
import { faceFrame, fillPolygon, fitMesh } from '../mesh.ts';
import { removeHair, shrinkScene } from '../plate.ts';
import { cut, pyramid, sample } from '../raster.ts';
import type { Affine, Plane, Raster } from '../raster.ts';
import { runModel } from '../runtime.ts';
import { estimateLight, skinMask } from '../skin.ts';
import corrections from './corrections.json' with { type: 'json' };

/** Wider than the net's window, so that the training can shift, turn and scale it. */
const CANVAS: Window = { side: 512, span: 4.4, above: 0.375 };
const TEACHER_SIDE = 512;

/** Outlines in thousandths of the picture's width and height; a later kind is drawn over an earlier one. `all` goes first. */
type Correction = { all?: string } & { [kind in Mark]?: number[][] };
type Mark = 'cover' | 'hair' | 'none' | 'cloth' | 'unsure';
const CORRECTIONS: Record<string, Correction> = corrections;

/** Marks of the correction plane. `cloth` is no hair, but may or may not count as covering the head. */
const MARKS = { none: 1, hair: 2, cover: 3, cloth: 4, unsure: 5 } as const;

const [portraits, teacherPath, out] = process.argv.slice(2);
if (!portraits || !teacherPath || !out) throw new Error('usage: dump.ts PORTRAITS TEACHER.tflite OUT');
mkdirSync(out, { recursive: true });
// The first model that runs starts the runtime.
await runModel('person', new Float32Array(256 * 256 * 3), [1, 256, 256, 3]);
const teacher = await loadAndCompile(readFileSync(teacherPath), { accelerator: 'wasm' });
const heads: { name: string }[] = [];

for (const group of ['female', 'male']) {
  for (const file of readdirSync(join(portraits, group)).sort()) {
    const image = await decodeRaster(readFileSync(join(portraits, group, file)), 1024);
    await dumpHead(`${group}_${basename(file, '.jpg')}`, image);
  }
}
const demo = join(dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')), 'demo');
for (const number of [1, 2, 3, 4, 5, 6]) {
  const image = await decodeRaster(readFileSync(join(demo, `sample${number}.jpg`)), 1920);
  const faces = (await detectFaces(pyramid(image))).sort((a, b) => a.x - b.x);
  for (const [k, face] of faces.entries()) await dumpHead(`demo${number}_${k}`, around(image, face));
}
writeFileSync(join(out, 'heads.json'), JSON.stringify(heads));

/** A face and its surroundings as a picture of its own. */
function around({ width, height, rgb }: Raster, face: Face): Raster {
  const x0 = Math.max(0, Math.round(face.x - face.width * 1.7));
  const x1 = Math.min(width, Math.round(face.x + face.width * 2.7));
  const y0 = Math.max(0, Math.round(face.y - face.height * 1.3));
  const y1 = Math.min(height, Math.round(face.y + face.height * 3.2));
  const part = new Uint8ClampedArray((x1 - x0) * (y1 - y0) * 3);
  for (let y = y0; y < y1; y++) part.set(rgb.subarray((y * width + x0) * 3, (y * width + x1) * 3), (y - y0) * (x1 - x0) * 3);
  return { width: x1 - x0, height: y1 - y0, rgb: part };
}

async function dumpHead(name: string, image: Raster): Promise<void> {
  const levels = pyramid(image);
  const face = (await detectFaces(levels))[0];
  if (!face) return;
  const { points, presence } = await fitMesh(levels, face);
  if (presence < 0.5) return;
  const frame = faceFrame(points);
  const { person } = await personMatte(levels, frame);
  const subject: Subject = { levels, points, frame, person };
  const hair = await teach(subject);
  const scene = { image, points, frame, person, hair };
  const small = shrinkScene(scene);
  const mask = skinMask(small.image.width, small.image.height, small.points, small.frame.unit, small.hair);
  const { shading } = estimateLight(small.image, small.points, mask);
  const { plate } = removeHair(scene, small, { mask, shading, grain: 2 });
  const map = windowMap(CANVAS, frame);
  const cutOut = (plane: Plane): Plane => cutPlane(plane, image, map, CANVAS.side);
  const view = lookAt(subject, CANVAS);
  const bald = cut(pyramid({ ...image, rgb: plate }), map, CANVAS.side, CANVAS.side);
  const planes = [
    ...channels(view.rgb), ...[view.person, view.face, view.features, view.cheeks, cutOut(hair), cutOut(new Float32Array(hair.length).fill(1)),
    cutOut(drawCranium(points, image.width, image.height).inside)].map(toBytes), ...channels(bald), marks(name, image, map),
  ];
  const bytes = new Uint8Array(planes.length * CANVAS.side ** 2);
  planes.forEach((plane, k) => plane.forEach((value, i) => (bytes[i * planes.length + k] = value)));
  writeFileSync(join(out!, `${name}.bin`), bytes);
  heads.push({ name });
  process.stdout.write(`${name} ${image.width}x${image.height} unit ${frame.unit.toFixed(0)}\n`);
}

function toBytes(plane: Plane): Uint8ClampedArray {
  return Uint8ClampedArray.from(plane, (value) => value * 255);
}

function channels(rgb: Float32Array): Uint8ClampedArray[] {
  return [0, 1, 2].map((c) => Uint8ClampedArray.from({ length: rgb.length / 3 }, (_, i) => rgb[i * 3 + c]!));
}

/** Hand-drawn corrections of the teacher, as marks. */
function marks(name: string, { width, height }: Raster, map: Affine): Uint8ClampedArray {
  const plane = new Float32Array(width * height);
  const correction = CORRECTIONS[name] ?? {};
  if (correction.all === 'none') plane.fill(MARKS.none);
  for (const kind of ['cover', 'hair', 'none', 'cloth', 'unsure'] as const) {
    for (const outline of correction[kind] ?? []) {
      const filled = fillPolygon(width, height, outline.map((value, i) => (value / 1000) * (i % 2 === 0 ? width : height)));
      filled.forEach((value, i) => value > 0 && (plane[i] = MARKS[kind]));
    }
  }
  const bytes = new Uint8ClampedArray(CANVAS.side ** 2);
  for (let y = 0, i = 0; y < CANVAS.side; y++) {
    for (let x = 0; x < CANVAS.side; x++, i++) {
      const sx = Math.round(map[0] * (x + 0.5) + map[1] * (y + 0.5) + map[2] - 0.5);
      const sy = Math.round(map[3] * (x + 0.5) + map[4] * (y + 0.5) + map[5] - 0.5);
      if (sx >= 0 && sy >= 0 && sx < width && sy < height) bytes[i] = plane[sy * width + sx]!;
    }
  }
  return bytes;
}

/** The teacher's hair, 0..1: half from the whole picture, half from the head, each also mirrored. */
async function teach({ levels, frame }: Subject): Promise<Plane> {
  const { width, height } = levels[0]!;
  const whole: Affine = [width / TEACHER_SIDE, 0, 0, 0, height / TEACHER_SIDE, 0];
  const side = frame.unit * 3.6;
  const head: Affine = [side / TEACHER_SIDE, 0, frame.x - side / 2, 0, side / TEACHER_SIDE, frame.y - side * 0.4];
  const sum = new Float32Array(width * height);
  const weight = new Float32Array(width * height);
  for (const [map, share] of [[whole, 2], [head, 1]] as const) {
    for (const mirrored of [false, true]) {
      const input = cut(levels, mirrored ? mirror(map) : map, TEACHER_SIDE, TEACHER_SIDE);
      add(await segment(teacher, input), mirrored ? mirror(map) : map, share, { width, height, sum, weight });
    }
  }
  return sum.map((value, i) => value / Math.max(1e-6, weight[i]!));
}

function mirror([a, b, c, d, e, f]: Affine): Affine {
  return [-a, b, c + a * TEACHER_SIDE, -d, e, f + d * TEACHER_SIDE];
}

async function segment(model: CompiledModel, rgb: Float32Array): Promise<Plane> {
  const input = new Float32Array(TEACHER_SIDE ** 2 * 4);
  for (let i = 0; i < TEACHER_SIDE ** 2; i++) for (let c = 0; c < 3; c++) input[i * 4 + c] = rgb[i * 3 + c]! / 255;
  const tensor = new Tensor(input, [1, TEACHER_SIDE, TEACHER_SIDE, 4]);
  const [result] = await model.run(tensor);
  const logits = result!.toTypedArray();
  tensor.delete();
  result!.delete();
  return Float32Array.from({ length: TEACHER_SIDE ** 2 }, (_, i) => 1 / (1 + Math.exp(Number(logits[i * 2]) - Number(logits[i * 2 + 1]))));
}

type Sums = { width: number; height: number; sum: Plane; weight: Plane };

function add(mask: Plane, map: Affine, share: number, { width, height, sum, weight }: Sums): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = (x + 0.5 - map[2]) / map[0];
      const v = (y + 0.5 - map[5]) / map[4];
      if (u < 0 || v < 0 || u > TEACHER_SIDE || v > TEACHER_SIDE) continue;
      sum[y * width + x]! += share * sample(mask, TEACHER_SIDE, TEACHER_SIDE, u - 0.5, v - 0.5);
      weight[y * width + x]! += share;
    }
  }
}
