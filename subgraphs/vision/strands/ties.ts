import type { Look } from '../looks/look.ts';
import type { Vector } from './numbers.ts';
import type { Root } from './roots.ts';

/** A point where hair is gathered, and what is made of it there. */
export type Tie = { at: Vector; out: Vector; made: 'bun' | 'tail' | 'braid'; sizeCm: number };

const tie = (at: Vector, out: Vector, made: Tie['made'], sizeCm: number): Tie => ({ at, out, made, sizeCm });

const topKnot = tie([0, 13.4, -4.6], [0, 1, -0.12], 'bun', 3.1);
const highBun = tie([0, 12.4, -9.2], [0, 0.85, -0.5], 'bun', 4.3);
const halfBun = tie([0, 13.1, -6.2], [0, 1, -0.2], 'bun', 2.9);
const ties: Record<Look['updo'], readonly Tie[]> = {
  none: [], 'top-knot': [topKnot], 'bun-high': [highBun], 'half-bun': [halfBun],
  'bun-low': [tie([0, -3.6, -11], [0, -0.3, -1], 'bun', 5.4)], chignon: [tie([4.6, -4.2, -11], [0.6, -0.35, -0.75], 'bun', 3.6)],
  'space-buns': [tie([-5, 12, -4.6], [-0.62, 0.78, 0], 'bun', 2.9), tie([5, 12, -4.6], [0.62, 0.78, 0], 'bun', 2.9)],
  ponytail: [tie([0.5, 12.4, -9.6], [0.42, 1, -0.9], 'tail', 2.1)], 'ponytail-low': [tie([5.6, -4.6, -6.6], [0.5, -0.8, 0.5], 'tail', 1.7)],
  'half-up': [tie([0, 8.2, -13.4], [0, 0, -1], 'tail', 1.2)],
};
const pigtails = [tie([-6.6, -3.6, -6], [-0.4, -1, 0.2], 'braid', 1.25), tie([6.6, -3.6, -6], [0.4, -1, 0.2], 'braid', 1.25)] as const;
const sideBraid = [tie([5.6, -5, -5.4], [0.35, -1, 0.25], 'braid', 1.55)] as const;

/** Every tie of a look. */
export function tiesOf(look: Look): readonly Tie[] {
  if (look.braids === 'two') return pigtails;
  if (look.braids === 'side') return sideBraid;
  return ties[look.updo];
}

/** The tie that gathers this root's hair; null where it hangs loose. */
export function tieOf(look: Look, root: Root, chance: number): Tie | null {
  const all = tiesOf(look);
  const first = all[0], second = all[1];
  if (first === undefined) return null;
  if ((look.updo === 'half-up' || look.updo === 'half-bun') && root.at[1] < 6.4 + chance * 0.8) return null;
  const loose = root.above < 1.3 && Math.abs(root.azimuth) > 44 && Math.abs(root.azimuth) < 62;
  if (loose && chance < look.framing * 0.8) return null;
  return second !== undefined && root.at[0] > 0 ? second : first;
}
