import type { Look } from '../looks/look.ts';
import { clamp, hashed, mix, noise, normalize, ramp, type Vector } from './numbers.ts';
import type { Root } from './roots.ts';
import { tieOf, type Tie } from './ties.ts';

/** What one guide strand is told before it grows. */
export type Growth = {
  root: Root;
  kind: 'hang' | 'fringe' | 'tied' | 'clipped' | 'stand';
  lengthCm: number;
  /** Height below which nothing is left; -99 = uncut. */
  cutY: number;
  /** Thickness of hair under this strand. */
  shellCm: number;
  /** 0 = style holds it, 1 = hangs. */
  gravity: number;
  /** Share of the outward direction at the root. */
  lift: number;
  /** -1 left of the picture, 1 right. */
  side: number;
  /** How far from the face's outline it stays; negative overlaps the face. */
  faceGapCm: number;
  /** Falls behind neck and shoulders. */
  behind: boolean;
  tie: Tie | null;
};

export const headCm = 23;
const partX: Record<Look['part'], number> = { left: 3.3, middle: 0, right: -3.3, none: 0 };

/** The side a root falls to. */
function sideOf(look: Look, root: Root): number {
  const line = partX[look.part] * ramp(-12, -6, root.at[2]) + 0.15 * noise(root.at[2] * 1.3, 7, 0);
  if (look.part === 'none') return root.at[0] >= 0 ? 1 : -1;
  return root.at[0] >= line ? 1 : -1;
}

function inFringe(look: Look, root: Root): boolean {
  const { kind } = look.fringe;
  if (kind === 'none' || root.clippedCm !== null) return false;
  const full = look.part === 'none' ? 5.2 : 3.2;
  const reach = kind === 'wispy' ? 2 : kind === 'curtain' ? 2.2 : kind === 'side' ? 2.6 : full;
  const wide = kind === 'side' ? 44 : kind === 'curtain' ? 40 : 43;
  return Math.abs(root.azimuth) < wide && root.above < reach && root.at[2] > -0.5;
}

/** Height of the fringe's lower edge; eyes stay free whatever the length. */
export function fringeEdge(look: Look): number {
  const usual = mix(9.2, 4.55, look.fringe.length);
  return Math.max(look.fringe.kind === 'wispy' ? 4.5 : 4.35, usual);
}

/** Thickness of the hair at a root: thin at hairline, nape and part, full at the crown. */
function shellOf(look: Look, root: Root): number {
  const full = (0.35 + 3.1 * look.volume) * (1 - 0.85 * look.slick);
  const edge = 0.22 + 0.78 * ramp(0, 3.2, root.above);
  const zone = mix(0.62, 1, root.top);
  const parted = look.part === 'none' ? 1 : 0.3 + 0.7 * ramp(0, 6.5, Math.abs(root.at[0] - partX[look.part]));
  return full * zone * Math.max(edge, look.rootLift * 0.8) * mix(parted, 1, look.rootLift * 0.5);
}

function hangingCut(look: Look, root: Root): number {
  const ear = 4;
  return ear - headCm * mix(look.length.sides, look.length.back, ramp(70, 130, Math.abs(root.azimuth)));
}

function zoneLength(look: Look, root: Root): number {
  const { top, sides, back } = look.length;
  return headCm * (root.top * top + root.back * back + (1 - root.top - root.back) * sides);
}

function hanging(look: Look, root: Root, side: number, chance: number): Growth {
  const length = zoneLength(look, root);
  const cutY = hangingCut(look, root);
  const long = ramp(0.45, 0.9, Math.max(look.length.sides, look.length.back));
  const oneLength = (root.at[1] - cutY) * 1.06 + 3.5;
  const short = ramp(14, 5, length);
  const behindShare = mix(ramp(62, 95, Math.abs(root.azimuth)), 1, root.top * ramp(-3, -8, root.at[2]));
  const gap = mix(0.55, -1, look.framing) + (chance - 0.5) * 1.3;
  return {
    root, kind: 'hang', lengthCm: mix(oneLength, Math.min(length, oneLength * 1.4), Math.max(look.layers, short)),
    cutY: look.updo === 'none' || look.updo.startsWith('half') ? cutY + look.layers * 1.5 * chance : -4 - 4 * chance, shellCm: shellOf(look, root) * (0.25 + 0.75 * Math.sqrt(chance)),
    gravity: mix(0.62, 0.34, short) * (1 - 0.5 * look.slick) * (look.comb === 'back' ? 1 - 0.85 * look.rootLift * root.top : 1), lift: mix(0.12, 1.3, look.rootLift) * mix(0.35, 1, root.top) * (look.comb === 'back' ? ramp(7, 4, Math.abs(root.at[0])) : 1), side, faceGapCm: gap,
    behind: long > 0 && behindShare > 0.35 + 0.5 * chance, tie: null,
  };
}

/** Coils that are cut to stand up end in one level plane over the top, other hair where its length ends. */
function standingLength(look: Look, root: Root): number {
  const length = zoneLength(look, root);
  const level = look.comb === 'up' && !look.mohawk && look.curl.pitchCm < 2 ? root.top : 0;
  return mix(length, Math.max(length * 0.4, 12.6 + length * 0.62 - root.at[1]), level);
}

/** Which hair a root belongs to: strands of one way can share a lock. */
export type Way = Pick<Growth, 'kind' | 'side' | 'tie'>;

