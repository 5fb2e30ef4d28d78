import { guidedFilter } from './guided.ts';
import { CHANNELS, HAIR_WINDOW, keepJoined, lookAt, mirroredIndex, toInput, windowMap } from './hair/window.ts';
import type { Subject, Window } from './hair/window.ts';
import { LEFT_EYE, LIPS, RIGHT_EYE, fillPolygon, ring } from './mesh.ts';
import type { FaceFrame } from './mesh.ts';
import { boxBlur, sample, smoothstep } from './raster.ts';
import type { Affine, Plane, Raster } from './raster.ts';
import { runModel } from './runtime.ts';

/** For hair that leaves the nearer window. */
const FAR_WINDOW: Window = { side: 192, span: 3.6, above: 0.38 };

const NOSE = [168, 122, 196, 198, 129, 98, 97, 2, 326, 327, 358, 420, 419, 351];

/** `hair` is the soft alpha of the head's hair, 0..1, without brows and beard; all but empty on a bald head. */
export type HairFind = {
  hair: Plane;
  /** 0..1: how much of the head that would show hair shows a hat or a scarf. */
  covered: number;
};

type Size = { width: number; height: number };
type Box = Size & { x: number; y: number };
type Guess = { window: Window; map: Affine; hair: Plane; cover: Plane };

/** Finds the hair of the one person in front. */
export async function findHair(subject: Subject): Promise<HairFind> {
  const near = await guess(subject, HAIR_WINDOW);
  const guesses = leavesWindow(near) ? [await guess(subject, FAR_WINDOW), near] : [near];
  const image = subject.levels[0]!;
  const raw = new Float32Array(subject.person.length);
  for (const one of guesses) blend(raw, image, one);
  return { hair: refine(raw, image, subject), covered: coveredShare(near) };
}

/** Asks the net; about the near window twice, the second time mirrored: the mean of both is the better answer. */
async function guess(subject: Subject, window: Window): Promise<Guess> {
  const { side } = window;
  const view = lookAt(subject, window);
  const hair = new Float32Array(side * side);
  const cover = new Float32Array(side * side);
  const sides = window === HAIR_WINDOW ? [false, true] : [false];
  for (const mirrored of sides) {
    const [answer] = await runModel('hair', toInput(view, side, mirrored), [1, side, side, CHANNELS]);
    if (!answer) throw new Error('hair answered nothing');
    for (let i = 0; i < hair.length; i++) {
      const k = mirrored ? mirroredIndex(i, side) : i;
      hair[i]! += answer[k * 2]! / sides.length;
      cover[i]! += answer[k * 2 + 1]! / sides.length;
    }
  }
  return { window, map: windowMap(window, subject.frame), hair: keepJoined(hair, window), cover };
}

/** Hair on the rim of the window, some px of it. */
function leavesWindow({ hair, window: { side } }: Guess): boolean {
  let sum = 0;
  for (let k = 0; k < side; k++) sum += hair[k]! + hair[k * side]! + hair[k * side + side - 1]! + hair[(side - 1) * side + k]!;
  return sum > 3;
}

/** Lays a guess over what is there, fading in from the rim of its window. */
function blend(plane: Plane, { width, height }: Size, { window: { side }, map: [a, b, c, d, e, f], hair }: Guess): void {
  const scale = 1 / (a * e - b * d);
  const reach = (Math.abs(a) + Math.abs(b)) * side;
  const [middleX, middleY] = [c + ((a + b) * side) / 2, f + ((d + e) * side) / 2];
  const [x0, x1] = [Math.max(0, Math.floor(middleX - reach / 2)), Math.min(width, Math.ceil(middleX + reach / 2))];
  for (let y = Math.max(0, Math.floor(middleY - reach / 2)); y < Math.min(height, middleY + reach / 2); y++) {
    for (let x = x0; x < x1; x++) {
      const [px, py] = [x + 0.5 - c, y + 0.5 - f];
      const u = (e * px - b * py) * scale;
      const v = (a * py - d * px) * scale;
      const edge = Math.min(u, v, side - u, side - v) / side;
      if (edge <= 0) continue;
      const weight = Math.min(1, edge / 0.06);
      const i = y * width + x;
      plane[i] = plane[i]! * (1 - weight) + sample(hair, side, side, u - 0.5, v - 0.5) * weight;
    }
  }
}

