import type { Plane } from './raster.ts';

/** Three feature planes of one picture. */
export type Features = readonly [Plane, Plane, Plane];

/** A few Gaussians with axes along the features: 8 numbers each, share, mean and inverse variance of the three, and the log factor. */
export type Mixture = { parts: Float64Array };

const STRIDE = 8;
const ROUNDS = 5;

/** Fits `count` Gaussians to the weighted pixels; `floor` is the least variance. `null` when the weights sum to less than `least`. */
export function fitMixture(features: Features, weight: Plane, count: number, floor: number, least: number): Mixture | null {
  let total = 0;
  for (const value of weight) total += value;
  if (total < least) return null;
  const chosen = chooseSamples(weight, 1500);
  if (chosen.length < count * 4) return null;
  const mixture = start(features, weight, chosen, count, floor);
  for (let round = 0; round < ROUNDS; round++) improve(mixture, features, weight, chosen, floor);
  return mixture;
}

function chooseSamples(weight: Plane, most: number): number[] {
  const all: number[] = [];
  for (let i = 0; i < weight.length; i++) if (weight[i]! > 0.05) all.push(i);
  const step = Math.max(1, all.length / most);
  return Array.from({ length: Math.min(all.length, most) }, (_, k) => all[Math.floor(k * step)]!);
}

/** The first guess splits the pixels by lightness into equal groups. */
function start(features: Features, weight: Plane, chosen: readonly number[], count: number, floor: number): Mixture {
  const sorted = chosen.toSorted((a, b) => features[0][a]! - features[0][b]!);
  const parts = new Float64Array(count * STRIDE);
  for (let k = 0; k < count; k++) {
    const group = sorted.slice(Math.floor((k * sorted.length) / count), Math.floor(((k + 1) * sorted.length) / count));
    setPart(parts, k, features, group, group.map((i) => weight[i]!), 1 / count, floor);
  }
  return { parts };
}

function setPart(
  parts: Float64Array, k: number, features: Features, pixels: readonly number[], shares: ArrayLike<number>, share: number, floor: number,
): void {
  const o = k * STRIDE;
  let total = 1e-9;
  for (let j = 0; j < pixels.length; j++) total += shares[j]!;
  let volume = 0;
  for (let c = 0; c < 3; c++) {
    const plane = features[c as 0 | 1 | 2];
    let [sum, square] = [0, 0];
    for (let j = 0; j < pixels.length; j++) {
      const value = plane[pixels[j]!]!;
      sum += value * shares[j]!;
      square += value * value * shares[j]!;
    }
    const mean = sum / total;
    const variance = Math.max(0, square / total - mean * mean) + floor;
    parts[o + 1 + c] = mean;
    parts[o + 4 + c] = 1 / variance;
    volume += Math.log(variance);
  }
  parts[o] = share;
  parts[o + 7] = Math.log(Math.max(1e-6, share)) - volume / 2;
}

function improve(mixture: Mixture, features: Features, weight: Plane, chosen: readonly number[], floor: number): void {
  const { parts } = mixture;
  const count = parts.length / STRIDE;
  const owned = Array.from({ length: count }, () => new Float64Array(chosen.length));
  let total = 1e-9;
  const logs = new Float64Array(count);
  for (let j = 0; j < chosen.length; j++) {
    const i = chosen[j]!;
    let best = -Infinity;
    for (let k = 0; k < count; k++) {
      logs[k] = logOf(parts, k, features, i);
      if (logs[k]! > best) best = logs[k]!;
    }
    let sum = 0;
    for (let k = 0; k < count; k++) sum += Math.exp(logs[k]! - best);
    for (let k = 0; k < count; k++) owned[k]![j] = (Math.exp(logs[k]! - best) / sum) * weight[i]!;
    total += weight[i]!;
  }
  for (let k = 0; k < count; k++) {
    let share = 0;
    for (const value of owned[k]!) share += value;
    setPart(parts, k, features, chosen, owned[k]!, share / total, floor);
  }
}

function logOf(parts: Float64Array, k: number, features: Features, i: number): number {
  const o = k * STRIDE;
  let exponent = 0;
  for (let c = 0; c < 3; c++) {
    const d = features[c as 0 | 1 | 2][i]! - parts[o + 1 + c]!;
    exponent += d * d * parts[o + 4 + c]!;
  }
  return parts[o + 7]! - exponent / 2;
}

/** Log density of one pixel, up to a constant shared by all mixtures. */
export function logDensity({ parts }: Mixture, features: Features, i: number): number {
  let best = -Infinity;
  let sum = 0;
  for (let k = 0; k < parts.length / STRIDE; k++) {
    const value = logOf(parts, k, features, i);
    if (value > best) {
      sum = sum * Math.exp(best - value) + 1;
      best = value;
    } else sum += Math.exp(value - best);
  }
  return best + Math.log(sum);
}

/** The Gaussian's own distance: how many standard deviations the nearest part is away. */
export function deviation({ parts }: Mixture, features: Features, i: number): number {
  let least = Infinity;
  for (let k = 0; k < parts.length / STRIDE; k++) {
    const o = k * STRIDE;
    if (parts[o]! < 0.05) continue;
    let exponent = 0;
    for (let c = 0; c < 3; c++) exponent += (features[c as 0 | 1 | 2][i]! - parts[o + 1 + c]!) ** 2 * parts[o + 4 + c]!;
    least = Math.min(least, exponent);
  }
  return Math.sqrt(least);
}
