import { FACE_OVAL, LEFT_BROW, LEFT_EYE, LIPS, RIGHT_BROW, RIGHT_EYE, fillPolygon, ring } from '../mesh.ts';
import type { FaceFrame } from '../mesh.ts';
import { boxBlur, cut, resize, sample } from '../raster.ts';
import type { Affine, Plane, Raster } from '../raster.ts';

/** A square cut-out of the picture, upright with the face: `side` px for `span` face heights, the eyes' middle `above` of its height down. */
export type Window = { side: number; span: number; above: number };

/** What the hair net looks at: from above the hair to the shoulders. */
export const HAIR_WINDOW: Window = { side: 192, span: 2.6, above: 0.4 };

/** One number per pixel and channel of the hair net: red, green, blue, the same less the cheeks', person, face, features. */
export const CHANNELS = 9;

const RIGHT_CHEEK = [117, 118, 119, 120, 100, 142, 36, 205, 187, 147, 123];
const LEFT_CHEEK = [346, 347, 348, 349, 329, 371, 266, 425, 411, 376, 352];

/** The picture and what is known of the person in it. */
export type Subject = { levels: readonly Raster[]; points: Float32Array; frame: FaceFrame; person: Plane };

/** The planes of one window, row by row: `rgb` 0..255 interleaved and black outside the picture, the others 0..1. */
export type View = { rgb: Float32Array; person: Plane; face: Plane; features: Plane; cheeks: Plane };

/** Maps pixels of the window to pixels of the picture. */
export function windowMap({ side, span, above }: Window, { x, y, cos, sin, unit }: FaceFrame): Affine {
  const step = (span * unit) / side;
  const [a, b] = [cos * step, sin * step];
  return [a, -b, x - (a * side) / 2 + b * side * above, b, a, y - (b * side) / 2 - a * side * above];
}

/** Cuts the window out of everything that is known. */
export function lookAt({ levels, points, frame, person }: Subject, window: Window): View {
  const { side, span } = window;
  const map = windowMap(window, frame);
  const drawn = toWindow(points, map);
  const fill = (...parts: number[][]): Plane => {
    const plane = new Float32Array(side * side);
    for (const part of parts) fillPolygon(side, side, ring(drawn, part), plane);
    return plane;
  };
  const soften = (plane: Plane, faces: number): Plane => {
    const radius = Math.max(1, Math.round((faces * side) / span));
    return boxBlur(boxBlur(plane, side, side, radius), side, side, radius);
  };
  return {
    rgb: cut(levels, map, side, side),
    person: cutPlane(person, levels[0]!, map, side),
    face: soften(fill(FACE_OVAL), 0.06),
    features: soften(fill(RIGHT_EYE, LEFT_EYE, LIPS, RIGHT_BROW, LEFT_BROW), 0.012),
    cheeks: fill(RIGHT_CHEEK, LEFT_CHEEK),
  };
}

/** The same pixel in a row read from its other end. */
export function mirroredIndex(i: number, side: number): number {
  const x = i % side;
  return i - x + side - 1 - x;
}

/** The net's input, channels last. */
export function toInput({ rgb, person, face, features, cheeks }: View, side: number, mirrored: boolean): Float32Array {
  const skin = meanColor(rgb, cheeks);
  const out = new Float32Array(person.length * CHANNELS);
  for (let k = 0, o = 0; k < person.length; k++, o += CHANNELS) {
    const i = mirrored ? mirroredIndex(k, side) : k;
    for (const c of [0, 1, 2] as const) {
      const value = rgb[i * 3 + c]! / 255;
      out[o + c] = value;
      out[o + 3 + c] = value - skin[c];
    }
    out[o + 6] = person[i]!;
    out[o + 7] = face[i]!;
    out[o + 8] = features[i]!;
  }
  return out;
}

function meanColor(rgb: Float32Array, weight: Plane): [number, number, number] {
  const sums: [number, number, number] = [0, 0, 0];
  let total = 1e-6;
  for (let i = 0; i < weight.length; i++) {
    if (weight[i] === 0) continue;
    total += weight[i]!;
    for (const c of [0, 1, 2] as const) sums[c] += (weight[i]! * rgb[i * 3 + c]!) / 255;
  }
  return [sums[0] / total, sums[1] / total, sums[2] / total];
}

function toWindow(points: Float32Array, [a, b, c, d, e, f]: Affine): Float32Array {
  const scale = 1 / (a * e - b * d);
  const out = new Float32Array(points.length);
  for (let p = 0; p < points.length; p += 3) {
    const [x, y] = [points[p]! + 0.5 - c, points[p + 1]! + 0.5 - f];
    out[p] = (e * x - b * y) * scale - 0.5;
    out[p + 1] = (a * y - d * x) * scale - 0.5;
  }
  return out;
}

/** Cuts a plane the size of the picture as `cut` cuts the picture: averaged to about the window's step first, 0 outside. */
export function cutPlane(plane: Plane, { width, height }: { width: number; height: number }, map: Affine, side: number): Plane {
  const shrink = 1 / Math.max(1, Math.floor(Math.hypot(map[0], map[3])));
  const [w, h] = [Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink))];
  const small = shrink === 1 ? plane : resize(plane, width, height, w, h);
  const out = new Float32Array(side * side);
  for (let y = 0, i = 0; y < side; y++) {
    for (let x = 0; x < side; x++, i++) {
      const sx = map[0] * (x + 0.5) + map[1] * (y + 0.5) + map[2];
      const sy = map[3] * (x + 0.5) + map[4] * (y + 0.5) + map[5];
      if (sx < 0 || sy < 0 || sx > width || sy > height) continue;
      out[i] = sample(small, w, h, (sx * w) / width - 0.5, (sy * h) / height - 0.5);
    }
  }
  return out;
}

/** Keeps the hair that hangs together with hair about the skull, or beside face and neck; the rest is somebody else's. */
export function keepJoined(hair: Plane, { side, span, above }: Window): Plane {
  const out = new Float32Array(hair.length);
  const queue: number[] = [];
  const visit = (i: number): void => {
    if (out[i]! > 0 || hair[i]! < 0.2) return;
    out[i] = hair[i]!;
    queue.push(i);
  };
  const step = side / span;
  const eyes = side * above;
  for (let y = Math.max(0, Math.floor(eyes - 0.95 * step)); y < eyes + 0.8 * step; y++) {
    for (let x = Math.floor(side / 2 - 0.7 * step); x < side / 2 + 0.7 * step; x++) if (hair[y * side + x]! > 0.5) visit(y * side + x);
  }
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    const x = i % side;
    if (x > 0) visit(i - 1);
    if (x + 1 < side) visit(i + 1);
    if (i >= side) visit(i - side);
    if (i + side < hair.length) visit(i + side);
  }
  // Soft rims belong to what they surround.
  const near = boxBlur(out.map((value) => (value > 0 ? 1 : 0)), side, side, 2);
  return hair.map((value, i) => (near[i]! > 0 ? value : 0));
}
