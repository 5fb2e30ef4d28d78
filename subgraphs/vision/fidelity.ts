import { percentile } from './color.ts';
import { clamp, luma, smoothstep } from './raster.ts';
import type { Raster } from './raster.ts';

type Area = { x: number; y: number; width: number; height: number };

/** How crisp (0..1) and how noisy (luminance standard deviation, 0..255) a photo is; crispness is read in `area`. */
export function measureFidelity(image: Raster, area: Area): { sharpness: number; grain: number } {
  const light = luma(image);
  return { sharpness: measureSharpness(light, image, area), grain: measureGrain(light, image) };
}

/** The steepest edges' height against what four pixels hold of them: great when lines end within a pixel. */
function measureSharpness(light: Float32Array, { width, height }: Raster, area: Area): number {
  const steep = new Uint32Array(256);
  const wide = new Uint32Array(256);
  const x0 = clamp(Math.floor(area.x), 4, width - 5);
  const x1 = clamp(Math.ceil(area.x + area.width), 4, width - 5);
  const y0 = clamp(Math.floor(area.y), 4, height - 5);
  const y1 = clamp(Math.ceil(area.y + area.height), 4, height - 5);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const i = y * width + x;
      steep[Math.max(Math.abs(light[i + 1]! - light[i]!), Math.abs(light[i + width]! - light[i]!)) | 0]! += 1;
      wide[Math.max(Math.abs(light[i + 2]! - light[i - 2]!), Math.abs(light[i + 2 * width]! - light[i - 2 * width]!)) | 0]! += 1;
    }
  }
  return smoothstep(0.26, 0.6, binBelow(steep, 0.97) / Math.max(1, binBelow(wide, 0.97)));
}

/** Centre of the first bin below whose end `share` of the entries lie. */
function binBelow(bins: Uint32Array, share: number): number {
  const wanted = bins.reduce((sum, count) => sum + count, 0) * share;
  let sum = 0;
  for (let bin = 0; bin < bins.length; bin++) {
    sum += bins[bin]!;
    if (sum >= wanted) return bin + 0.5;
  }
  return 0;
}

/** Noise is what the flattest blocks still hold; an operator that is blind to slopes measures it (Immerkaer 1996). */
function measureGrain(light: Float32Array, { width, height }: Raster): number {
  const block = 16;
  const levels: number[] = [];
  for (let by = 1; by + block < height; by += block) {
    for (let bx = 1; bx + block < width; bx += block) {
      let sum = 0;
      let bright = 0;
      for (let y = by; y < by + block; y++) {
        for (let x = bx; x < bx + block; x++) {
          const i = y * width + x;
          bright += light[i]!;
          sum += Math.abs(
            4 * light[i]! - 2 * (light[i - 1]! + light[i + 1]! + light[i - width]! + light[i + width]!) +
              light[i - width - 1]! + light[i - width + 1]! + light[i + width - 1]! + light[i + width + 1]!,
          );
        }
      }
      // Clipped blocks hold no noise at all and would say there is none.
      const mean = bright / (block * block);
      if (mean > 12 && mean < 243) levels.push((Math.sqrt(Math.PI / 2) * sum) / (6 * block * block));
    }
  }
  return clamp(percentile(levels, 0.2), 0, 12);
}
