import type { PreparedPhoto } from '../engine.ts';
import { project, type Head } from './head.ts';
import { clamp, interpolate } from './numbers.ts';
import { scalpAt } from './skull.ts';

/** Height (head centimetres) at which the scalp's hair begins, by azimuth in degrees (negative = left of the picture). */
export type Hairline = {
  rows: readonly (readonly [number, number])[];
  /** How far the hair takes to grow dense above the line. */
  softnessCm: number;
};

const halfRows: readonly (readonly [number, number])[] = [
  [0, 9.25], [12, 9.3], [21, 9.4], [28, 9.25], [34, 8.6], [38.5, 7.7], [42, 6.7], [45.5, 5.8], [51, 5], [57, 4.2], [63, 1.6], [67, -0.2], [75, -0.4], [79, 1.2], [83, 3.7], [92, 4.4],
  [100, 4], [106, 1.6], [113, -1.2], [126, -3.4], [146, -4.7], [180, -5],
];
const forcedRows: readonly (readonly [number, number])[] = [[0, 8.55], [20, 8.5], [34, 8.2], [42, 7.4]];

export const hairlineAt = (hairline: Hairline, azimuth: number): number => interpolate(hairline.rows, azimuth);

function mirrored(half: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  return [...half.slice(1).map(([azimuth, y]) => [-azimuth, y] as const).reverse(), ...half];
}

/** The height where the photo's own hair starts above the forehead in this direction; null under a fringe or without hair. */
function findEdge(photo: PreparedPhoto, head: Head, azimuth: number): number | null {
  let bare = 0;
  for (let y = 5.6; y < 11; y += 0.1) {
    const p = scalpAt(azimuth * Math.PI / 180, y);
    const [px, py] = project(head, p[0], p[1], p[2]);
    const x = Math.round(px), row = Math.round(py);
    if (x < 0 || row < 0 || x >= photo.width || row >= photo.height) return null;
    if (photo.hair[row * photo.width + x]! > 0.5) return bare >= 5 ? y : null;
    bare += 1;
  }
  return null;
}

/** Follows the person's own hairline where the photo shows it, and the usual one for a face of this shape elsewhere. */
export function findHairline(photo: PreparedPhoto, head: Head): Hairline {
  const usual = mirrored(halfRows);
  const azimuths = [-48, -40, -32, -24, -16, -8, 0, 8, 16, 24, 32, 40, 48];
  const shifts = azimuths.map((azimuth) => {
    const edge = findEdge(photo, head, azimuth);
    return edge === null ? 0 : clamp(edge - interpolate(usual, azimuth), -0.6, 1.1);
  });
  const smooth = azimuths.map((azimuth, i): readonly [number, number] => {
    const near = shifts.slice(Math.max(0, i - 2), i + 3);
    return [azimuth, near.reduce((sum, value) => sum + value, 0) / near.length];
  });
  const correction = [[-62, 0] as const, ...smooth, [62, 0] as const];
  const dense = Array.from({ length: 91 }, (_, i) => -180 + i * 4);
  return { rows: dense.map((azimuth) => [azimuth, interpolate(usual, azimuth) + interpolate(correction, azimuth)] as const), softnessCm: 0.95 };
}

/** A fresh hairline: lower at the temples, straight across and dense at once. */
export function forcedHairline(): Hairline {
  return { rows: mirrored([...forcedRows, ...halfRows.filter(([azimuth]) => azimuth > 46)]), softnessCm: 0.4 };
}
