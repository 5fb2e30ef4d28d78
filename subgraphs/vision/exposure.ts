import { percentile } from './color.ts';
import type { ImageIssue } from './engine.ts';
import type { Face } from './faces.ts';
import { cut, luma } from './raster.ts';
import type { Affine, Raster } from './raster.ts';

/** Side of the upright cut-out of the face that is measured, px. */
const SIDE = 128;
/** Radius of the part of it that holds no hair and no background. */
const RADIUS = SIDE * 0.42;

/**
 * Luma 0..255. `highlight`: the brightest tenth of a face must reach it; well lit skin of any shade does (50 portraits: 120 and more).
 * `shade`: its darkest tenth must stay below. `white`: the share of a face that may be clipped.
 */
type LightLimits = { highlight: number; shade: number; white: number };

/** What makes a photo unusable, and what is only worth a remark. */
const LIGHT: Record<Strictness, LightLimits> = {
  refuse: { highlight: 38, shade: 225, white: 0.35 },
  doubt: { highlight: 70, shade: 200, white: 0.12 },
};
/** Luma that counts as clipped to white. */
const WHITE = 250;

export type Strictness = 'refuse' | 'doubt';

export type FaceMeasure = {
  /** Strength of the finest lines over the contrast of the face: the same for dark and light skin, near 0 when blurred. */
  detail: number;
  /** Luma of the inner face, 0..255. */
  light: number[];
};

/** Measures the inner face, turned so that the eyes are level. */
export function measureFace(levels: readonly Raster[], { eyes: [right, left], width }: Face): FaceMeasure {
  const angle = Math.atan2(left[1] - right[1], left[0] - right[0]);
  const step = (width * 1.05) / SIDE;
  const [cos, sin] = [Math.cos(angle) * step, Math.sin(angle) * step];
  // The eyes stand a third below the upper edge, which leaves the hair out.
  const [u, v] = [SIDE / 2, SIDE / 3];
  const [x, y] = [(right[0] + left[0]) / 2, (right[1] + left[1]) / 2];
  const map: Affine = [cos, -sin, x - cos * u + sin * v, sin, cos, y - sin * u - cos * v];
  const values = luma({ width: SIDE, height: SIDE, rgb: Uint8ClampedArray.from(cut(levels, map, SIDE, SIDE)) });
  const inner = [...values.keys()].filter((i) => Math.hypot((i % SIDE) - SIDE / 2, Math.floor(i / SIDE) - SIDE / 2) < RADIUS);
  return { detail: detailOf(values, inner), light: inner.map((i) => values[i]!) };
}

/** Spread of the Laplacian over the spread of the luma. */
function detailOf(values: Float32Array, inner: readonly number[]): number {
  const laplacian = inner.map((i) => 4 * values[i]! - values[i - 1]! - values[i + 1]! - values[i - SIDE]! - values[i + SIDE]!);
  return Math.sqrt(variance(laplacian) / (variance(inner.map((i) => values[i]!)) + 16));
}

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

/** Luma of the face, or of the whole picture where darkness or glare hides it. */
export function lightOf(levels: readonly Raster[], measure: FaceMeasure | null): number[] {
  return measure?.light ?? [...luma(levels.at(-1)!)];
}

export function judgeLight(light: readonly number[], hasFace: boolean, strictness: Strictness): ImageIssue[] {
  const { highlight, shade, white } = LIGHT[strictness];
  if (percentile([...light], 0.9) < highlight) return ['TOO_DARK'];
  const clipped = light.filter((value) => value > WHITE).length / light.length;
  // A picture without a face may well be mostly white.
  if (percentile([...light], 0.1) > shade || (hasFace && clipped > white)) return ['TOO_BRIGHT'];
  return [];
}
