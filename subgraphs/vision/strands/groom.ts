import type { Look } from '../looks/look.ts';
import { planGrowth, wayOf, type Growth, type Way } from './flow.ts';
import { grow, guidePoints, passesEars, smoothPath } from './grow.ts';
import type { Hairline } from './hairline.ts';
import { clamp, hashed, mix, noise, ramp, type Vector } from './numbers.ts';
import type { Under } from './occlusion.ts';
import { sowRoots, type Root } from './roots.ts';
import { normalAt } from './skull.ts';

/** Many strands with the same number of points, ready to be lit and drawn. */
export type Strands = {
  count: number;
  /** Points per strand, root first. */
  points: number;
  /** count * points * 3, head centimetres. */
  at: Float32Array;
  /** count * points * 3: which way the lock's surface faces; need not be of length 1. */
  facing: Float32Array;
  /** count: brightness against the mean, about 0.7 to 1.3. */
  tone: Float32Array;
  /** count: drawn width against the usual one. */
  width: Float32Array;
  /** count: opacity. */
  alpha: Float32Array;
  /** count: what the strand passes behind, an index into `unders`. */
  under: Uint8Array;
  /** count: centimetres, for what depends on the distance from the root. */
  length: Float32Array;
};

export function emptyStrands(count: number, points: number): Strands {
  return {
    count, points, at: new Float32Array(count * points * 3), facing: new Float32Array(count * points * 3), tone: new Float32Array(count).fill(1),
    width: new Float32Array(count).fill(1), alpha: new Float32Array(count).fill(1), under: new Uint8Array(count), length: new Float32Array(count),
  };
}

type Guide = { growth: Growth; path: Float32Array; lengthCm: number; key: number; phase: number };

/** Decides how the hair of a root grows; the number makes the decision repeatable. */
export type Plan = { way(root: Root, key: number): Way; growth(root: Root, key: number): Growth };

function growGuides(look: Look, roots: readonly Root[], plan: Plan, down: Vector, seed: number): Guide[] {
  return roots.map((root, i) => {
    const growth = plan.growth(root, seed + i * 7);
    const grown = grow(look, growth, down);
    smoothPath(grown.path, growth.kind === 'clipped' ? 0 : 3);
    return { growth, ...grown, key: i, phase: hashed(i, seed, 1) * Math.PI * 2 };
  });
}

const sameWay = (a: Way, b: Way): boolean => a.kind === b.kind && a.side === b.side && a.tie === b.tie;

type GuideMap = ReadonlyMap<number, readonly Guide[]>;

const cellCm = 1.6;
const cellAt = (at: Vector, dx: number, dy: number, dz: number): number =>
  ((Math.floor(at[0] / cellCm) + dx + 64) * 128 + Math.floor(at[1] / cellCm) + dy + 64) * 128 + Math.floor(at[2] / cellCm) + dz + 64;

function mapOf(guides: readonly Guide[]): GuideMap {
  const map = new Map<number, Guide[]>();
  for (const guide of guides) {
    const cell = cellAt(guide.growth.root.at, 0, 0, 0);
    const list = map.get(cell);
    if (list === undefined) map.set(cell, [guide]); else list.push(guide);
  }
  return map;
}

/** The guide that roots nearest and falls the same way. */
function nearestGuide(map: GuideMap, at: Vector, way: Way): Guide | null {
  let best: Guide | null = null, least = 9;
  for (let cell = 0; cell < 27; cell += 1) {
    const guides = map.get(cellAt(at, cell % 3 - 1, Math.floor(cell / 3) % 3 - 1, Math.floor(cell / 9) - 1));
    if (guides === undefined) continue;
    for (let i = 0; i < guides.length; i += 1) {
      const guide = guides[i]!, from = guide.growth.root.at;
      const dx = from[0] - at[0], dy = from[1] - at[1], dz = from[2] - at[2], d = dx * dx + dy * dy + dz * dz;
      if (d < least && sameWay(guide.growth, way)) { least = d; best = guide; }
    }
  }
  return best;
}

/** A strand's own habits inside its lock. */
type Habit = { offset: Vector; outCm: number; share: number; gather: number; wander: number; phase: number; turns: number; curlCm: number; kind: Growth['kind'] };

