import { differenceCiede2000 } from 'culori';
import type { SkinShade } from '../../../subgraphs/vision/index.ts';

const difference = differenceCiede2000();

/** CIEDE2000. */
export function deltaE([l, a, b]: SkinShade['lab'] | readonly [number, number, number], [l2, a2, b2]: readonly [number, number, number]): number {
  return difference({ mode: 'lab65', l, a, b }, { mode: 'lab65', l: l2, a: a2, b: b2 });
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The value that `share` (0..1) of the values do not exceed; between two of them by straight line. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

/** A figure beside what it must be. */
export function verdict(name: string, value: number, most: number, digits = 2): string {
  return `  ${name.padEnd(44)} ${value.toFixed(digits).padStart(8)}   at most ${most}${value <= most ? '' : '   MISSED'}`;
}

/** A figure beside what it must reach. */
export function floor(name: string, value: number, least: number, digits = 2): string {
  return `  ${name.padEnd(44)} ${value.toFixed(digits).padStart(8)}  at least ${least}${value >= least ? '' : '   MISSED'}`;
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`);
