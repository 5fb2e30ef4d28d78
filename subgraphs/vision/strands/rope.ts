import { emptyStrands, unders, type Strands } from './groom.ts';
import { hashed, mix, normalize, ramp, type Vector } from './numbers.ts';
import { normalAt } from './skull.ts';

/** A thick cord of hair along a path: a plait, a twist, or a roll. */
export type Rope = {
  /** 3 numbers a point, head centimetres, from the scalp on. */
  path: Float32Array;
  radiusCm: number;
  /** Radius at the far end against the near one. */
  taper: number;
  /** Parts that cross each other: 3 a plait, 2 a twist, 1 a roll. */
  parts: 1 | 2 | 3;
  /** Length of one turn of the pattern. */
  pitchCm: number;
  fibers: number;
  behind: boolean;
  /** Stray ends, 0 to 1. */
  fuzz: number;
};

type Frame = { at: Vector; out: Vector; across: Vector };

export function lengthOf(path: Float32Array): number {
  let sum = 0;
  for (let i = 3; i < path.length; i += 3) sum += Math.hypot(path[i]! - path[i - 3]!, path[i + 1]! - path[i - 2]!, path[i + 2]! - path[i - 1]!);
  return sum;
}

/** Place, outward and sideward direction at share `t` of a path. */
function frameAt(path: Float32Array, t: number): Frame {
  const last = path.length / 3 - 1;
  const at = Math.min(last - 0.001, t * last), k = Math.floor(at), f = at - k;
  const point = (i: number): Vector => [path[i * 3]!, path[i * 3 + 1]!, path[i * 3 + 2]!];
  const a = point(k), b = point(k + 1);
  const p: Vector = [mix(a[0], b[0], f), mix(a[1], b[1], f), mix(a[2], b[2], f)];
  const tangent = normalize([b[0] - a[0], b[1] - a[1], b[2] - a[2]]);
  const hang = ramp(2, -6, p[1]), n = normalAt(p);
  const out: Vector = [mix(n[0], p[0] * 0.06, hang), mix(n[1], 0, hang), mix(n[2], 1, hang)];
  const d = out[0] * tangent[0] + out[1] * tangent[1] + out[2] * tangent[2];
  for (const c of [0, 1, 2] as const) out[c] -= tangent[c] * d;
  normalize(out);
  return { at: p, out, across: [tangent[1] * out[2] - tangent[2] * out[1], tangent[2] * out[0] - tangent[0] * out[2], tangent[0] * out[1] - tangent[1] * out[0]] };
}

/** Middle of one part of the pattern, across and outwards, in radii. */
function partAt(parts: Rope['parts'], turn: number, part: number): [number, number, number] {
  if (parts === 1) return [0, 0, 0.95];
  const angle = Math.PI * 2 * (turn + part / parts);
  if (parts === 2) return [Math.cos(angle) * 0.48, Math.sin(angle) * 0.48, 0.56];
  return [Math.sin(angle) * 0.62, Math.sin(angle * 2) * 0.36, 0.46];
}

function drawFiber(strands: Strands, index: number, rope: Rope, frames: readonly Frame[], lengthCm: number, key: number, seed: number): void {
  const r = (salt: number): number => hashed(key, seed, salt);
  const part = Math.floor(r(1) * rope.parts);
  const angle = r(2) * Math.PI * 2, far = Math.sqrt(0.25 + 0.75 * r(3));
  const stray = r(4) < rope.fuzz * 0.25 ? 1 : 0;
  frames.forEach((frame, i) => {
    const t = i / (frames.length - 1), s = t * lengthCm;
    const radius = rope.radiusCm * mix(1, rope.taper, t) * (0.75 + 0.25 * ramp(0, 0.03, t)) * (1 + 0.04 * Math.sin(s * 2.3 + part));
    const [x, y, size] = partAt(rope.parts, s / rope.pitchCm, part);
    const turned = angle + (rope.parts === 1 ? s / rope.pitchCm * Math.PI * 2 : 0.35 * Math.sin(s * 1.9 + angle));
    const wide = size * far * (1 + stray * 0.7 * Math.sin(s * 1.3 + angle * 3) + rope.fuzz * 0.2 * Math.sin(s * 4 + angle * 5));
    const lx = x + Math.cos(turned) * wide, ly = y + Math.sin(turned) * wide * 0.8;
    const o = (index * strands.points + i) * 3;
    for (const c of [0, 1, 2] as const) {
      strands.at[o + c] = frame.at[c] + (frame.across[c] * lx + frame.out[c] * (ly + 0.5)) * radius;
      strands.facing[o + c] = frame.across[c] * (lx * 0.5 + Math.cos(turned) * 0.9) + frame.out[c] * (ly * 0.5 + Math.sin(turned) * 0.9 + 0.35);
    }
  });
  strands.length[index] = lengthCm;
  strands.tone[index] = 0.9 + 0.24 * r(5) - (1 - far) * 0.25;
  strands.width[index] = 1.05 + 0.3 * r(6);
  strands.under[index] = unders.indexOf(rope.behind ? 'body' : 'head');
}

/** Lays the hairs of ropes of similar length. */
export function layRopes(ropes: readonly Rope[], pxPerCm: number, seed: number): Strands {
  const lengths = ropes.map((rope) => lengthOf(rope.path));
  const longest = Math.max(1, ...lengths);
  const pitch = Math.min(...ropes.map((rope) => rope.pitchCm));
  const points = Math.round(Math.min(190, Math.max(12, longest * Math.min(Math.max(2.5, 9 / pitch), pxPerCm / 2))));
  const strands = emptyStrands(ropes.reduce((sum, rope) => sum + rope.fibers, 0), points);
  let index = 0;
  ropes.forEach((rope, r) => {
    const frames = Array.from({ length: points }, (_, i) => frameAt(rope.path, i / (points - 1)));
    for (let fiber = 0; fiber < rope.fibers; fiber += 1) {
      drawFiber(strands, index, rope, frames, lengths[r]!, r * 1009 + fiber, seed);
      index += 1;
    }
  });
  return strands;
}