function habitOf(look: Look, guide: Guide, root: Root, key: number, seed: number): Habit {
  const r = (salt: number): number => hashed(key, seed, salt);
  const sub = hashed(guide.key, Math.floor(r(1) * 4), seed);
  const from = guide.growth.root.at;
  const flyaway = r(2) < 0.012 + 0.05 * look.messiness;
  const { curl } = look;
  const straightness = guide.growth.kind === 'tied' ? 0.15 : guide.growth.kind === 'clipped' ? 0.3 : 1;
  const radius = curl.diameterCm / 2 * curl.amplitude * straightness;
  const tips = look.layers * 0.16 + look.messiness * 0.1 + 0.05;
  // Along the hairline some hair is too short to be gathered.
  const baby = guide.growth.kind === 'tied' && r(12) < 0.55 * ramp(0.9, 0, root.above);
  const most = baby ? (0.7 + 2 * r(13)) / guide.lengthCm : 1;
  return {
    offset: [root.at[0] - from[0], root.at[1] - from[1], root.at[2] - from[2]],
    outCm: (sub - 0.5) * guide.growth.shellCm * 0.5 + (r(3) - 0.5) * (guide.growth.shellCm * 0.5 + 0.12), share: Math.min(most, 1 - tips * r(4) ** 1.5 - (flyaway ? 0.1 * r(11) : 0)),
    gather: clamp(look.clump.strength * (0.75 + 0.4 * r(5)), 0, 0.95) * (flyaway || guide.growth.kind === 'clipped' ? 0.2 : 1),
    wander: (0.05 + 0.28 * look.messiness) * (flyaway ? 3.2 : 1) * (guide.growth.kind === 'tied' ? 0.35 : 1),
    phase: guide.phase + (sub - 0.5) * 0.9 + (r(6) - 0.5) * Math.PI * 2 * curl.frizz, turns: (0.9 + 0.2 * hashed(guide.key, 5, seed)) * Math.PI * 2 / curl.pitchCm,
    curlCm: radius * (0.75 + 0.5 * sub), kind: guide.growth.kind,
  };
}

/** Unit vectors across a guide at each of its points, carried along without twist: a then b, 6 numbers a point. */
function framesOf(path: Float32Array): Float32Array {
  const frames = new Float32Array(guidePoints * 6);
  let a: Vector = [0.3, 0.1, 0.95];
  for (let i = 0; i < guidePoints; i += 1) {
    const from = Math.max(0, i - 1) * 3, to = Math.min(guidePoints - 1, i + 1) * 3;
    const t: Vector = [path[to]! - path[from]!, path[to + 1]! - path[from + 1]!, path[to + 2]! - path[from + 2]!];
    const length = Math.hypot(...t) || 1;
    for (const c of [0, 1, 2] as const) t[c] /= length;
    const d = a[0] * t[0] + a[1] * t[1] + a[2] * t[2];
    a = [a[0] - t[0] * d, a[1] - t[1] * d, a[2] - t[2] * d];
    const across = Math.hypot(...a) || 1;
    for (const c of [0, 1, 2] as const) a[c] /= across;
    frames.set(a, i * 6);
    frames.set([t[1] * a[2] - t[2] * a[1], t[2] * a[0] - t[0] * a[2], t[0] * a[1] - t[1] * a[0]], i * 6 + 3);
  }
  return frames;
}

type Lock = { guide: Guide; frames: Float32Array; shell: Float32Array };

/** Outward direction along a guide: the skull's near the head, away from the neck's axis below. */
function shellOf(path: Float32Array): Float32Array {
  const shell = new Float32Array(path.length);
  for (let i = 0; i < path.length; i += 3) {
    const p: Vector = [path[i]!, path[i + 1]!, path[i + 2]!];
    const n = normalAt(p), hang = ramp(1, -7, p[1]);
    const away = Math.hypot(p[0], p[2] + 6) || 1;
    shell[i] = mix(n[0], p[0] / away, hang); shell[i + 1] = mix(n[1], 0.1, hang); shell[i + 2] = mix(n[2], (p[2] + 6) / away, hang);
  }
  return shell;
}

