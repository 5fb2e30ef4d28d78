import type { Plane } from './raster.ts';

/**
 * Fills what is unknown from what is known around it, smoothly: averages down a pyramid, then fills back up. `weight` 0..1 says how
 * known a pixel is; where it is 1 the plane stays as it is.
 */
export function pushPull(plane: Plane, weight: Plane, width: number, height: number): Plane {
  if (width <= 2 || height <= 2) return fillFlat(plane, weight);
  const sums = new Float32Array(plane.length);
  for (let i = 0; i < sums.length; i++) sums[i] = plane[i]! * weight[i]!;
  const smallSums = pull(sums, width, height);
  const smallWeight = pull(weight, width, height);
  for (let i = 0; i < smallSums.length; i++) {
    const total = smallWeight[i]!;
    smallSums[i] = total > 0 ? smallSums[i]! / total : 0;
    smallWeight[i] = Math.min(1, total / 16);
  }
  const filled = push(pushPull(smallSums, smallWeight, (width + 1) >> 1, (height + 1) >> 1), width, height);
  for (let i = 0; i < filled.length; i++) {
    const known = weight[i]!;
    filled[i] = plane[i]! * known + filled[i]! * (1 - known);
  }
  return filled;
}

/** The next smaller level: sums over 4 x 4 pixels, weighted 1 3 3 1 both ways; nothing lies beyond the border. */
function pull(plane: Plane, width: number, height: number): Plane {
  const w = (width + 1) >> 1;
  const h = (height + 1) >> 1;
  const across = new Float32Array(w * height);
  for (let y = 0; y < height; y++) {
    const from = y * width;
    for (let x = 0; x < w; x++) {
      const at = from + x * 2;
      let sum = 3 * plane[at]!;
      if (x > 0) sum += plane[at - 1]!;
      if (x * 2 + 1 < width) sum += 3 * plane[at + 1]!;
      if (x * 2 + 2 < width) sum += plane[at + 2]!;
      across[y * w + x] = sum;
    }
  }
  const out = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let j = -1; j <= 2; j++) {
      const row = y * 2 + j;
      if (row < 0 || row >= height) continue;
      const share = j === 0 || j === 1 ? 3 : 1;
      for (let x = 0; x < w; x++) out[y * w + x]! += share * across[row * w + x]!;
    }
  }
  return out;
}

/** Twice as large, linear between the centres of the smaller level's pixels. */
function push(plane: Plane, width: number, height: number): Plane {
  const w = (width + 1) >> 1;
  const h = (height + 1) >> 1;
  const across = new Float32Array(width * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < width; x++) {
      const near = x >> 1;
      const next = Math.min(w - 1, Math.max(0, near + (x % 2 === 0 ? -1 : 1)));
      across[y * width + x] = 0.75 * plane[y * w + near]! + 0.25 * plane[y * w + next]!;
    }
  }
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const near = (y >> 1) * width;
    const next = Math.min(h - 1, Math.max(0, (y >> 1) + (y % 2 === 0 ? -1 : 1))) * width;
    for (let x = 0; x < width; x++) out[y * width + x] = 0.75 * across[near + x]! + 0.25 * across[next + x]!;
  }
  return out;
}

function fillFlat(plane: Plane, weight: Plane): Plane {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < plane.length; i++) {
    sum += plane[i]! * weight[i]!;
    total += weight[i]!;
  }
  const mean = total > 0 ? sum / total : 0;
  return plane.map((value, i) => value * weight[i]! + mean * (1 - weight[i]!));
}
