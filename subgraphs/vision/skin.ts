import { medianLab, percentile, toLinear } from './color.ts';
import type { Lab } from './color.ts';
import { FACE_OVAL, LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, fillPolygon, pointOf, ring } from './mesh.ts';
import { dilate } from './dilate.ts';
import { luma } from './raster.ts';
import type { Plane, Raster } from './raster.ts';
import { faceTriangles } from './strands/face-model.ts';

/** Light falling on skin as a function of its normal (x right, y down, z to the viewer), linear RGB: c0 + cx*x + cy*y + cz*z each. */
export type Shading = { red: Coefficients; green: Coefficients; blue: Coefficients };
type Coefficients = [c0: number, cx: number, cy: number, cz: number];

export type Light = { direction: [number, number, number]; keyRatio: number };

/** 1 where the face shows bare skin: inside its oval, away from eyes, brows and lips, and not under hair. */
export function skinMask(width: number, height: number, points: Float32Array, unit: number, hair: Plane | null): Plane {
  const oval = dilate(fillPolygon(width, height, ring(points, FACE_OVAL)), width, height, -unit * 0.02);
  const features = new Float32Array(width * height);
  for (const part of [RIGHT_EYE, LEFT_EYE, LIPS]) fillPolygon(width, height, ring(points, part), features);
  for (const brow of [RIGHT_BROW, LEFT_BROW]) fillPolygon(width, height, ring(points, brow), features);
  const covered = dilate(features, width, height, unit * 0.03);
  for (let i = 0; i < oval.length; i++) if (covered[i]! > 0 || (hair && hair[i]! > 0.1)) oval[i] = 0;
  return oval;
}

export function skinLabOf(image: Raster, skin: Plane): Lab {
  return medianLab(image, skin, 0.5) ?? [60, 12, 15];
}

/** Fits the light on the face to its brightness at the landmarks, and reads the key light's direction off it. */
export function estimateLight(image: Raster, points: Float32Array, skin: Plane): { light: Light; shading: Shading } {
  const normals = meshNormals(points);
  const samples = skinSamples(image, points, skin);
  const channel = (c: 0 | 1 | 2): Coefficients => fitShading(normals, samples, (rgb) => toLinear(rgb[c]!));
  const shading = { red: channel(0), green: channel(1), blue: channel(2) };
  const [, x, y, z] = shading.green;
  // A face is dimmer from below whatever the light; without a pull to the front a flat light would point anywhere.
  const direction: [number, number, number] = [x, y, Math.max(z, 0) + 0.15 * shading.green[0]];
  const length = Math.hypot(...direction) || 1;
  return { light: { direction: [direction[0] / length, direction[1] / length, direction[2] / length], keyRatio: sideRatio(image, points, skin) }, shading };
}

/** Unit normals of the 468 points, facing the viewer (z positive). */
export function meshNormals(points: Float32Array): Float32Array {
  const sums = new Float32Array(468 * 3);
  for (let t = 0; t < faceTriangles.length; t += 3) {
    const corners = [faceTriangles[t]!, faceTriangles[t + 1]!, faceTriangles[t + 2]!] as const;
    const [a, b, c] = [pointOf(points, corners[0]), pointOf(points, corners[1]), pointOf(points, corners[2])];
    const u = [b[0] - a[0], b[1] - a[1], a[2] - b[2]] as const;
    const v = [c[0] - a[0], c[1] - a[1], a[2] - c[2]] as const;
    const n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]] as const;
    const sign = n[2] < 0 ? -1 : 1;
    for (const corner of corners) for (let k = 0; k < 3; k++) sums[corner * 3 + k]! += n[k as 0 | 1 | 2] * sign;
  }
  for (let p = 0; p < sums.length; p += 3) {
    const length = Math.hypot(sums[p]!, sums[p + 1]!, sums[p + 2]!) || 1;
    for (let k = 0; k < 3; k++) sums[p + k]! /= length;
  }
  return sums;
}

type Sample = { point: number; rgb: [number, number, number] };

/** Mean color round each landmark that lies on bare skin. */
function skinSamples({ width, height, rgb }: Raster, points: Float32Array, skin: Plane): Sample[] {
  const samples: Sample[] = [];
  for (let point = 0; point < 468; point++) {
    const [px, py] = pointOf(points, point);
    const [x, y] = [Math.round(px), Math.round(py)];
    if (x < 2 || y < 2 || x >= width - 2 || y >= height - 2 || skin[y * width + x]! < 0.5) continue;
    const mean: [number, number, number] = [0, 0, 0];
    for (let j = -1; j <= 1; j++) {
      for (let i = -1; i <= 1; i++) for (const c of [0, 1, 2] as const) mean[c] += rgb[((y + j) * width + x + i) * 3 + c]! / 9;
    }
    samples.push({ point, rgb: mean });
  }
  return samples;
}

/** Least squares with a little ridge on the directional part, so that few or flat samples give flat light. */
function fitShading(normals: Float32Array, samples: readonly Sample[], value: (rgb: readonly number[]) => number): Coefficients {
  const rows = Array.from({ length: 4 }, () => new Float64Array(5));
  for (const { point, rgb } of samples) {
    const basis = [1, normals[point * 3]!, normals[point * 3 + 1]!, normals[point * 3 + 2]!];
    const target = value(rgb);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) rows[i]![j]! += basis[i]! * basis[j]!;
      rows[i]![4]! += basis[i]! * target;
    }
  }
  for (let i = 0; i < 4; i++) rows[i]![i]! += i === 0 ? 1e-6 : 0.02 * samples.length + 1e-6;
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      if (j === i) continue;
      const factor = rows[j]![i]! / rows[i]![i]!;
      for (let k = i; k < 5; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  const solved = rows.map((row, i) => row[4]! / row[i]!);
  return [solved[0]!, solved[1]!, solved[2]!, solved[3]!];
}

function sideRatio(image: Raster, points: Float32Array, skin: Plane): number {
  const light = luma(image);
  const [tx, ty] = pointOf(points, 10);
  const [bx, by] = pointOf(points, 152);
  const sides: [number[], number[]] = [[], []];
  for (let i = 0; i < skin.length; i += 3) {
    if (skin[i]! < 0.5) continue;
    const [x, y] = [i % image.width, Math.floor(i / image.width)];
    sides[(bx - tx) * (y - ty) - (by - ty) * (x - tx) > 0 ? 0 : 1].push(toLinear(light[i]!));
  }
  const [a, b] = [percentile(sides[0], 0.5), percentile(sides[1], 0.5)];
  return Math.min(8, Math.max(a, b) / Math.max(1e-3, Math.min(a, b)));
}
