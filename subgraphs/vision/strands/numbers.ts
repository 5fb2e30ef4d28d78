/** A vector in head space (centimetres: x right in the picture, y up, z to the camera). */
export type Vector = [number, number, number];

export const clamp = (value: number, low: number, high: number): number => value < low ? low : value > high ? high : value;
export const mix = (from: number, to: number, share: number): number => from + (to - from) * share;

/** 0 below `low`, 1 above `high`, smooth between; falls when `low` is the greater. */
export function ramp(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

/** Repeatable uniform numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A repeatable number in [0, 1) for three integers. */
export function hashed(x: number, y: number, z: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(z, 2147483647);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Smooth noise in [-1, 1] with features one unit wide. */
export function noise(x: number, y: number, z: number): number {
  const i = Math.floor(x), j = Math.floor(y), k = Math.floor(z);
  const smooth = (t: number): number => t * t * (3 - 2 * t);
  const u = smooth(x - i), v = smooth(y - j), w = smooth(z - k);
  const edge = (b: number, c: number): number => mix(hashed(i, j + b, k + c), hashed(i + 1, j + b, k + c), u);
  return mix(mix(edge(0, 0), edge(1, 0), v), mix(edge(0, 1), edge(1, 1), v), w) * 2 - 1;
}

/** Straight lines between [x, y] rows sorted by x, flat outside them. */
export function interpolate(rows: readonly (readonly [number, number])[], x: number): number {
  let before = rows[0]!;
  for (const row of rows) {
    if (x < row[0]) return row === before ? row[1] : mix(before[1], row[1], (x - before[0]) / (row[0] - before[0]));
    before = row;
  }
  return before[1];
}

/** Scales the vector in place to length 1; a zero vector becomes straight down. */
export function normalize(v: Vector): Vector {
  const length = Math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  if (length < 1e-9) { v[0] = 0; v[1] = -1; v[2] = 0; return v; }
  v[0] /= length; v[1] /= length; v[2] /= length;
  return v;
}

export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** The part of `direction` that lies in the surface with this normal, at length 1. */
export function along(direction: Vector, normal: Vector): Vector {
  const d = dot(direction, normal);
  return normalize([direction[0] - normal[0] * d, direction[1] - normal[1] * d, direction[2] - normal[2] * d]);
}
