import type { Look } from '../looks/look.ts';
import { headCm, planGrowth, type Growth } from './flow.ts';
import { grow, smoothPath } from './grow.ts';
import { hairlineAt, type Hairline } from './hairline.ts';
import { hashed, interpolate, mix, type Vector } from './numbers.ts';
import type { Rope } from './rope.ts';
import { sowRoots, type Root } from './roots.ts';
import { azimuthOf, normalAt, scalpAt, skull } from './skull.ts';
import { tiesOf, type Tie } from './ties.ts';

const patterns = {
  box: { parts: 3, radiusCm: 0.34, pitchCm: 1.5, taper: 0.75, fibers: 34, fuzz: 0.15 },
  twists: { parts: 2, radiusCm: 0.4, pitchCm: 1.5, taper: 0.8, fibers: 34, fuzz: 0.25 },
  locs: { parts: 1, radiusCm: 0.42, pitchCm: 2.6, taper: 0.85, fibers: 44, fuzz: 0.9 },
} as const;

/** Roots that keep their distance, the parting squares of single braids. */
function spacedRoots(look: Look, hairline: Hairline, random: () => number): Root[] {
  const spacingCm = 1.75;
  const chosen: Root[] = [];
  for (const root of sowRoots(look, hairline, 2600, random, (r) => r.above > 0.25 && r.vigor > 0.6)) {
    const free = chosen.every((other) => Math.hypot(other.at[0] - root.at[0], other.at[1] - root.at[1], other.at[2] - root.at[2]) > spacingCm);
    if (free) chosen.push(root);
  }
  return chosen;
}

function singleBraids(look: Look, kind: keyof typeof patterns, hairline: Hairline, random: () => number, down: Vector, seed: number): Rope[] {
  return spacedRoots(look, hairline, random).map((root, i) => {
    const growth = planGrowth({ ...look, braids: 'none' }, root, seed + i);
    const { path } = grow(look, { ...growth, shellCm: growth.shellCm + 0.25 }, down);
    smoothPath(path, 4);
    return { path, behind: growth.behind, ...patterns[kind], radiusCm: patterns[kind].radiusCm * (0.9 + 0.2 * hashed(i, seed, 2)) };
  });
}

/** A point of the scalp on the plane x = const, at an angle over the head (0 front, 90 top, 180 back). */
function rowPoint(x: number, degrees: number): Vector {
  const { center, radius, power } = skull;
  const c = Math.cos(degrees * Math.PI / 180), s = Math.sin(degrees * Math.PI / 180);
  const rest = 1 - Math.pow(Math.abs(x) / radius[0], power);
  const reach = Math.pow(rest / (Math.pow(Math.abs(s) / radius[1], power) + Math.pow(Math.abs(c) / radius[2], power)), 1 / power);
  return [x, center[1] + s * reach, center[2] + c * reach];
}

function cornrowPath(x: number, hairline: Hairline, tailCm: number): Float32Array | null {
  const points: Vector[] = [];
  for (let degrees = 8; degrees <= 206; degrees += 3) {
    const bent = x * (1 - 0.25 * Math.max(0, (degrees - 110) / 96));
    const p = rowPoint(bent, degrees);
    if (p[1] > hairlineAt(hairline, azimuthOf(p)) + 0.1 || points.length > 8) points.push(p);
  }
  const last = points.at(-1);
  if (last === undefined || points.length < 12) return null;
  for (let s = 1; s < tailCm; s += 1) points.push([last[0] * 1.1, last[1] - s, last[2] - 0.4]);
  return Float32Array.from(points.flat());
}

function cornrows(look: Look, hairline: Hairline): Rope[] {
  const tailCm = look.length.back * headCm;
  return [-7.3, -6.6, -5.5, -4.4, -3.3, -2.2, -1.1, 0, 1.1, 2.2, 3.3, 4.4, 5.5, 6.6, 7.3].flatMap((x): Rope[] => {
    const path = cornrowPath(x, hairline, tailCm);
    return path === null ? [] : [{ path, radiusCm: 0.5, taper: 0.7, parts: 3, pitchCm: 1.7, fibers: 110, behind: true, fuzz: 0.2 }];
  });
}

const crownRow: readonly (readonly [number, number])[] = [[0, 10.3], [40, 9.9], [75, 8], [110, 6.6], [180, 5]];

