import { drawCranium } from './cranium.ts';
import type { Cranium } from './cranium.ts';
import { bodyAxis, likelyStart, withMirror } from './mirror.ts';
import { redrawHiddenBrows } from './brows.ts';
import { FACE_OVAL, fillPolygon, LEFT_BROW, LEFT_EYE, LIPS, NOSE, POINT, pointOf, RIGHT_BROW, RIGHT_EYE, ring } from './mesh.ts';
import type { FaceFrame } from './mesh.ts';
import { fillGap } from './patches.ts';
import type { Filling } from './patches.ts';
import { dilate } from './dilate.ts';
import { drawEars, earColor, keepHidden } from './ears.ts';
import type { Ears } from './ears.ts';
import { blur, resize, sample, shrink, smoothstep } from './raster.ts';
import type { Plane, Raster } from './raster.ts';
import { skinEverywhere } from './scalp.ts';
import { bodyMask } from './silhouette.ts';
import type { Shading } from './skin.ts';
import { fitHead, project } from './strands/head.ts';
import { hashed } from './strands/numbers.ts';

/** A photo and what was found in it. */
export type Scene = { image: Raster; points: Float32Array; frame: FaceFrame; person: Plane; hair: Plane };

/** The bare skin in the small picture, the light on it, and the photo's grain. */
export type Skin = { mask: Plane; shading: Shading; grain: number };

/** Height of the face in the small picture on which light, masks and patches are worked out, px, and that picture's longest side. */
const FACE_PX = 96;
const SIDE_PX = 320;

/** The photo without hair: background and body filled in from the rest of the photo, a bare head over them. `small` is `shrinkScene`'s. */
export function removeHair(scene: Scene, small: Scene, bare: Skin): { plate: Uint8ClampedArray; ears: Plane; quality: 'ok' | 'low' } {
  const { image } = small;
  const cranium = drawCranium(small.points, image.width, image.height);
  const removal = removalMask(small, cranium);
  const head = headMask(small, removal, cranium);
  const filling = fillBehind(small, removal, cranium, head);
  const skin = skinEverywhere(image, knownSkin(small, bare.mask, removal), bare.shading, cranium);
  const up = (plane: Plane): Plane => resize(plane, image.width, image.height, scene.image.width, scene.image.height);
  const layers: Omit<Layers, 'drawn'> = { removal: up(removal), head: up(blur(head, image.width, image.height, 2)).map((value) => smoothstep(0.2, 0.8, value)), skin: [up(skin[0]), up(skin[1]), up(skin[2])], filling, small };
  const fitted = fitHead(scene.points);
  const drawn = drawEars(scene.points, fitted, bare.shading, scene.image.width, scene.image.height);
  keepHidden(drawn, layers.removal, scene.image.width, project(fitted, 0, 1, -3)[0]);
  const { plate, ears } = layIn(scene, { ...layers, drawn }, bare.grain);
  return { plate, ears, quality: fallenShare(small) > 0.1 ? 'low' : 'ok' };
}

/** The same at a size where a face is large enough to be measured and small enough to be quick. */
export function shrinkScene(scene: Scene): Scene {
  const { image, frame } = scene;
  const factor = Math.min(1, FACE_PX / frame.unit, SIDE_PX / Math.max(image.width, image.height));
  const [width, height] = [Math.max(8, Math.round(image.width * factor)), Math.max(8, Math.round(image.height * factor))];
  const down = (plane: Plane): Plane => resize(plane, image.width, image.height, width, height);
  return {
    image: shrink(image, width, height), points: scene.points.map((value) => value * factor),
    frame: { ...frame, x: frame.x * factor, y: frame.y * factor, unit: frame.unit * factor }, person: down(scene.person), hair: down(scene.hair),
  };
}

/**
 * Hair with a margin: wide where wisps stand before the background and on the forehead, narrow on the face. Of background too that the bare
 * skull hides just below the hair: the plate has one outline down to the ear.
 */
