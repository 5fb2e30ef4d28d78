import { boxBlur, clamp, halve, resize } from './raster.ts';
import type { Plane, Raster } from './raster.ts';

/**
 * Edge-aware smoothing of `mask` along the colors of `image` (He, Sun, Tang: Guided Image Filtering, with coefficients fitted at reduced
 * size). `radius` in px; `epsilon` is a variance of colors in 0..1, greater = smoother.
 */
export function guidedFilter(image: Raster, mask: Plane, radius: number, epsilon: number): Plane {
  let guide = image;
  let steps = 1;
  while (steps < 4 && radius / steps >= 6) {
    guide = halve(guide);
    steps *= 2;
  }
  const { width, height } = guide;
  const small = steps === 1 ? mask : resize(mask, image.width, image.height, width, height);
  const fitted = fit(guide, small, Math.max(1, Math.round(radius / steps)), epsilon);
  return apply(image, fitted.map((plane) => stretchRows(plane, width, height, image.width)), height);
}

/** `rows` rows of the four coefficients, as wide as the picture, stretched to its height row by row: whole planes of them would not fit the cache. */
function apply({ width, height, rgb }: Raster, [r, g, b, offset]: readonly Plane[], rows: number): Plane {
  if (!r || !g || !b || !offset) throw new Error('a color guide has four coefficients');
  const out = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    const at = clamp(((y + 0.5) * rows) / height - 0.5, 0, rows - 1);
    const share = at - Math.floor(at);
    let [j, k] = [Math.floor(at) * width, Math.min(Math.floor(at) + 1, rows - 1) * width];
    for (let x = 0; x < width; x++, i++, j++, k++) {
      const above = (r[j]! * rgb[i * 3]! + g[j]! * rgb[i * 3 + 1]! + b[j]! * rgb[i * 3 + 2]!) / 255 + offset[j]!;
      const below = (r[k]! * rgb[i * 3]! + g[k]! * rgb[i * 3 + 1]! + b[k]! * rgb[i * 3 + 2]!) / 255 + offset[k]!;
      out[i] = above * (1 - share) + below * share;
    }
  }
  return out;
}

/** Each row bilinearly to another width; no copy where that is its own. */
function stretchRows(plane: Plane, width: number, height: number, toWidth: number): Plane {
  if (width === toWidth) return plane;
  const out = new Float32Array(toWidth * height);
  for (let x = 0; x < toWidth; x++) {
    const at = clamp(((x + 0.5) * width) / toWidth - 0.5, 0, width - 1);
    const [low, share] = [Math.floor(at), at - Math.floor(at)];
    const step = low + 1 < width ? 1 : 0;
    for (let y = 0, i = low, o = x; y < height; y++, i += width, o += toWidth) out[o] = plane[i]! * (1 - share) + plane[i + step]! * share;
  }
  return out;
}

/** The local linear models mask = r*R + g*G + b*B + offset, averaged over the windows that hold a pixel. */
function fit({ width, height, rgb }: Raster, mask: Plane, radius: number, epsilon: number): Plane[] {
  const count = mask.length;
  const mean = (plane: Plane): Plane => boxBlur(plane, width, height, radius);
  const channels = [0, 1, 2].map((c) => {
    const plane = new Float32Array(count);
    for (let i = 0; i < count; i++) plane[i] = rgb[i * 3 + c]! / 255;
    return plane;
  });
  const means = channels.map(mean);
  const maskMean = mean(mask);
  const product = new Float32Array(count);
  const covariance = (a: Plane, b: Plane, meanA: Plane, meanB: Plane): Plane => {
    for (let i = 0; i < count; i++) product[i] = a[i]! * b[i]!;
    const out = mean(product);
    for (let i = 0; i < count; i++) out[i]! -= meanA[i]! * meanB[i]!;
    return out;
  };
  const between = (a: number, b: number): Plane => covariance(channels[a]!, channels[b]!, means[a]!, means[b]!);
  const towards = channels.map((channel, c) => covariance(channel, mask, means[c]!, maskMean));
  const [rr, rg, rb, gg, gb, bb] = [between(0, 0), between(0, 1), between(0, 2), between(1, 1), between(1, 2), between(2, 2)];
  const out = [0, 1, 2, 3].map(() => new Float32Array(count)) as [Plane, Plane, Plane, Plane];
  for (let i = 0; i < count; i++) {
    solve(rr[i]! + epsilon, rg[i]!, rb[i]!, gg[i]! + epsilon, gb[i]!, bb[i]! + epsilon, towards[0]![i]!, towards[1]![i]!, towards[2]![i]!, out, i);
    out[3][i] = maskMean[i]! - out[0][i]! * means[0]![i]! - out[1][i]! * means[1]![i]! - out[2][i]! * means[2]![i]!;
  }
  return out.map(mean);
}

/** Solves a symmetric 3 x 3 system by cofactors, into place `i` of the first three planes. */
function solve(
  rr: number, rg: number, rb: number, gg: number, gb: number, bb: number, x: number, y: number, z: number, out: readonly Plane[], i: number,
): void {
  const c00 = gg * bb - gb * gb;
  const c01 = rb * gb - rg * bb;
  const c02 = rg * gb - rb * gg;
  const c11 = rr * bb - rb * rb;
  const c12 = rb * rg - rr * gb;
  const c22 = rr * gg - rg * rg;
  const scale = 1 / (rr * c00 + rg * c01 + rb * c02);
  out[0]![i] = (c00 * x + c01 * y + c02 * z) * scale;
  out[1]![i] = (c01 * x + c11 * y + c12 * z) * scale;
  out[2]![i] = (c02 * x + c12 * y + c22 * z) * scale;
}