export function wayOf(look: Look, root: Root, key: number): Way {
  const side = sideOf(look, root);
  if (root.clippedCm !== null) return { kind: 'clipped', side, tie: null };
  if (inFringe(look, root)) return { kind: 'fringe', side: look.fringe.kind === 'side' ? (look.part === 'left' ? -1 : 1) : side, tie: null };
  const tie = tieOf(look, root, hashed(key, 17, 3));
  if (tie !== null) return { kind: 'tied', side, tie };
  return { kind: look.comb === 'up' || look.comb === 'out' ? 'stand' : 'hang', side, tie: null };
}

/** Decides how the hair of one root grows under a look; `key` makes the decision repeatable. */
export function planGrowth(look: Look, root: Root, key: number): Growth {
  const chance = hashed(key, 17, 3), way = wayOf(look, root, key);
  const base = { ...hanging(look, root, way.side, chance), ...way };
  if (root.clippedCm !== null) return { ...base, lengthCm: root.clippedCm, cutY: -99, shellCm: 0.05, gravity: 0.1, lift: 0.5, behind: false };
  if (way.kind === 'fringe') {
    const rise = look.fringe.kind === 'curtain' ? 2.2 : look.fringe.kind === 'side' ? 1.4 : 0.35;
    return { ...base, cutY: fringeEdge(look) + 0.25 * rise * chance, lengthCm: 15, shellCm: (0.35 + 0.5 * look.volume) * (0.4 + chance),
      gravity: 0.55, lift: 0.25 + look.rootLift * 0.5, behind: false };
  }
  if (way.kind === 'tied') return { ...base, lengthCm: 32, cutY: -99, gravity: 0, lift: 0.15 + look.rootLift * 0.5, shellCm: base.shellCm * 0.55, behind: false };
  if (way.kind === 'stand') {
    return { ...base, lengthCm: standingLength(look, root) * (0.85 + 0.15 * chance), cutY: -99, gravity: look.comb === 'up' ? 0.08 : 0.03, lift: look.comb === 'up' ? 1 : 3, behind: false };
  }
  return base;
}

/** Hair is gathered back first: never over the face to a tie on the other side. */
function towards(tie: Tie, p: Vector): Vector {
  const around = p[2] > -9 && tie.at[1] < 11 && (Math.abs(tie.at[0]) < 2.5 || tie.at[0] * p[0] < 0 || Math.abs(p[0]) < 3);
  const goal: Vector = around ? [p[0] * 0.75, Math.max(tie.at[1] + 2, Math.min(p[1], tie.at[1] + 6)), -13.5] : tie.at;
  return normalize([goal[0] - p[0], goal[1] - p[1], goal[2] - p[2]]);
}

/** Where a strand wants to go from this point, before gravity. */
export function combAt(look: Look, growth: Growth, p: Vector): Vector {
  const { root, side } = growth;
  const swirl = (0.1 + 0.5 * look.messiness) * noise(root.at[0] * 0.45, root.at[1] * 0.45, root.at[2] * 0.45 + 9);
  if (growth.tie !== null) return towards(growth.tie, p);
  if (growth.kind === 'fringe') return fringeComb(look, growth, swirl);
  if (growth.kind === 'stand') return standing(look, growth, swirl);
  const lower = 1 - root.top;
  if (look.comb === 'back') return normalize([swirl * 0.6 - p[0] * 0.05, -0.25 * lower, -1]);
  if (look.comb === 'forward') return normalize([p[0] * 0.04 + swirl * 0.8, -0.9 * lower, mix(0.35, 1, root.top)]);
  // Beyond the ridge of the head it lies down instead of standing off it.
  const over = look.comb === 'side' ? ramp(3.6, 6.4, Math.abs(p[0])) : 0;
  if (look.comb === 'side') return normalize([side * mix(0.25, 1, root.top) * (1 - 0.8 * over), -0.6 * lower - 0.9 * over, -0.25 - 0.5 * over + swirl * 0.5]);
  // Over short sides a long top falls past the ridge of the head; longer hair below would carry it further out.
  const fall = look.length.sides < 0.25 ? ramp(5, 7.4, Math.abs(p[0])) : 0;
  if (look.part === 'none') return normalize([(side * 0.45 + p[0] * 0.12) * (1 - fall) + swirl, -0.5 * lower - fall, clamp((p[2] + 8.5) * 0.18, -1, 1)]);
  const backwards = mix(-0.5, -0.15, ramp(3.5, -6, root.at[2]));
  const beside = 0.4 + 0.6 * ramp(0.2, 2.6, Math.abs(p[0] - partX[look.part]));
  return normalize([side * beside * (1 - 0.6 * ramp(120, 175, Math.abs(root.azimuth))) * (1 - fall), -0.4 * lower - fall, backwards + swirl * 0.6]);
}

function fringeComb(look: Look, growth: Growth, swirl: number): Vector {
  const x = growth.root.at[0];
  if (look.fringe.kind === 'curtain') return normalize([growth.side * 0.85 + swirl * 0.3, -0.35, 0.6]);
  if (look.fringe.kind === 'side') return normalize([growth.side * 1.05 + swirl * 0.3, -0.4, 0.55]);
  return normalize([x * 0.03 + swirl * 0.35, -0.4, 1]);
}

function standing(look: Look, growth: Growth, swirl: number): Vector {
  const n = growth.root.normal;
  if (look.comb === 'out') return normalize([n[0] + swirl * 0.5, n[1] + 0.12, n[2] + swirl * 0.3]);
  const inwards = look.mohawk ? -growth.root.at[0] * 0.12 : growth.root.at[0] * 0.05;
  return normalize([inwards + swirl * 0.5, 1, -0.25 + 0.35 * ramp(-2, 4, growth.root.at[2]) + swirl * 0.4]);
}
