import { labPlanes } from '../color.ts';
import { dilate } from '../dilate.ts';
import type { PreparedPhoto } from '../engine.ts';
import { pushPull } from '../inpaint.ts';
import { POINT, pointOf } from '../mesh.ts';
import { blur, clamp, resize, shrink, smoothstep } from '../raster.ts';
import type { Plane } from '../raster.ts';
import { fitHead } from '../strands/head.ts';
import { skullMiddle } from './anchors.ts';
import { evenOutline } from './outline.ts';

/** Height of the face in the picture on which colors are compared, px. */
const FACE_PX = 150;
/** Lightness says less than hue: hair is lit unevenly. */
const LIGHTNESS = 0.12;

/**
 * The hair's alpha without what is rather background: a piece is shown before other people's walls, where a strip of the first wall would be
 * seen. Only near the rim, and only where hair and background differ in color. `unit`: height of the face, px.
 */
export function trimmedAlpha(photo: PreparedPhoto, unit: number): Plane {
  const { width, height } = photo;
  const factor = Math.min(1, FACE_PX / unit);
  const [w, h] = [Math.max(8, Math.round(width * factor)), Math.max(8, Math.round(height * factor))];
  const hair = resize(photo.hair, width, height, w, h);
  const [x, y] = skullMiddle(fitHead(photo.landmarks));
  const keep = keptShare(photo, hair, w, h);
  const even = evenOutline(hair, hair.map((value, i) => value * keep[i]!), blur(resize(photo.person, width, height, w, h), w, h, 2), { width: w, height: h, x: (x * w) / width, y: (y * h) / height });
  const share = resize(even.map((value, i) => clamp(value / Math.max(0.02, hair[i]!), 0, 1)), w, h, width, height);
  const joined = resize(largeParts(even, w, h), w, h, width, height);
  const near = blur(photo.hair, width, height, Math.max(1, unit * 0.025));
  const chin = pointOf(photo.landmarks, POINT.chin)[1];
  return photo.hair.map((value, i) => {
    const left = value * share[i]! * joined[i]!;
    // Below the chin a rim as wide as this is not hair that thins out but a doubt: it gets an edge.
    const doubt = smoothstep(chin, chin + unit * 0.2, i / width) * smoothstep(0.12, 0.03, Math.abs(near[i]! - left)) * smoothstep(0.02, 0.2, left) * smoothstep(0.98, 0.8, left);
    return left * (1 - doubt) + smoothstep(0.3, 0.7, left) * doubt;
  });
}

function keptShare(photo: PreparedPhoto, hair: Plane, w: number, h: number): Plane {
  const image = shrink({ width: photo.width, height: photo.height, rgb: photo.rgb }, w, h);
  const person = resize(photo.person, photo.width, photo.height, w, h);
  const reach = Math.round(FACE_PX * 0.11);
  const core = dilate(hair, w, h, -reach).map((value) => smoothstep(0.7, 0.95, value));
  const outside = dilate(hair, w, h, 2).map((value, i) => (value < 0.05 && person[i]! < 0.5 ? 1 : 0));
  const planes = labPlanes(image);
  const [own, behind] = [planes.map((plane) => pushPull(plane, core, w, h)), planes.map((plane) => pushPull(plane, outside, w, h))];
  const distance = (i: number, other: readonly Plane[], from: readonly Plane[]): number =>
    Math.hypot((from[0]![i]! - other[0]![i]!) * LIGHTNESS, from[1]![i]! - other[1]![i]!, from[2]![i]! - other[2]![i]!);
  const likeHair = hair.map((_, i) => clamp(0.5 + (distance(i, behind, planes) - distance(i, own, planes)) / Math.max(4, 1.2 * distance(i, own, behind)), 0, 1));
  const skin = likeSkin(photo, planes);
  const [, chin] = pointOf(photo.landmarks, POINT.chin).map((value) => (value * w) / photo.width) as [number, number];
  const even = blur(likeHair, w, h, FACE_PX * 0.018);
  return even.map((value, i) => {
    const sure = smoothstep(5, 11, distance(i, own, behind)) * (1 - core[i]!) * smoothstep(0.9, 0.2, nearBody(i, person, outside));
    return (1 - sure * smoothstep(0.5, 0.3, value)) * (1 - skin[i]! * smoothstep(chin - FACE_PX * 0.1, chin + FACE_PX * 0.1, i / w));
  });
}

/** 1 where a broad patch is the face's skin rather than this hair: an arm, a shoulder, a scalp. Hair of about the skin's color is left alone. */
function likeSkin({ skinLab, hairLab }: PreparedPhoto, planes: readonly Plane[]): Plane {
  if (hairLab === null) return planes[0]!.map(() => 0);
  const from = (i: number, lab: readonly [number, number, number]): number => Math.hypot((planes[0]![i]! - lab[0]) * 0.5, planes[1]![i]! - lab[1], planes[2]![i]! - lab[2]);
  const apart = Math.hypot((hairLab[0] - skinLab[0]) * 0.5, hairLab[1] - skinLab[1], hairLab[2] - skinLab[2]);
  return planes[0]!.map((_, i) => smoothstep(14, 24, apart) * smoothstep(0.7, 0.4, from(i, skinLab) / Math.max(1, from(i, hairLab))));
}

/** Before clothes and skin nothing is known of what lies behind. */
const nearBody = (i: number, person: Plane, outside: Plane): number => (outside[i]! > 0 ? 0 : person[i]! > 0.97 ? 0.4 : 0);

/** Least area of a lock that hangs by itself, as a share of the largest part. */
const LEAST_PART = 0.15;

/** 1 where a part of the hair is that is large enough to be hair, and round it; an arm that was taken for a lock is not. */
function largeParts(hair: Plane, w: number, h: number): Plane {
  const part = new Int32Array(hair.length);
  const areas = [0];
  for (let start = 0; start < hair.length; start++) {
    if (part[start] !== 0 || hair[start]! < 0.4) continue;
    const name = areas.length;
    const open = [start];
    part[start] = name;
    let area = 0;
    for (let i = open.pop(); i !== undefined; i = open.pop()) {
      area++;
      for (const next of [i % w > 0 ? i - 1 : -1, i % w < w - 1 ? i + 1 : -1, i - w, i + w]) {
        if (next < 0 || next >= hair.length || part[next] !== 0 || hair[next]! < 0.4) continue;
        part[next] = name;
        open.push(next);
      }
    }
    areas.push(area);
  }
  const least = Math.max(...areas) * LEAST_PART;
  return dilate(hair.map((_, i) => (areas[part[i]!]! >= least && part[i] !== 0 ? 1 : 0)), w, h, Math.round(FACE_PX * 0.05));
}
