import type { Look } from '../looks/look.ts';
import { hairlineAt, type Hairline } from './hairline.ts';
import { mix, noise, ramp, type Vector } from './numbers.ts';
import { azimuthOf, gauge, normalAt, skull } from './skull.ts';

/** One place on the scalp where hair grows. */
export type Root = {
  at: Vector;
  normal: Vector;
  azimuth: number;
  /** Centimetres above the hairline, measured in height. */
  above: number;
  top: number;
  back: number;
  /** 0 thin and fine (at the hairline, in a fade) to 1. */
  vigor: number;
  /** Clipped length where the look fades, null where it does not. */
  clippedCm: number | null;
};

const fadeLines: Record<Look['fade'], number> = { none: -99, low: 0.6, mid: 3, high: 6.2, skin: 4.8 };

/** How much of the hair a fade leaves at this height: 0 = nothing, 1 = all. */
export function fadeAt(look: Look, y: number): number {
  if (look.fade === 'none') return 1;
  const line = fadeLines[look.fade];
  return ramp(line - 2.6, line + 2.2, y);
}

/** The length the sides are clipped to, or null where hair is long. */
function clippedAt(look: Look, at: Vector, top: number): number | null {
  if (look.mohawk) return Math.abs(at[0]) > 2.9 + 0.25 * noise(at[2], at[1], 3) ? 0.35 : null;
  if (look.undercut && top < 0.5) return 0.7 * Math.max(0.35, fadeAt(look, at[1]));
  if (look.fade === 'none' || top > 0.75 + 0.4 * noise(at[0] * 4, at[1] * 4, at[2] * 4)) return null;
  const left = fadeAt(look, at[1]);
  return left < 0.97 ? Math.min(0.18 + 1.6 * left * left, Math.max(0.35, look.length.sides * 23)) : null;
}

/** Centimetres above a hairline that winds a little, as nobody's is drawn with a ruler. */
function aboveLine(hairline: Hairline, at: Vector, azimuth: number): number {
  const winding = 0.22 * noise(at[0] * 0.6 + 5, at[1] * 0.6, at[2] * 0.6);
  const ragged = 0.22 * noise(at[0] * 1.7, at[1] * 1.7, at[2] * 1.7) + 0.12 * noise(at[0] * 5, at[1] * 5, at[2] * 5);
  return at[1] - hairlineAt(hairline, azimuth) + winding + ragged;
}

/** Share of the scalp that hair hides here: less than the hair that grows, where combing it off the forehead lays the hairline open. */
export function hiddenAt(look: Look, hairline: Hairline, at: Vector, azimuth: number): number {
  const open = look.updo !== 'none' || look.comb === 'back' || (look.comb === 'up' && !look.mohawk);
  return densityAt(look, hairline, at, azimuth) * (open ? ramp(0, hairline.softnessCm * 2.6, aboveLine(hairline, at, azimuth)) : 1);
}

/** Share of the hair that grows here: soft and ragged along the hairline, thinned by a fade. */
export function densityAt(look: Look, hairline: Hairline, at: Vector, azimuth: number): number {
  const edge = ramp(-0.15, hairline.softnessCm, aboveLine(hairline, at, azimuth));
  const bare = look.fade === 'skin' ? fadeAt(look, at[1] + 0.6) : 0.55 + 0.45 * fadeAt(look, at[1]);
  return edge * (look.fade === 'none' ? 1 : Math.max(bare, ramp(7.5, 9, at[1])));
}

function randomDirection(random: () => number): Vector {
  const z = random() * 2 - 1, angle = random() * Math.PI * 2, r = Math.sqrt(1 - z * z);
  return [r * Math.cos(angle), z, r * Math.sin(angle)];
}

/** How far a root belongs to the top. A top that is much longer than the sides ends where the head turns down to them. */
function topAt({ length: { top, sides }, mohawk }: Look, at: Vector): number {
  const ridge = mohawk ? 0 : ramp(0.04, 0.12, top - sides) * ramp(0.2, 0.14, sides);
  return ramp(6.6, 9, at[1]) * mix(1, ramp(6.4, 5.2, Math.abs(at[0])), ridge);
}

/** A root on the scalp in this direction from its centre, or null where no hair grows. */
function rootAt(look: Look, hairline: Hairline, direction: Vector, chance: number): Root | null {
  const { center, radius } = skull;
  const probe: Vector = [center[0] + direction[0] * radius[0], center[1] + direction[1] * radius[1], center[2] + direction[2] * radius[2]];
  const out = gauge(probe);
  const at: Vector = [center[0] + direction[0] * radius[0] / out, center[1] + direction[1] * radius[1] / out, center[2] + direction[2] * radius[2] / out];
  const azimuth = azimuthOf(at);
  const density = densityAt(look, hairline, at, azimuth);
  if (density < chance || at[1] < -5.4) return null;
  const top = topAt(look, at);
  return {
    at, normal: normalAt(at), azimuth, above: at[1] - hairlineAt(hairline, azimuth), top,
    back: (1 - top) * ramp(100, 130, Math.abs(azimuth)), vigor: 0.15 + 0.85 * ramp(0, 0.95, density), clippedCm: clippedAt(look, at, top),
  };
}

/** `count` roots, spread evenly over the haired scalp that `wanted` keeps. */
export function sowRoots(look: Look, hairline: Hairline, count: number, random: () => number, wanted: (root: Root) => boolean): Root[] {
  const roots: Root[] = [];
  for (let tries = 0; roots.length < count && tries < count * 12; tries += 1) {
    const root = rootAt(look, hairline, randomDirection(random), random());
    if (root !== null && wanted(root)) roots.push(root);
  }
  return roots;
}