function removalMask({ image, frame, hair, points, person }: Scene, { inside }: Cranium): Plane {
  const { width, height } = image;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const near = dilate(hair, width, height, Math.max(1, frame.unit * 0.02));
  const far = dilate(hair, width, height, Math.max(2, frame.unit * 0.05));
  const below = dilate(hair, width, height, Math.max(2, frame.unit * 0.09));
  const [, top] = pointOf(points, POINT.top);
  const [, brow] = pointOf(points, POINT.noseRoot);
  const raw = near.map((value, i) => {
    if (inside[i]! > 0.5 && person[i]! < 0.5 && below[i]! > 0.5) return 1;
    const outside = smoothstep(0.95, 0.6, person[i]!) * (1 - oval[i]!);
    const forehead = smoothstep(brow - (brow - top) * 0.5, top, Math.floor(i / width));
    return smoothstep(0.15, 0.5, Math.max(value, far[i]! * Math.max(outside, forehead)));
  });
  return blur(raw, width, height, 1);
}

function headMask(scene: Scene, removal: Plane, { inside }: Cranium): Plane {
  const { image, points } = scene;
  const face = fillPolygon(image.width, image.height, ring(points, FACE_OVAL));
  const notches = notchesOf(scene, removal, inside);
  return inside.map((value, i) => Math.max(value, face[i]!, notches[i]!));
}

/** Gaps between face, skull and ears that are narrower than a finger: skin under hair, not background. */
function notchesOf({ image: { width, height }, points, frame, person }: Scene, removal: Plane, inside: Plane): Plane {
  const [, brow] = pointOf(points, POINT.noseRoot);
  const [, chin] = pointOf(points, POINT.chin);
  const radius = Math.max(1, frame.unit * 0.045);
  const solid = inside.map((value, i) => Math.max(value, smoothstep(0.5, 0.9, person[i]!) * smoothstep(0.4, 0.1, removal[i]!)));
  const closed = dilate(dilate(solid, width, height, radius), width, height, -radius);
  const [from, to] = [brow - frame.unit * 0.25, brow + (chin - brow) * 0.6];
  return closed.map((value, i) => (i >= from * width && i < to * width && removal[i]! > 0.02 ? value : 0));
}

function knownSkin({ image, frame }: Scene, skin: Plane, removal: Plane): Plane {
  const margin = dilate(removal, image.width, image.height, Math.max(1, frame.unit * 0.02));
  return skin.map((value, i) => smoothstep(0.6, 1, value) * smoothstep(0.3, 0, margin[i]!));
}

/** Fills what lies behind the hair, head aside, from the rest of the picture. */
function fillBehind(scene: Scene, removal: Plane, { head: fitted }: Cranium, head: Plane): Behind {
  const { image, person, hair, points, frame } = scene;
  const { width, height } = image;
  const guide = bodyMask({ width, height, points, person, removal, head: fitted });
  const rim = dilate(removal.map((value, i) => Math.max(value, hair[i]!)), width, height, Math.max(1, frame.unit * 0.03));
  const around = dilate(head, width, height, Math.max(1, frame.unit * 0.04));
  const count = width * height;
  const [missing, usable, ignored] = [new Uint8Array(count), new Uint8Array(count), new Uint8Array(count)];
  for (let i = 0; i < count; i++) {
    if (removal[i]! > 0.02 && head[i]! < 0.5) missing[i] = 1;
    else if (around[i]! > 0) ignored[i] = 1;
    // A half transparent rim is neither the person nor what is behind.
    else if (rim[i]! < 0.02 && (guide[i]! > 0.5 || person[i]! < 0.5)) usable[i] = 1;
  }
  const [neckX] = project(fitted, 0, -14, -5);
  const axis = bodyAxis(image, usable, guide, neckX, fitted.pxPerCm * 3);
  const gap = withMirror({ image, missing, usable, ignored, guide }, axis);
  const filling = fillGap(gap, likelyStart(gap, axis));
  const body = guide.map((value, i) => (missing[i] && filling.source[i]! >= 0 ? gap.guide[filling.source[i]!]! : value));
  return { ...filling, axis, body, outline: blur(body.map((value) => (value > 0.5 ? 1 : 0)), width, height, 1.4) };
}

