import { percentile } from '../color.ts';
import { pointOf } from '../mesh.ts';
import { cut, luma } from '../raster.ts';
import type { Affine, Raster } from '../raster.ts';

/** Size of the upright cut-out of an eye, px; it is half as wide again as the eye. */
const WIDTH = 96;
const HEIGHT = 48;
const CORNERS = [[33, 133], [362, 263]] as const;

/**
 * How surely an eye is open: how much darker the iris is than the white on both sides of it, in brightnesses of the eye; the better eye counts.
 * The landmarks do not tell, for they are the same over a closed lid. Of 50 portraits with open eyes all have 0.53 or more; lids with strong
 * lashes may have as much, bare ones stay below 0.2.
 */
export function opennessOf(levels: readonly Raster[], points: Float32Array): number {
  return Math.max(...CORNERS.map(([from, to]) => opennessOfEye(levels, pointOf(points, from), pointOf(points, to))));
}

function opennessOfEye(levels: readonly Raster[], [x0, y0]: readonly number[], [x1, y1]: readonly number[]): number {
  const [dx, dy] = [(x1! - x0!) * (1.5 / WIDTH), (y1! - y0!) * (1.5 / WIDTH)];
  const map: Affine = [dx, -dy, (x0! + x1!) / 2 - (dx * WIDTH) / 2 + (dy * HEIGHT) / 2, dy, dx, (y0! + y1!) / 2 - (dy * WIDTH) / 2 - (dx * HEIGHT) / 2];
  const light = luma({ width: WIDTH, height: HEIGHT, rgb: Uint8ClampedArray.from(cut(levels, map, WIDTH, HEIGHT)) });
  const inner: number[] = [];
  for (let y = 16; y < 33; y++) for (let x = 20; x < 76; x++) inner.push(light[y * WIDTH + x]!);
  const usual = percentile(inner, 0.5) + 12;
  // The iris may be a little above or below the line between the corners.
  return Math.max(...[17, 19, 21, 23, 25].map((top) => ringAround(light, top) / usual));
}

/** Darkest column near the middle of a band of rows against the brightest ones on both sides of it. */
function ringAround(light: Float32Array, top: number): number {
  const columns = Array.from({ length: WIDTH }, (_, x) => {
    let sum = 0;
    for (let y = top; y < top + 7; y++) sum += light[y * WIDTH + x]!;
    return sum / 7;
  });
  const darkest = Math.min(...columns.slice(36, 61));
  const at = columns.indexOf(darkest, 36);
  return Math.min(Math.max(...columns.slice(20, Math.max(24, at - 6))), Math.max(...columns.slice(Math.min(72, at + 7), 76))) - darkest;
}
