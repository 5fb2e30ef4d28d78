import { clamp, sample, smoothstep } from '../raster.ts';
import type { Plane } from '../raster.ts';
import { mix } from '../strands/numbers.ts';

/** Directions that are looked along, a whole turn. */
const RAYS = 180;
/** Half of the widest notch or bump that hair does not have, in directions. */
const NARROW = 11;

export type Round = { width: number; height: number; x: number; y: number };

/** How far a plane reaches from the middle in each direction, px: the last place where it is above a half. */
function reachOf(plane: Plane, { width, height, x, y }: Round): number[] {
  return Array.from({ length: RAYS }, (_, ray) => {
    const angle = (ray / RAYS) * Math.PI * 2;
    const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
    let last = 0;
    for (let r = 1; r < width + height; r += 0.5) {
      const [px, py] = [x + ux * r, y + uy * r];
      if (px < 0 || py < 0 || px > width - 1 || py > height - 1) break;
      if (sample(plane, width, height, px, py) > 0.5) last = r;
    }
    return last;
  });
}

const over = (values: readonly number[], pick: (...near: number[]) => number): number[] =>
  values.map((_, ray) => pick(...Array.from({ length: 2 * NARROW + 1 }, (__, k) => values[(ray + k - NARROW + RAYS) % RAYS]!)));

/** Value of a ring at a place, between its directions. */
function ringAt(ring: readonly number[], dx: number, dy: number): number {
  const turn = ((Math.atan2(dy, dx) / (Math.PI * 2)) * RAYS + RAYS) % RAYS;
  const [ray, share] = [Math.floor(turn), turn % 1];
  return mix(ring[ray % RAYS]!, ring[(ray + 1) % RAYS]!, share);
}

/**
 * `kept` with the outline that hair has round a skull: what was taken out of `hair` as a narrow notch comes back, and what stands out as a narrow
 * bump goes where it is hardly `person`; a knot of hair is. Only above the middle's height: below, hair hangs as it likes.
 */
export function evenOutline(hair: Plane, kept: Plane, person: Plane, round: Round): Plane {
  const reach = reachOf(kept, round);
  const closed = over(over(reach, Math.max), Math.min);
  const opened = over(over(closed, Math.min), Math.max);
  return kept.map((value, i) => {
    const [dx, dy] = [(i % round.width) - round.x, Math.floor(i / round.width) - round.y];
    const r = Math.hypot(dx, dy);
    const upper = smoothstep(0.45, 0.25, dy / Math.max(1, r));
    const within = smoothstep(1.02, 0.98, r / Math.max(1, ringAt(closed, dx, dy)));
    const beyond = smoothstep(1, 1.035, r / Math.max(1, ringAt(opened, dx, dy))) * smoothstep(0.97, 0.8, person[i]!);
    return clamp(mix(value, Math.max(value, hair[i]!), within * upper) * (1 - beyond * upper), 0, 1);
  });
}