/** `axis`: where the copy below the small picture is mirrored; `body`: how surely a pixel shows body; `outline`: 1 on the body, with a smooth edge. */
type Behind = Filling & { axis: number; body: Plane; outline: Plane };
type Layers = { removal: Plane; head: Plane; skin: [Plane, Plane, Plane]; filling: Behind; small: Scene; drawn: Ears };

function layIn(scene: Scene, { removal, head, skin, filling, small, drawn }: Layers, grain: number): { plate: Uint8ClampedArray; ears: Plane } {
  const { image, hair } = scene;
  const ears = new Float32Array(removal.length);
  const plate = Uint8ClampedArray.from(image.rgb);
  const keep = features(scene, small);
  const behind = new Float32Array(3);
  const taken = removal.map((value, i) => Math.max(value, smoothstep(0.1, 0.5, hair[i]!)));
  // On skin a hard edge would be seen, since what is drawn is never quite the color of what is left.
  const soft = blur(taken, image.width, image.height, Math.max(1, scene.frame.unit * 0.012));
  for (let i = 0; i < removal.length; i++) {
    const share = Math.max(taken[i]!, smoothstep(0, 0.7, soft[i]!) * head[i]!) * (1 - keep[i]!);
    const e = earIndex(drawn, i, image.width);
    const ear = e < 0 ? 0 : drawn.cover[e]!;
    if (e >= 0) ears[i] = Math.max(ear * share, Math.max(ear, drawn.near[e]!) * scene.person[i]! * (1 - share));
    if (share <= 0) continue;
    const noise = grain * grainAt(i);
    if (head[i]! < 1) behindAt(image, filling, small.image, i, behind);
    for (const c of [0, 1, 2] as const) {
      const bare = behind[c]! * (1 - head[i]!) + (skin[c][i]! + noise) * head[i]!;
      const value = ear > 0 ? bare * (1 - ear) + (earColor(skin[c][i]!, drawn.shade[e]!, c) + noise) * ear : bare;
      plate[i * 3 + c] = image.rgb[i * 3 + c]! * (1 - share) + value * share + 0.5;
    }
  }
  redrawHiddenBrows(plate, scene, (i) => [0, 1, 2].map((c) => skin[c]![i]! + grain * grainAt(i)) as [number, number, number]);
  return { plate, ears };
}

/** Index into the ears' planes; -1 beside them. */
function earIndex({ left, top, width, height }: Ears, i: number, across: number): number {
  const x = (i % across) - left, y = ((i / across) | 0) - top;
  return x < 0 || y < 0 || x >= width || y >= height ? -1 : y * width + x;
}

/** Eyes, brows, nose and mouth, exactly 1: what they look like under a lock of hair nobody knows, so they stay as they are. */
function features({ image: { width, height }, points }: Scene, small: Scene): Plane {
  const near = dilate(drawParts(small, [RIGHT_EYE, LEFT_EYE, LIPS, NOSE]), small.image.width, small.image.height, small.frame.unit * 0.015);
  for (const brow of [RIGHT_BROW, LEFT_BROW]) fillPolygon(small.image.width, small.image.height, ring(small.points, brow), near);
  const soft = resize(blur(near, small.image.width, small.image.height, 1), small.image.width, small.image.height, width, height);
  for (const part of [RIGHT_EYE, LEFT_EYE, LIPS, NOSE, RIGHT_BROW, LEFT_BROW]) fillPolygon(width, height, ring(points, part), soft);
  return soft;
}

function drawParts({ image: { width, height }, points }: Scene, parts: readonly (readonly number[])[]): Plane {
  const plane = new Float32Array(width * height);
  for (const part of parts) fillPolygon(width, height, ring(points, part), plane);
  return plane;
}

/**
 * Pixels in full size from where the small picture's patches were taken; neighbours are mixed, so that no seams show. Where body meets
 * background each is mixed from its own neighbours, and the edge between them is drawn smoothly.
 */
