import { fromLinear, rgbToLab } from '../color.ts';
import type { PreparedPhoto } from '../engine.ts';
import { fillPolygon, LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, ring } from '../mesh.ts';
import { blurred } from './blur.ts';
import { faceModel, faceTriangles } from './face-model.ts';
import { cross, dot, mix, normalize, ramp, type Vector } from './numbers.ts';
import { drawGrid, drawTriangle, type Surface } from './occlusion.ts';
import { normalAt, craniumAt } from './skull.ts';

type Plane = { x: number; y: number; pxPerCm: number };
type Cast = (at: Vector, normal: Vector) => number[][];

const lightFrom = normalize([-0.45, 0.6, 0.75]);

/** Smooth normals of the canonical face. */
function faceNormals(): Float32Array {
  const sums = new Float32Array(faceModel.length);
  const corner = (i: number): Vector => [faceModel[i * 3]!, faceModel[i * 3 + 1]!, faceModel[i * 3 + 2]!];
  for (let t = 0; t < faceTriangles.length; t += 3) {
    const [i, j, k] = [faceTriangles[t]!, faceTriangles[t + 1]!, faceTriangles[t + 2]!];
    const a = corner(i), b = corner(j), c = corner(k);
    const n = cross([b[0] - a[0], b[1] - a[1], b[2] - a[2]], [c[0] - a[0], c[1] - a[1], c[2] - a[2]]);
    const sign = n[2] < 0 ? -1 : 1;
    for (const index of [i, j, k]) for (const axis of [0, 1, 2] as const) sums[index * 3 + axis]! += n[axis] * sign;
  }
  return sums;
}

/** An ellipsoid's skin as a grid of points, for ears and shoulders. */
function drawBlob(surfaces: Surface[], cast: Cast, center: Vector, radius: Vector, power: number): void {
  surfaces.forEach((surface, axis) => drawGrid(surface, 40, 49, (row, column) => {
    const a = (column * 7.5 - 180) * Math.PI / 180, b = (row / 39 - 0.5) * Math.PI;
    const bend = (v: number): number => Math.sign(v) * Math.pow(Math.abs(v), 2 / power);
    const d: Vector = [bend(Math.cos(b)) * bend(Math.sin(a)), bend(Math.sin(b)), bend(Math.cos(b)) * bend(Math.cos(a))];
    const at: Vector = [center[0] + d[0] * radius[0], center[1] + d[1] * radius[1], center[2] + d[2] * radius[2]];
    const normal = normalize([Math.sign(d[0]) * Math.abs(d[0]) ** (power - 1) / radius[0], Math.sign(d[1]) * Math.abs(d[1]) ** (power - 1) / radius[1], Math.sign(d[2]) * Math.abs(d[2]) ** (power - 1) / radius[2]]);
    return cast(at, normal)[axis]!;
  }));
}

function drawBust(surfaces: Surface[], cast: Cast): void {
  surfaces.forEach((surface, axis) => {
    drawGrid(surface, 110, 121, (row, column) => {
      const at = craniumAt((column * 3 - 180) * Math.PI / 180, 13.09 - row * row * 0.00155);
      return cast(at, normalAt(at))[axis]!;
    });
    drawGrid(surface, 30, 49, (row, column) => {
      const angle = (column * 7.5 - 180) * Math.PI / 180, y = -3 - row * 0.5;
      const wide = 5.1 + 3.4 * ramp(-10.5, -15.5, y) ** 1.5;
      return cast([Math.sin(angle) * wide, y, -5.2 + Math.cos(angle) * (wide - 0.6)], normalize([Math.sin(angle), 0.3 * ramp(-10, -15, y), Math.cos(angle)]))[axis]!;
    });
  });
  for (const side of [-1, 1]) drawBlob(surfaces, cast, [side * 8, 0.9, -4], [0.75, 3.1, 1.7], 2.1);
  drawBlob(surfaces, cast, [0, -26, -6.5], [20.5, 12.4, 8], 2.35);
  const normals = faceNormals();
  surfaces.forEach((surface, axis) => {
    const corner = (i: number): number[] => cast([faceModel[i * 3]!, faceModel[i * 3 + 1]!, faceModel[i * 3 + 2]! + 0.08],
      normalize([normals[i * 3]!, normals[i * 3 + 1]!, normals[i * 3 + 2]!]))[axis]!;
    for (let t = 0; t < faceTriangles.length; t += 3) drawTriangle(surface, corner(faceTriangles[t]!), corner(faceTriangles[t + 1]!), corner(faceTriangles[t + 2]!));
  });
}