function crownBraid(): Rope {
  const points = Array.from({ length: 90 }, (_, i): Vector => {
    const azimuth = -178 + i * 4;
    return scalpAt(azimuth * Math.PI / 180, interpolate(crownRow, Math.abs(azimuth)));
  });
  return { path: Float32Array.from(points.flat()), radiusCm: 1.15, taper: 1, parts: 3, pitchCm: 4.2, fibers: 900, behind: false, fuzz: 0.45 };
}

/** The growth of what hangs from a tie. */
export function hangFrom(look: Look, tie: Tie, lengthCm: number, spread: Vector): Growth {
  const at: Vector = [tie.at[0] + spread[0], tie.at[1] + spread[1], tie.at[2] + spread[2]];
  const root: Root = { at, normal: tie.out, azimuth: azimuthOf(at), above: 5, top: 0, back: 1, vigor: 1, clippedCm: null };
  const behind = tie.made === 'tail' && look.updo !== 'ponytail-low';
  return { root, kind: 'hang', lengthCm, cutY: -99, shellCm: 0.3, gravity: 0.75, lift: 1.6, side: tie.at[0] >= 0 ? 1 : -1, faceGapCm: 0.8, behind, tie: null };
}

function hangingBraids(look: Look, down: Vector): Rope[] {
  return tiesOf(look).filter((tie) => tie.made === 'braid').map((tie) => {
    const { path } = grow(look, hangFrom(look, tie, look.length.sides * headCm, [0, 0, 0.6]), down);
    smoothPath(path, 4);
    return { path, radiusCm: tie.sizeCm, taper: 0.55, parts: 3, pitchCm: tie.sizeCm * 3.4, fibers: 700, behind: false, fuzz: 0.25 + look.messiness * 0.4 };
  });
}

/** A knot of rolled hair: cords wound round a ball that sits on the tie. */
function bun(look: Look, tie: Tie, seed: number): Rope[] {
  const { out, sizeCm } = tie;
  const u = Math.abs(out[1]) < 0.9 ? normalAt([out[2], 3.4, -4.3 - out[0]]) : ([1, 0, 0] as Vector);
  const v: Vector = [out[1] * u[2] - out[2] * u[1], out[2] * u[0] - out[0] * u[2], out[0] * u[1] - out[1] * u[0]];
  return Array.from({ length: 9 }, (_, k): Rope => {
    const r = (salt: number): number => hashed(k, seed, salt) - 0.5;
    const wild = look.messiness;
    const points = Array.from({ length: 40 }, (__, i): Vector => {
      const t = i / 39, angle = Math.PI * 2 * (k / 9 + (1.15 + 0.5 * r(1)) * t);
      const lift = mix(-0.75, 0.98, t ** 0.9) + wild * 0.25 * r(2) * Math.sin(t * 5);
      const ring = Math.sqrt(Math.max(0.02, 1 - Math.min(1, lift * lift))) * (0.74 + 0.12 * wild * r(3) * Math.sin(t * 7 + k));
      const c = Math.cos(angle) * ring, s = Math.sin(angle) * ring;
      return [0, 1, 2].map((axis) => tie.at[axis]! + sizeCm * (u[axis]! * c + v[axis]! * s + out[axis]! * (0.5 + lift * 0.58))) as Vector;
    });
    return { path: Float32Array.from(points.flat()), radiusCm: sizeCm * 0.3, taper: 0.75, parts: 1, pitchCm: 13, fibers: 170, behind: tie.at[2] < -10 && tie.at[1] < 0, fuzz: 0.25 + wild * 0.7 };
  });
}

/** Every cord a look asks for: braids, twists, locs, rows, crown and knots. */
export function tieRopes(look: Look, hairline: Hairline, random: () => number, down: Vector, seed: number): Rope[] {
  const knots = tiesOf(look).filter((tie) => tie.made === 'bun').flatMap((tie, i) => bun(look, tie, seed + i));
  switch (look.braids) {
    case 'box': case 'twists': case 'locs': return [...singleBraids(look, look.braids, hairline, random, down, seed), ...knots];
    case 'cornrows': return [...cornrows(look, hairline), ...knots];
    case 'crown': return [crownBraid(), ...knots];
    default: return [...hangingBraids(look, down), ...knots];
  }
}