function behindAt({ width, height, rgb }: Raster, behind: Behind, small: Raster, i: number, out: Float32Array): void {
  const x = i % width, y = (i / width) | 0;
  const sx = ((x + 0.5) * small.width) / width - 0.5, sy = ((y + 0.5) * small.height) / height - 0.5;
  const x0 = Math.floor(sx), y0 = Math.floor(sy);
  const edge = sample(behind.outline, small.width, small.height, sx, sy);
  const mixed = edge > 0.01 && edge < 0.99;
  const reach = mixed ? 2 : isStep(behind, small, x0, y0) ? 1 : 0;
  const onBody = smoothstep(0.36, 0.64, edge);
  out.fill(0);
  let total = 0;
  for (let qy = Math.max(0, y0 - reach); qy <= Math.min(small.height - 1, y0 + 1 + reach); qy++) {
    for (let qx = Math.max(0, x0 - reach); qx <= Math.min(small.width - 1, x0 + 1 + reach); qx++) {
      const q = qy * small.width + qx;
      const near = (1 + reach - Math.abs(sx - qx)) * (1 + reach - Math.abs(sy - qy));
      const weight = near * (mixed ? 0.0005 + onBody * smoothstep(0.6, 0.98, behind.body[q]!) + (1 - onBody) * smoothstep(0.4, 0.02, behind.body[q]!) : 1);
      if (weight <= 0) continue;
      total += weight;
      const from = behind.source[q]!;
      const p = from < 0 ? -1 : fullPlace(width, height, behind, small, from, x - (qx * width) / small.width, y - (qy * height) / small.height);
      for (let c = 0; c < 3; c++) out[c]! += (p < 0 ? behind.rgb[q * 3 + c]! : rgb[p * 3 + c]!) * weight;
    }
  }
  for (let c = 0; c < 3; c++) out[c]! /= total || 1;
}

/** Does the filled picture go from light to dark here? Patches side by side do so in steps, which are to be smooth. */
function isStep({ rgb, source }: Behind, small: Raster, x: number, y: number): boolean {
  let least = Infinity, most = -Infinity;
  for (let corner = 0; corner < 4; corner++) {
    const q = Math.min(small.height - 1, Math.max(0, y + (corner >> 1))) * small.width + Math.min(small.width - 1, Math.max(0, x + (corner & 1)));
    if (source[q]! < 0) continue;
    const light = rgb[q * 3]! + rgb[q * 3 + 1]! + rgb[q * 3 + 2]!;
    least = Math.min(least, light);
    most = Math.max(most, light);
  }
  return most - least > 90;
}

/** Index of a pixel of the photo, dx and dy px from where the small picture's pixel `from` (perhaps of the mirrored copy) begins. */
function fullPlace(width: number, height: number, { copyHeight, axis }: Behind, small: Raster, from: number, dx: number, dy: number): number {
  const row = (from / small.width) | 0;
  const across = dx + ((from % small.width) * width) / small.width;
  const fx = Math.min(width - 1, Math.max(0, Math.round(row < copyHeight ? across : (2 * (axis + 0.5) * width) / small.width - 1 - across)));
  const fy = Math.min(height - 1, Math.max(0, Math.round(dy + ((row % copyHeight) * height) / small.height)));
  return fy * width + fx;
}

/** Approximately normal, standard deviation 1, the same for the same pixel. */
function grainAt(i: number): number {
  return (hashed(i, 7, 1) + hashed(i, 7, 2) + hashed(i, 7, 3) - 1.5) * 2;
}

/** Hair hanging below the chin, in squares of the face's height. */
function fallenShare({ image, points, frame, hair }: Scene): number {
  const chin = pointOf(points, POINT.chin)[1] + frame.unit * 0.15;
  let sum = 0;
  for (let i = Math.max(0, Math.floor(chin)) * image.width; i < hair.length; i++) sum += hair[i]!;
  return sum / (frame.unit * frame.unit);
}
