import { cut } from './raster.ts';
import type { Affine, Raster } from './raster.ts';
import { runModel } from './runtime.ts';
import type { Face } from './faces.ts';

/** Points of the face mesh, by number, in closed rings. */
export const FACE_OVAL = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93,
  234, 127, 162, 21, 54, 103, 67, 109,
];
export const RIGHT_EYE = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7];
export const LEFT_EYE = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249];
export const LIPS = [61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146];
export const RIGHT_BROW = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46];
export const LEFT_BROW = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276];
export const NOSE = [168, 122, 196, 198, 129, 98, 97, 2, 326, 327, 358, 420, 419, 351];

/** Single points of the face mesh. */
export const POINT = { top: 10, chin: 152, right: 234, left: 454, rightEye: 33, leftEye: 263, nose: 1, noseRoot: 168 } as const;

const SIDE = 192;
const MARGIN = 1.5;

type Window = { x: number; y: number; side: number; angle: number };

/** 468 points as x, y (px of the picture), z (same unit); `presence` is the model's 0..1 belief that this is a face. */
export type Mesh = { points: Float32Array; presence: number };

/** Fits the mesh to a detected face: once from the detection, once again from the result, unless one fit is enough. */
export async function fitMesh(levels: readonly Raster[], face: Face, fits: 1 | 2 = 2): Promise<Mesh> {
  const [right, left] = face.eyes;
  const first = await fit(levels, {
    x: face.x + face.width / 2,
    y: face.y + face.height / 2,
    side: Math.max(face.width, face.height) * MARGIN,
    angle: Math.atan2(left[1] - right[1], left[0] - right[0]),
  });
  return fits === 1 ? first : fit(levels, windowOf(first.points));
}

function windowOf(points: Float32Array): Window {
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let p = 0; p < points.length; p += 3) {
    minX = Math.min(minX, points[p]!);
    maxX = Math.max(maxX, points[p]!);
    minY = Math.min(minY, points[p + 1]!);
    maxY = Math.max(maxY, points[p + 1]!);
  }
  const [rx, ry] = pointOf(points, POINT.rightEye);
  const [lx, ly] = pointOf(points, POINT.leftEye);
  return {
    x: (minX + maxX) / 2,
    y: (minY + maxY) / 2,
    side: Math.max(maxX - minX, maxY - minY) * MARGIN,
    angle: Math.atan2(ly - ry, lx - rx),
  };
}

async function fit(levels: readonly Raster[], { x, y, side, angle }: Window): Promise<Mesh> {
  const scale = side / SIDE;
  const cos = Math.cos(angle) * scale;
  const sin = Math.sin(angle) * scale;
  const half = SIDE / 2;
  const map: Affine = [cos, -sin, x - cos * half + sin * half, sin, cos, y - sin * half - cos * half];
  const input = cut(levels, map, SIDE, SIDE);
  for (let i = 0; i < input.length; i++) input[i]! /= 255;
  const [raw, flag] = await runModel('faceMesh', input, [1, SIDE, SIDE, 3]);
  if (!raw || !flag) throw new Error('faceMesh answered without points and presence');
  const points = new Float32Array(raw.length);
  for (let p = 0; p < raw.length; p += 3) {
    points[p] = map[0] * raw[p]! + map[1] * raw[p + 1]! + map[2];
    points[p + 1] = map[3] * raw[p]! + map[4] * raw[p + 1]! + map[5];
    points[p + 2] = raw[p + 2]! * scale;
  }
  return { points, presence: 1 / (1 + Math.exp(-flag[0]!)) };
}

export function pointOf(points: Float32Array, index: number): [x: number, y: number, z: number] {
  return [points[index * 3]!, points[index * 3 + 1]!, points[index * 3 + 2]!];
}

/** The face's own frame: origin between the outer eye corners, x along the eyes, unit = distance from top point to chin. */
export type FaceFrame = { x: number; y: number; cos: number; sin: number; unit: number };

export function faceFrame(points: Float32Array): FaceFrame {
  const [rx, ry] = pointOf(points, POINT.rightEye);
  const [lx, ly] = pointOf(points, POINT.leftEye);
  const [tx, ty] = pointOf(points, POINT.top);
  const [bx, by] = pointOf(points, POINT.chin);
  const angle = Math.atan2(ly - ry, lx - rx);
  return { x: (rx + lx) / 2, y: (ry + ly) / 2, cos: Math.cos(angle), sin: Math.sin(angle), unit: Math.hypot(bx - tx, by - ty) };
}

/** Outline of the named points, x0, y0, x1, y1 … in px. */
export function ring(points: Float32Array, indices: readonly number[]): number[] {
  return indices.flatMap((index) => [points[index * 3]!, points[index * 3 + 1]!]);
}

/** 1 inside a closed outline (even-odd), 0 outside; pixel centres decide. */
export function fillPolygon(width: number, height: number, outline: readonly number[], into?: Float32Array): Float32Array {
  const plane = into ?? new Float32Array(width * height);
  const count = outline.length / 2;
  for (let y = 0; y < height; y++) {
    const crossings: number[] = [];
    for (let i = 0; i < count; i++) {
      const j = (i + 1) % count;
      const [y0, y1] = [outline[i * 2 + 1]!, outline[j * 2 + 1]!];
      if (y0 <= y === y1 <= y) continue;
      const x0 = outline[i * 2]!;
      crossings.push(x0 + ((y - y0) / (y1 - y0)) * (outline[j * 2]! - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k]!));
      const to = Math.min(width - 1, Math.floor(crossings[k + 1]!));
      for (let x = from; x <= to; x++) plane[y * width + x] = 1;
    }
  }
  return plane;
}
