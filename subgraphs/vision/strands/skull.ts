import { clamp, interpolate, ramp, type Vector } from './numbers.ts';

/** The scalp: a superellipsoid that meets the forehead and temple landmarks of the canonical face within 3 mm. */
export const skull = { center: [0, 3.4, -4.3] as Vector, radius: [7.75, 9.7, 9.7] as Vector, power: 2.4 };

/** 1 on the scalp, below 1 inside, 2 twice as far out. */
export function gauge(p: Vector): number {
  const { center, radius, power } = skull;
  const x = Math.abs(p[0] - center[0]) / radius[0], y = Math.abs(p[1] - center[1]) / radius[1], z = Math.abs(p[2] - center[2]) / radius[2];
  return Math.pow(Math.pow(x, power) + Math.pow(y, power) + Math.pow(z, power), 1 / power);
}

/** Outward normal of the shell through this point. */
export function normalAt(p: Vector): Vector {
  const { center, radius, power } = skull;
  const x = (p[0] - center[0]) / radius[0], y = (p[1] - center[1]) / radius[1], z = (p[2] - center[2]) / radius[2];
  const nx = Math.sign(x) * Math.pow(Math.abs(x), power - 1) / radius[0], ny = Math.sign(y) * Math.pow(Math.abs(y), power - 1) / radius[1];
  const nz = Math.sign(z) * Math.pow(Math.abs(z), power - 1) / radius[2];
  const scale = 1 / (Math.sqrt(nx * nx + ny * ny + nz * nz) || 1);
  return [nx * scale, ny * scale, nz * scale];
}

/** The scalp point at an azimuth (radians, 0 front, positive towards +x) and height. */
export function scalpAt(azimuth: number, y: number): Vector {
  const { center, radius, power } = skull;
  const height = clamp(Math.abs(y - center[1]) / radius[1], 0, 1);
  const rest = Math.pow(1 - Math.pow(height, power), 1 / power);
  const s = Math.sin(azimuth), c = Math.cos(azimuth);
  const reach = rest / Math.pow(Math.pow(Math.abs(s) / radius[0], power) + Math.pow(Math.abs(c) / radius[2], power), 1 / power);
  return [center[0] + s * reach, y, center[2] + c * reach];
}

/** The same, drawn in where the face stands before the skull: what is seen of the head without its face. */
export function craniumAt(azimuth: number, y: number): Vector {
  const p = scalpAt(azimuth, y);
  const inside = ramp(70, 60, Math.abs(azimuth) * 180 / Math.PI) * ramp(8, 6.6, y);
  return [p[0] * (1 - 0.12 * inside), p[1], p[2] - 3.2 * inside];
}

/** Degrees round the head: 0 front, 90 at the ear, 180 back; negative at the left of the picture. */
export const azimuthOf = (p: Vector): number => Math.atan2(p[0] - skull.center[0], p[2] - skull.center[2]) * 180 / Math.PI;

const faceOutline: readonly (readonly [number, number])[] = [
  [-10, 0], [-9.4, 1.6], [-8.6, 3.4], [-7.4, 4.7], [-5.5, 6.2], [-2.9, 7.2], [0.7, 7.7], [2.4, 7.75], [5.4, 7.1], [6.6, 6.3], [7.5, 5.2], [8.3, 2],
];

/** Half the width of the face at a height. */
export const faceHalfWidth = (y: number): number => interpolate(faceOutline, y);

const faceFront: readonly (readonly [number, number])[] = [[-9.4, 4.2], [-4, 5.2], [0, 5.4], [4.9, 5.4], [6.5, 5], [8.3, 4.4]];

/** Rough depth of the face's skin at a point of its front. */
export function faceDepth(x: number, y: number): number {
  const share = clamp(Math.abs(x) / Math.max(0.5, faceHalfWidth(y)), 0, 1.1);
  return interpolate(faceFront, y) - 7.4 * Math.pow(share, 2.6);
}
