import { fromLinear, toLinear } from './color.ts';
import { dilate } from './dilate.ts';
import { blur, clamp, smoothstep } from './raster.ts';
import type { Plane } from './raster.ts';
import type { Shading } from './skin.ts';
import { faceTriangles } from './strands/face-model.ts';
import { project } from './strands/head.ts';
import type { Head } from './strands/head.ts';
import { cross, mix, normalize } from './strands/numbers.ts';
import type { Vector } from './strands/numbers.ts';
import { drawGrid, drawTriangle } from './strands/occlusion.ts';
import type { Surface } from './strands/occlusion.ts';
import { craniumAt } from './strands/skull.ts';

/**
 * Ears as seen, in the part of a picture that holds the head: how much of a pixel is ear, how bright that is against
 * a cheek that faces the viewer, and where beside the head an ear of another size could be.
 */
export type Ears = { left: number; top: number; width: number; height: number; cover: Plane; shade: Plane; near: Plane };

/** Where an ear begins (cm, head space, the viewer's right), and the angles at which it stands off the head and leans back. */
const ROOT: Vector = [7.45, 0.55, -2.9];
const OFF = (22 * Math.PI) / 180;
const LEAN = (12 * Math.PI) / 180;
const [RINGS, SPOKES] = [17, 49];
/** Middle of the ear's hollow: behind its root and below its middle, cm. */
const HOLLOW = [1.25, -0.35] as const;

/** Rim of an ear round its hollow, by turns from the front over the top: cm. */
const RIM = [1.1, 1.25, 2, 2.85, 3, 2.7, 2.3, 1.95, 1.7, 1.65, 1.85, 2.15, 2.1, 1.65, 1.3, 1.1];

function rimAt(turn: number): number {
  const at = turn * RIM.length;
  const [i, share] = [Math.floor(at), at % 1];
  const smooth = share * share * (3 - 2 * share);
  return mix(RIM[i % RIM.length]!, RIM[(i + 1) % RIM.length]!, smooth);
}

const bump = (at: number, middle: number, wide: number): number => Math.exp(-(((at - middle) / wide) ** 2));

/** How far the ear stands out of its plane: the rolled rim, the fold inside it, the hollow, the lobe and the flap before the hollow. */
function relief(turn: number, out: number): number {
  const upper = smoothstep(0.02, 0.14, turn) * smoothstep(0.68, 0.58, turn);
  const fold = smoothstep(0.14, 0.3, turn) * smoothstep(0.66, 0.52, turn);
  const front = bump(Math.min(turn, 1 - turn), 0, 0.07);
  const lobe = bump(turn, 0.73, 0.1);
  return 0.42 * upper * bump(out, 0.9, 0.1) + 0.3 * fold * bump(out, 0.6, 0.13) - 0.5 * bump(out, 0.05, 0.38) + 0.28 * lobe * bump(out, 0.7, 0.3) + 0.3 * front * bump(out, 0.75, 0.3) - 0.3 * smoothstep(0.93, 1, out);
}

/** Light that reaches the folds. */
const openness = (turn: number, out: number): number => {
  const upper = smoothstep(0.02, 0.14, turn) * smoothstep(0.68, 0.58, turn);
  return 1 - 0.42 * bump(out, 0.08, 0.36) - 0.22 * upper * bump(out, 0.76, 0.09);
};

function earPoint(side: number, turn: number, out: number): Vector {
  const angle = Math.PI - turn * Math.PI * 2;
  const reach = rimAt(turn) * out;
  const [back, up] = [Math.max(0, HOLLOW[0] + Math.cos(angle) * reach), HOLLOW[1] + Math.sin(angle) * reach];
  const [s, t] = [back * Math.cos(LEAN) + up * Math.sin(LEAN), up * Math.cos(LEAN) - back * Math.sin(LEAN) * 0.4];
  const raised = relief(turn, out);
  return [side * (ROOT[0] + Math.sin(OFF) * s + Math.cos(OFF) * raised), ROOT[1] + t, ROOT[2] - Math.cos(OFF) * s + Math.sin(OFF) * raised];
}

function earNormal(side: number, turn: number, out: number): Vector {
  const [a, b] = [earPoint(side, turn, Math.max(0.02, out - 0.03)), earPoint(side, turn, out + 0.03)];
  const [c, d] = [earPoint(side, turn - 0.01 + 1, Math.max(0.05, out)), earPoint(side, turn + 0.01, Math.max(0.05, out))];
  const n = cross([b[0] - a[0], b[1] - a[1], b[2] - a[2]], [d[0] - c[0], d[1] - c[1], d[2] - c[2]]);
  return normalize(n[0] * side < 0 ? [-n[0], -n[1], -n[2]] : n);
}

