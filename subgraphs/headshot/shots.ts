import type { Backdrop, HeadshotShot } from '../vision/index.ts';
import type { SelfieRow } from './selfie-store.ts';

/** A picture to make: of which selfie, before what, and how much of the person. `position` is its place among all that could be made, the best first. */
export type Shot = HeadshotShot & { position: number; selfie: SelfieRow };

/** How many headshots a person gets, and how high they are at most, px. */
export const seriesOf = (isDevelopment: boolean): { count: number; mostHeight: number } => (isDevelopment ? { count: 4, mostHeight: 640 } : { count: 16, mostHeight: 1280 });

/** Every kind of background early, none like the one before. */
const order = [
  'studio-grey', 'office-windows', 'gradient-mist', 'studio-charcoal', 'office-plants', 'studio-white', 'gradient-slate', 'office-lounge', 'studio-blue', 'gradient-sage', 'office-evening', 'studio-sand',
] as const satisfies readonly Backdrop[];

/** Selfies that are worth less than this part of the best one are not used while there are better ones, and more of them than that not at all. */
const GOOD_ENOUGH = 0.55;
const MOST_SELFIES = 6;

/** The selfies that headshots are made of, the best first. */
export function bestSelfies(selfies: readonly SelfieRow[]): SelfieRow[] {
  const usable = selfies.filter(({ isUsable, assessment }) => isUsable && assessment.framings.length > 0).toSorted((a, b) => b.assessment.score - a.assessment.score || (a.id < b.id ? -1 : 1));
  const best = usable[0]?.assessment.score ?? 0;
  return usable.filter(({ assessment }) => assessment.score >= best * GOOD_ENOUGH).slice(0, MOST_SELFIES);
}

/**
 * All pictures that can be made of these selfies, each once: first `count` that differ in selfie, background and framing, better selfies more
 * often, those of one selfie together, for it is analysed once; behind them, in the same order, what can stand in for one that fails.
 */
export function planShots(selfies: readonly SelfieRow[], count: number): Shot[] {
  const best = bestSelfies(selfies);
  const shares = sharesOf(best.map(({ assessment }) => assessment.score), count);
  const series = best.map((selfie, index) => everyShot(selfie, shares.slice(0, index).reduce((sum, share) => sum + share, 0)));
  const first = series.flatMap((shots, index) => shots.slice(0, shares[index]));
  const rest = series.flatMap((shots, index) => shots.slice(shares[index]));
  return [...first, ...rest].map((shot, position) => ({ ...shot, position }));
}

/** Every background with every framing that the selfie holds, once; the backgrounds go on where those of the selfie before ended. */
function everyShot(selfie: SelfieRow, from: number): Omit<Shot, 'position'>[] {
  const { framings } = selfie.assessment;
  return Array.from({ length: order.length * framings.length }, (_, step) => {
    const round = Math.floor(step / order.length);
    const { framing, aspect } = framings[(step + round) % framings.length] ?? fail();
    return { selfie, framing, aspect, backdrop: order[(from + step) % order.length] ?? fail() };
  });
}

function fail(): never {
  throw new RangeError('a list is not empty');
}

/** Whole numbers with the sum `count`, as near to the weights as can be; none gets less than one that weighs less. */
function sharesOf(weights: readonly number[], count: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => (weight / total) * count);
  const shares = exact.map(Math.floor);
  const missing = count - shares.reduce((sum, share) => sum + share, 0);
  const largest = exact.map((value, index) => ({ index, left: value - Math.floor(value) })).toSorted((a, b) => b.left - a.left || a.index - b.index);
  for (const { index } of largest.slice(0, missing)) shares[index] = (shares[index] ?? 0) + 1;
  return shares.toSorted((a, b) => b - a);
}