/** Soft darkening of brows, lids and lips. */
function makeUp(width: number, height: number, landmarks: Float32Array, pxPerCm: number): Float32Array {
  const soft = (indices: readonly number[], radiusCm: number, strength: number): Float32Array =>
    blurred(fillPolygon(width, height, ring(landmarks, indices)), width, height, pxPerCm * radiusCm).map((value) => value * strength);
  const parts = [soft(LIPS, 0.1, 0.28), soft(RIGHT_BROW, 0.16, 0.42), soft(LEFT_BROW, 0.16, 0.42), soft(RIGHT_EYE, 0.12, 0.3), soft(LEFT_EYE, 0.12, 0.3)];
  return parts.reduce((sum, part) => sum.map((value, i) => value + part[i]!));
}

function shadeBust(width: number, height: number, surfaces: Surface[], tint: Float32Array): { rgb: Uint8ClampedArray; person: Float32Array } {
  const rgb = new Uint8ClampedArray(width * height * 3), body = new Float32Array(width * height);
  const shades = surfaces.map((surface) => blurred(surface.mark, width, height, 1));
  for (let i = 0; i < body.length; i += 1) body[i] = surfaces[0]!.depth[i]! > -Infinity ? 1 : 0;
  const person = blurred(body, width, height, 0.7), cavity = blurred(body, width, height, width * 0.012);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
    const i = y * width + x;
    const n: Vector = normalize([shades[0]![i]!, shades[1]![i]!, shades[2]![i]! + 1e-4]);
    const key = Math.max(0, (dot(n, lightFrom) + 0.25) / 1.25), fill = 0.5 + 0.5 * n[1] * 0.4 + 0.2 * n[2];
    const light = (0.1 + 0.62 * key + 0.24 * fill) * (0.75 + 0.25 * cavity[i]!) * (1 - tint[i]!);
    const around = Math.hypot(x / width - 0.45, y / height - 0.42);
    const wall = mix(0.74, 0.46, ramp(0.05, 0.85, around));
    const skin = [0.62, 0.5, 0.42], back = [1, 0.985, 0.96];
    for (let c = 0; c < 3; c += 1) rgb[i * 3 + c] = fromLinear(mix(wall * back[c]!, light * skin[c]!, person[i]!));
  }
  return { rgb, person };
}

/** What is seen of the two ears beside the head. */
function earsOf(width: number, height: number, { x, y, pxPerCm }: Plane): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => {
    const aside = Math.abs(i % width - x) / pxPerCm, up = (y - Math.floor(i / width)) / pxPerCm;
    return aside > 7.5 && ((aside - 8) / 0.8) ** 2 + ((up - 0.9) / 3.1) ** 2 < 1 ? 1 : 0;
  });
}

/** A bald mannequin before a studio wall, in the shape of an analysed photo. */
export function mannequin(width: number, height: number, plane?: Plane): PreparedPhoto {
  const { x, y, pxPerCm } = plane ?? { x: width / 2, y: height * 0.47, pxPerCm: width / 32 };
  const landmarks = new Float32Array(faceModel.length);
  for (let i = 0; i < landmarks.length; i += 3) {
    landmarks[i] = x + faceModel[i]! * pxPerCm;
    landmarks[i + 1] = y - faceModel[i + 1]! * pxPerCm;
    landmarks[i + 2] = -faceModel[i + 2]! * pxPerCm;
  }
  const surfaces = [0, 1, 2].map((): Surface => ({ width, height, depth: new Float32Array(width * height).fill(-Infinity), mark: new Float32Array(width * height) }));
  drawBust(surfaces, (at, n) => n.map((mark) => [x + at[0] * pxPerCm, y - at[1] * pxPerCm, at[2] * pxPerCm, mark]));
  const { rgb, person } = shadeBust(width, height, surfaces, makeUp(width, height, landmarks, pxPerCm));
  const cheek = (Math.round(y) * width + Math.round(x + 4 * pxPerCm)) * 3;
  return {
    width, height, rgb, landmarks, person, hair: new Float32Array(width * height), plate: rgb, ears: earsOf(width, height, { x, y, pxPerCm }), plateQuality: 'ok', hairLab: null,
    skinLab: rgbToLab(rgb[cheek]!, rgb[cheek + 1]!, rgb[cheek + 2]!),
    light: { direction: [lightFrom[0], -lightFrom[1], lightFrom[2]], keyRatio: 1.6 }, sharpness: 0.8, grain: 0,
  };
}
