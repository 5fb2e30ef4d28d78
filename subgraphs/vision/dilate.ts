import { clamp } from './raster.ts';
import type { Plane } from './raster.ts';

/** Makes every pixel the greatest (`grow` > 0) or least (`grow` < 0) value within |grow| px along both axes. */
export function dilate(plane: Plane, width: number, height: number, grow: number): Plane {
  const radius = Math.round(Math.abs(grow));
  if (radius === 0) return plane.slice();
  if (grow < 0) return negated(dilate(negated(plane), width, height, -grow));
  const rows = widen(plane, width, height, radius, 1);
  return widen(rows, width, height, radius, width);
}

function negated(plane: Plane): Plane {
  const out = new Float32Array(plane.length);
  for (let i = 0; i < out.length; i++) out[i] = -plane[i]!;
  return out;
}

/** Greatest value within `radius` along one axis (`step` 1 or the width), by windows that double. */
function widen(plane: Plane, width: number, height: number, radius: number, step: number): Plane {
  const span = Math.min(2 * radius + 1, step === 1 ? width : height);
  let reach = 1;
  let best = plane;
  for (; reach * 2 <= span; reach *= 2) best = greaterOfShifted(best, width, height, 0, reach, step);
  const out = greaterOfShifted(best, width, height, -radius, radius - reach + 1, step);
  mendStart(out, plane, width, height, radius, step);
  return out;
}

/** Before the first whole window the doubled ones reach too far: there the greatest value so far is right. */
function mendStart(out: Plane, plane: Plane, width: number, height: number, radius: number, step: number): void {
  const [count, lines, stride] = step === 1 ? [width, height, width] : [height, width, 1];
  for (let line = 0; line < lines; line++) {
    let best = -Infinity;
    for (let i = 0; i < Math.min(count, 2 * radius); i++) {
      best = Math.max(best, plane[line * stride + i * step]!);
      if (i >= radius) out[line * stride + (i - radius) * step] = best;
    }
    for (let i = Math.max(0, count - radius); i < Math.min(count, radius); i++) out[line * stride + i * step] = best;
  }
}

/** For each pixel the greater of two others, a shift before and a shift after it; beyond the border the last pixel counts. */
function greaterOfShifted(plane: Plane, width: number, height: number, before: number, after: number, step: number): Plane {
  const out = new Float32Array(plane.length);
  const across = step === 1;
  for (let y = 0; y < height; y++) {
    const rowA = (across ? y : clamp(y + before, 0, height - 1)) * width;
    const rowB = (across ? y : clamp(y + after, 0, height - 1)) * width;
    const o = y * width;
    for (let x = 0; x < width; x++) {
      const a = across ? Math.max(0, x + before) : x;
      const b = across ? Math.min(width - 1, Math.max(0, x + after)) : x;
      const left = plane[rowA + a]!;
      const right = plane[rowB + b]!;
      out[o + x] = left > right ? left : right;
    }
  }
  return out;
}