/** Makes the edges follow the picture, so that wisps show; only there where hair may be, which is seldom the whole picture. */
function refine(raw: Plane, image: Raster, { points, frame, person }: Subject): Plane {
  const radius = Math.max(4, Math.round(frame.unit / 40));
  const box = boundsOf(raw, image, radius * 2);
  const fine = new Float32Array(raw.length);
  if (!box) return fine;
  const part = cropRaster(image, box);
  const smooth = guidedFilter(part, cropPlane(raw, image.width, box), radius, 4e-4);
  const bare = drawFeatures(points, frame, box);
  for (let y = 0, k = 0; y < box.height; y++) {
    for (let x = 0, i = (box.y + y) * image.width + box.x; x < box.width; x++, i++, k++) {
      fine[i] = Math.min(smoothstep(0.15, 0.85, smooth[k]!), smoothstep(0, 0.5, person[i]!)) * smoothstep(0.9, 0.3, bare[k]!);
    }
  }
  return fine;
}

/** Eyes, nose and mouth with a soft margin: lashes and nostrils are as dark as hair, and nobody wants them dyed or taken away. */
function drawFeatures(points: Float32Array, { unit }: FaceFrame, box: Box): Plane {
  const plane = new Float32Array(box.width * box.height);
  for (const part of [RIGHT_EYE, LEFT_EYE, LIPS, NOSE]) {
    const outline = ring(points, part);
    const count = outline.length / 2;
    const [x, y] = [0, 1].map((axis) => outline.reduce((sum, value, i) => (i % 2 === axis ? sum + value / count : sum), 0)) as [number, number];
    const grown = outline.map((_, i) => {
      const [dx, dy] = [outline[i - (i % 2)]! - x, outline[i - (i % 2) + 1]! - y];
      const away = 1 + (0.07 * unit) / Math.max(1, Math.hypot(dx, dy));
      return i % 2 === 0 ? x + dx * away - box.x : y + dy * away - box.y;
    });
    fillPolygon(box.width, box.height, grown, plane);
  }
  return boxBlur(plane, box.width, box.height, Math.max(1, Math.round(unit * 0.015)));
}

/** Smallest box that holds everything above a trace, with a margin; `null` when there is nothing. */
function boundsOf(plane: Plane, { width, height }: Size, margin: number): Box | null {
  let [x0, y0, x1, y1] = [width, height, -1, -1];
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (plane[i]! < 0.02) continue;
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      y1 = y;
    }
  }
  if (y1 < 0) return null;
  [x0, y0, x1, y1] = [Math.max(0, x0 - margin), Math.max(0, y0 - margin), Math.min(width - 1, x1 + margin), Math.min(height - 1, y1 + margin)];
  return { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
}

function cropRaster({ width, rgb }: Raster, box: Box): Raster {
  const out = new Uint8ClampedArray(box.width * box.height * 3);
  for (let y = 0; y < box.height; y++) {
    const from = ((box.y + y) * width + box.x) * 3;
    out.set(rgb.subarray(from, from + box.width * 3), y * box.width * 3);
  }
  return { width: box.width, height: box.height, rgb: out };
}

function cropPlane(plane: Plane, width: number, box: Box): Plane {
  const out = new Float32Array(box.width * box.height);
  for (let y = 0; y < box.height; y++) {
    const from = (box.y + y) * width + box.x;
    out.set(plane.subarray(from, from + box.width), y * box.width);
  }
  return out;
}

/** Above the eyes, where a bare head would show hair. */
function coveredShare({ hair, cover, window: { side, above } }: Guess): number {
  let [hairy, hidden] = [0, 0];
  for (let i = 0; i < Math.floor(side * above) * side; i++) {
    hairy += hair[i]!;
    hidden += cover[i]! > 0.5 ? cover[i]! : 0;
  }
  return hidden / (hidden + hairy + side);
}
