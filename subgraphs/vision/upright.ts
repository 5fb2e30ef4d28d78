import type { Face } from './faces.ts';
import { detectFaces, subjectFaces } from './faces.ts';
import { pyramid } from './raster.ts';
import type { Raster } from './raster.ts';

/** Outer corners of the person's right and left eye in the mesh, and how many numbers a point has. */
const CORNERS = { right: 33, left: 263, stride: 3 };
/** Of 50 portraits, each as it is and upside down, all have 0.88 or more upright, and less than that and less than upright the other way. */
const SURE = 0.85;

/**
 * How far a face is from upright, degrees: of the line through the eyes, which the mesh follows through all of a turn but the last part. A face that is upside down is
 * taken for an upright one, with less certainty than when the picture is turned.
 */
export async function tiltOf(levels: readonly Raster[], face: Face, points: Float32Array): Promise<number> {
  if (face.score < SURE && (await scoreTurned(levels)) > face.score) return 180;
  const at = (corner: number, axis: 0 | 1): number => points[corner * CORNERS.stride + axis] ?? 0;
  return Math.abs((Math.atan2(at(CORNERS.left, 1) - at(CORNERS.right, 1), at(CORNERS.left, 0) - at(CORNERS.right, 0)) * 180) / Math.PI);
}

async function scoreTurned([image]: readonly Raster[]): Promise<number> {
  if (!image) return 0;
  const [face] = subjectFaces(await detectFaces(pyramid(halfTurn(image))));
  return face?.score ?? 0;
}

function halfTurn({ width, height, rgb }: Raster): Raster {
  const turned = new Uint8ClampedArray(rgb.length);
  for (let from = 0, to = rgb.length - 3; from < rgb.length; from += 3, to -= 3) {
    turned[to] = rgb[from]!;
    turned[to + 1] = rgb[from + 1]!;
    turned[to + 2] = rgb[from + 2]!;
  }
  return { width, height, rgb: turned };
}
