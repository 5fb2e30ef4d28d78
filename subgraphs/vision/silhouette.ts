import { FACE_OVAL, fillPolygon, ring } from './mesh.ts';
import { pushPull } from './inpaint.ts';
import { boxBlur, clamp, smoothstep } from './raster.ts';
import type { Plane } from './raster.ts';
import { project } from './strands/head.ts';
import type { Head } from './strands/head.ts';

/** What is known of a person's outline. */
export type Outline = { width: number; height: number; points: Float32Array; person: Plane; removal: Plane; head: Head };

/** Neck, shoulders, chest, 0..1: as seen outside the hair; under it between what is seen nearby and a usual body below this head. */
export function bodyMask(outline: Outline): Plane {
  const { width, height, points, person, removal, head } = outline;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const px = head.pxPerCm;
  const [, neckY] = project(head, 0, -6, -5);
  const known = person.map((_, i) => (Math.floor(i / width) > neckY ? (1 - smoothstep(0, 0.2, removal[i]!)) * (1 - oval[i]!) : 0));
  const seen = pushPull(person, known, width, height);
  const near = boxBlur(known, width, height, Math.max(1, Math.round(px * 2.5)));
  const usual = usualBody(outline);
  return person.map((value, i) => {
    const below = smoothstep(-1, 1, (Math.floor(i / width) - neckY) / px);
    const trust = clamp(0.25 + near[i]! * 1.2, 0.25, 0.9);
    const guess = smoothstep(0.35, 0.65, trust * seen[i]! + (1 - trust) * usual[i]!);
    return (value * (1 - removal[i]!) + guess * removal[i]!) * below;
  });
}

/** The body of somebody who faces the camera: a neck 12 cm wide, shoulders 42 cm wide that fall by 22 degrees. */
function usualBody({ width, height, head }: Outline): Plane {
  const px = head.pxPerCm;
  const [neckX, neckY] = project(head, 0, -6, -5);
  const [shoulderX, shoulderY] = project(head, 0, -14, -5);
  const out = new Float32Array(width * height);
  for (let i = 0; i < out.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const aside = Math.abs(x - shoulderX) / px;
    const line = shoulderY + (Math.max(0, aside - 6.5) * 0.4 + Math.max(0, aside - 16) ** 2 * 0.12) * px;
    const trunk = smoothstep(-1, 1, (y - line) / px) * smoothstep(22.5, 20.5, aside);
    const neck = smoothstep(6, 5.2, Math.abs(x - neckX) / px) * smoothstep(-1, 1, (y - neckY) / px);
    out[i] = Math.max(trunk, neck);
  }
  return out;
}