function drawStrand(strands: Strands, index: number, lock: Lock, habit: Habit, look: Look): void {
  const { guide, frames, shell } = lock;
  const { points } = strands, { path } = guide;
  const rampCm = Math.max(1.2, look.curl.diameterCm * 1.6);
  const length = guide.lengthCm * habit.share;
  for (let i = 0; i < points; i += 1) {
    const t = i / (points - 1) * habit.share, s = t * guide.lengthCm;
    const at = Math.min(guidePoints - 1.001, t * (guidePoints - 1)), k = Math.floor(at), f = at - k;
    const gathered = 1 - habit.gather * ramp(0.05, 0.6, t);
    const curl = habit.curlCm * ramp(0.2, rampCm + 0.2, s);
    const angle = habit.phase + s * habit.turns;
    const reach = ramp(0, 2.5, s);
    const sway = habit.wander * t * 1.6, fine = 0.02 * reach;
    const wa = curl * Math.cos(angle) + sway * Math.sin(s * 0.42 + habit.phase * 3) + fine * Math.sin(s * 3.1 + habit.phase * 5);
    const wb = curl * Math.sin(angle) + sway * Math.sin(s * 0.37 + habit.phase * 5) + fine * Math.cos(s * 2.7 + habit.phase * 7);
    const o = (index * points + i) * 3;
    for (let c = 0; c < 3; c += 1) {
      const line = path[k * 3 + c]! * (1 - f) + path[k * 3 + 3 + c]! * f;
      const a = frames[k * 6 + c]!, b = frames[k * 6 + 3 + c]!, n = shell[k * 3 + c]! * (1 - f) + shell[k * 3 + 3 + c]! * f;
      const local = habit.offset[c as 0 | 1 | 2] * gathered + a * wa + b * wb;
      strands.at[o + c] = line + local + n * habit.outCm * reach;
      strands.facing[o + c] = n + local * 0.55 + n * habit.outCm * 0.3;
    }
  }
  strands.length[index] = length;
}

/** Points a strand needs for its length and curl to look round. */
function pointsFor(look: Look, longestCm: number, pxPerCm: number): number {
  const perCurl = look.curl.amplitude > 0.3 ? 8 / look.curl.pitchCm : 0;
  return Math.round(clamp(longestCm * Math.min(Math.max(perCurl, 1.1), pxPerCm / 2.2), 6, 170));
}

function dress(strands: Strands, index: number, guide: Guide, root: Root, key: number, seed: number): void {
  const r = (salt: number): number => hashed(key, seed, salt);
  const lockTone = 0.1 * noise(guide.phase * 9, guide.key, 1) + 0.16 * (hashed(guide.key, Math.floor(r(1) * 4), 23) - 0.5);
  strands.tone[index] = 1 + lockTone + (r(8) - 0.5) * 0.26;
  strands.width[index] = (0.75 + 0.5 * r(9)) * (0.5 + 0.5 * root.vigor);
  strands.alpha[index] = 0.3 + 0.7 * root.vigor;
  strands.under[index] = unders.indexOf(guide.growth.behind ? 'body' : passesEars(guide.growth, guide.lengthCm) ? 'ears' : 'head');
}

export const unders: readonly Under[] = ['head', 'ears', 'body'];

/** Combs strands: guides grow first, then every strand joins the lock of the guide nearest to its root. */
export function comb(look: Look, guideRoots: readonly Root[], roots: readonly Root[], plan: Plan, options: { pxPerCm: number; seed: number; down: Vector }): Strands {
  const { seed } = options;
  const guides = growGuides(look, guideRoots, plan, options.down, seed);
  const locks = new Map(guides.map((guide) => [guide, { guide, frames: framesOf(guide.path), shell: shellOf(guide.path) }]));
  const map = mapOf(guides);
  const lengths = guides.map((guide) => guide.lengthCm).sort((a, b) => a - b);
  const points = pointsFor(look, lengths[Math.floor(lengths.length * 0.9)] ?? 1, options.pxPerCm);
  const strands = emptyStrands(Math.min(roots.length, Math.floor(900_000 / points)), points);
  let used = 0;
  for (let i = 0; i < strands.count; i += 1) {
    const root = roots[i]!, key = seed + 100_003 + i * 3;
    const guide = nearestGuide(map, root.at, plan.way(root, key));
    if (guide === null) continue;
    drawStrand(strands, used, locks.get(guide)!, habitOf(look, guide, root, key, seed), look);
    dress(strands, used, guide, root, key, seed);
    used += 1;
  }
  return { ...strands, count: used };
}

/** The usual plan of a look. */
export const planFor = (look: Look): Plan => ({ way: (root, key) => wayOf(look, root, key), growth: (root, key) => planGrowth(look, root, key) });

/** `down` is where hair hangs, in head space. */
export type Grooming = { count: number; pxPerCm: number; seed: number; down: Vector; random: () => number; wanted: (root: Root) => boolean };

/** All hair that grows from the scalp, `count` strands at most. */
export function groom(look: Look, hairline: Hairline, options: Grooming): Strands {
  const guideCount = Math.round(clamp(850 / look.clump.sizeCm ** 2, 350, 2600) * clamp(options.pxPerCm / 12, 0.35, 1));
  const guideRoots = sowRoots(look, hairline, guideCount, options.random, options.wanted);
  const roots = sowRoots(look, hairline, options.count, options.random, options.wanted);
  return comb(look, guideRoots, roots, planFor(look), options);
}
