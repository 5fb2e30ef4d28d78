import { boxBlur, halve, resize } from './raster.ts';
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
  const smooth = fitted.map((plane) => resize(plane, width, height, image.width, image.height));
  return apply(image, smooth);
}

function apply({ rgb }: Raster, [r, g, b, offset]: Plane[]): Plane {
  if (!r || !g || !b || !offset) throw new Error('a color guide has four coefficients');
  const out = new Float32Array(r.length);
  for (let i = 0, p = 0; i < out.length; i++, p += 3) {
    out[i] = (r[i]! * rgb[p]! + g[i]! * rgb[p + 1]! + b[i]! * rgb[p + 2]!) / 255 + offset[i]!;
  }
  return out;
}

/** The local linear models mask = r*R + g*G + b*B + offset, averaged over the windows that hold a pixel. */
function fit({ width, height, rgb }: Raster, mask: Plane, radius: number, epsilon: number): Plane[] {
  const mean = (plane: Plane): Plane => boxBlur(plane, width, height, radius);
  const times = (a: Plane, b: Plane): Plane => a.map((value, i) => value * b[i]!);
  const channels = [0, 1, 2].map((c) => mask.map((_, i) => rgb[i * 3 + c]! / 255));
  const means = channels.map(mean);
  const maskMean = mean(mask);
  const covariance = (a: number, b: number): Plane => {
    const product = mean(times(channels[a]!, channels[b]!));
    return product.map((value, i) => value - means[a]![i]! * means[b]![i]!);
  };
  const towards = channels.map((channel, c) => mean(times(channel, mask)).map((value, i) => value - means[c]![i]! * maskMean[i]!));
  const [rr, rg, rb, gg, gb, bb] = [covariance(0, 0), covariance(0, 1), covariance(0, 2), covariance(1, 1), covariance(1, 2), covariance(2, 2)];
  const out = [0, 1, 2, 3].map(() => new Float32Array(mask.length));
  for (let i = 0; i < mask.length; i++) {
    const [r, g, b] = solve(
      rr[i]! + epsilon, rg[i]!, rb[i]!, gg[i]! + epsilon, gb[i]!, bb[i]! + epsilon,
      towards[0]![i]!, towards[1]![i]!, towards[2]![i]!,
    );
    out[0]![i] = r;
    out[1]![i] = g;
    out[2]![i] = b;
    out[3]![i] = maskMean[i]! - r * means[0]![i]! - g * means[1]![i]! - b * means[2]![i]!;
  }
  return out.map(mean);
}

/** Solves a symmetric 3 x 3 system by cofactors. */
function solve(
  rr: number, rg: number, rb: number, gg: number, gb: number, bb: number, x: number, y: number, z: number,
): [number, number, number] {
  const c00 = gg * bb - gb * gb;
  const c01 = rb * gb - rg * bb;
  const c02 = rg * gb - rb * gg;
  const c11 = rr * bb - rb * rb;
  const c12 = rb * rg - rr * gb;
  const c22 = rr * gg - rg * rg;
  const scale = 1 / (rr * c00 + rg * c01 + rb * c02);
  return [(c00 * x + c01 * y + c02 * z) * scale, (c01 * x + c11 * y + c12 * z) * scale, (c02 * x + c12 * y + c22 * z) * scale];
}