/** Draws the ears of this head; what head and face hide of them is left out. */
export function drawEars(landmarks: Float32Array, head: Head, shading: Shading, width: number, height: number): Ears {
  const [cx, cy] = project(head, 0, 1, -3);
  const [left, top] = [Math.max(0, Math.floor(cx - head.pxPerCm * 12)), Math.max(0, Math.floor(cy - head.pxPerCm * 9))];
  const [w, h] = [Math.max(1, Math.min(width, Math.ceil(cx + head.pxPerCm * 12)) - left), Math.max(1, Math.min(height, Math.ceil(cy + head.pxPerCm * 9)) - top)];
  const surface: Surface = { width: w, height: h, depth: new Float32Array(w * h).fill(-Infinity), mark: new Float32Array(w * h) };
  const seen = (at: Vector, mark: number): number[] => {
    const [x, y, z] = project(head, at[0], at[1], at[2]);
    return [x - left, y - top, z, mark];
  };
  drawGrid(surface, 40, 61, (row, column) => seen(craniumAt(((column * 6 - 180) * Math.PI) / 180, 13.09 - row * row * 0.0117), -9));
  const corner = (i: number): number[] => [landmarks[i * 3]! - left, landmarks[i * 3 + 1]! - top, -landmarks[i * 3 + 2]!, -9];
  for (let t = 0; t < faceTriangles.length; t += 3) drawTriangle(surface, corner(faceTriangles[t]!), corner(faceTriangles[t + 1]!), corner(faceTriangles[t + 2]!));
  const light = lightOn(head, shading);
  for (const side of [-1, 1]) {
    drawGrid(surface, RINGS, SPOKES, (row, column) => {
      const [turn, out] = [(column % (SPOKES - 1)) / (SPOKES - 1), row / (RINGS - 1)];
      return seen(earPoint(side, turn, out), light(earNormal(side, turn, out)) * openness(turn, out));
    });
  }
  return { left, top, width: w, height: h, ...softened(surface, head.pxPerCm) };
}

/** Takes away an ear that the photo shows: of one that hair hid more than half of, all of it is drawn. `removal`: hair in the whole picture. */
export function keepHidden({ left, top, width, height, cover }: Ears, removal: Plane, across: number, middle: number): void {
  const sums: [[number, number], [number, number]] = [[0, 0], [0, 0]];
  const each = (visit: (e: number, i: number, side: 0 | 1) => void): void => {
    for (let e = 0; e < width * height; e++) {
      const x = left + (e % width);
      if (cover[e]! > 0) visit(e, (top + Math.floor(e / width)) * across + x, x < middle ? 0 : 1);
    }
  };
  each((e, i, side) => {
    sums[side][0] += cover[e]! * removal[i]!;
    sums[side][1] += cover[e]!;
  });
  const kept = sums.map(([hidden, all]) => smoothstep(0.4, 0.65, hidden / Math.max(1, all)));
  each((e, _, side) => { cover[e]! *= kept[side]!; });
}

/** Soft edges: without them the ear would be cut out. */
function softened({ width, height, mark }: Surface, pxPerCm: number): Pick<Ears, 'cover' | 'shade' | 'near'> {
  const inside = mark.map((value) => (value > 0 ? 1 : 0));
  const soft = Math.max(0.7, pxPerCm * 0.09);
  const [cover, shade] = [blur(inside, width, height, soft), blur(mark.map((value) => Math.max(0, value)), width, height, soft)];
  const near = blur(dilate(inside, width, height, pxPerCm * 0.7), width, height, soft).map((value, i) => (mark[i]! < -5 ? 0 : value));
  return { cover, near, shade: shade.map((value, i) => (cover[i]! > 0.01 ? value / cover[i]! : 1)) };
}

/** Brightness of skin that faces this way (head space), against skin that faces the viewer. */
function lightOn({ rotation: r }: Head, { red, green, blue }: Shading): (n: Vector) => number {
  const [c0, cx, cy, cz] = [0, 1, 2, 3].map((k) => 0.2126 * red[k]! + 0.7152 * green[k]! + 0.0722 * blue[k]!) as [number, number, number, number];
  const front = Math.max(0.01, c0 + cz * 0.9);
  return ([x, y, z]) => {
    const [nx, ny, nz] = [r[0]! * x + r[1]! * y + r[2]! * z, -(r[3]! * x + r[4]! * y + r[5]! * z), r[6]! * x + r[7]! * y + r[8]! * z];
    return clamp((c0 + cx * nx + cy * ny + cz * Math.max(0, nz)) / front, 0.45, 1.15);
  };
}

/** Blood shines through ears: they are redder than cheeks. */
const FLUSH = [1.02, 0.9, 0.88] as const;

/** The skin's sRGB value of one channel on an ear of this brightness. */
export const earColor = (skin: number, shade: number, channel: 0 | 1 | 2): number => fromLinear(toLinear(clamp(Math.round(skin), 0, 255)) * shade * FLUSH[channel]);
