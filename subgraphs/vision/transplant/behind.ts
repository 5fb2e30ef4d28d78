import type { Cranium } from '../cranium.ts';
import { dilate } from '../dilate.ts';
import type { PreparedPhoto } from '../engine.ts';
import { FACE_OVAL, fillPolygon, ring } from '../mesh.ts';
import { blur, resize, smoothstep } from '../raster.ts';
import type { Plane } from '../raster.ts';
import { bodyMask } from '../silhouette.ts';
import { project } from '../strands/head.ts';

/** Half the width of holes in the hair that are taken for hair in shadow. */
const HOLE_CM = 0.9;

/** Without narrow holes and gaps. */
const closed = (plane: Plane, width: number, height: number, radius: number): Plane => dilate(dilate(plane, width, height, radius), width, height, -radius);

type Size = { width: number; height: number };

/**
 * Where long hair that falls behind the neck must be seen although the portrait's own neck hid it, 0..1: between what hangs left and right,
 * behind face, neck and shoulders, and in narrow gaps of the hair. On planes of the cranium's size.
 */
export function hairBehind(photo: PreparedPhoto, laid: Plane, cranium: Cranium, { width, height }: Size): Plane {
  const alpha = resize(laid, photo.width, photo.height, width, height);
  const gap = betweenSides(alpha, cranium, { width, height });
  const around = closed(alpha, width, height, cranium.head.pxPerCm * HOLE_CM);
  const between = gap.map((value, i) => Math.max(value, around[i]!));
  const small = (plane: Plane): Plane => resize(plane, photo.width, photo.height, width, height);
  const [person, hair] = [small(photo.person), small(photo.hair)];
  const points = photo.landmarks.map((value) => (value * width) / photo.width);
  const removal = dilate(hair, width, height, 2);
  const body = bodyMask({ width, height, points, person, removal, head: cranium.head });
  const face = fillPolygon(width, height, ring(points, FACE_OVAL));
  const before = blur(body.map((value, i) => Math.max(value, face[i]!, cranium.inside[i]! * Math.max(person[i]!, removal[i]!))), width, height, 0.8);
  return blur(between, width, height, 1).map((value, i) => value * (1 - smoothstep(0.35, 0.75, before[i]!)));
}

/** From ear to the shorter side's end; hair that falls on one side alone hides nothing behind the other. */
function betweenSides(alpha: Plane, { head }: Cranium, { width, height }: Size): Plane {
  const out = new Float32Array(width * height);
  const [, ears] = project(head, 0, 1, -4);
  for (let y = Math.max(0, Math.round(ears)); y < height; y++) {
    const middle = Math.round(project(head, 0, -((y - ears) / head.pxPerCm), -4)[0]);
    const reaches = (from: number, step: number): number => {
      for (let x = from; x >= 0 && x < width && Math.abs(x - from) < head.pxPerCm * 11; x += step) if (alpha[y * width + x]! > 0.5) return x;
      return -1;
    };
    const [left, right] = [reaches(Math.min(width - 1, Math.max(0, middle)), -1), reaches(Math.min(width - 1, Math.max(0, middle)), 1)];
    if (left < 0 || right < 0) break;
    for (let x = left; x <= right; x++) out[y * width + x] = 1;
  }
  return out;
}
