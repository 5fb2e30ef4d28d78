import { fromLinear, percentile, toLinear } from './color.ts';
import type { Cranium } from './cranium.ts';
import { pushPull } from './inpaint.ts';
import { boxBlur, clamp } from './raster.ts';
import type { Plane, Raster } from './raster.ts';
import type { Shading } from './skin.ts';

/**
 * Skin as it would look everywhere: the seen skin's own color carried on, in the face's light on the skull's normals. sRGB 0..255; `known`
 * says how surely a pixel shows bare skin.
 */
export function skinEverywhere(image: Raster, known: Plane, shading: Shading, { inside, normals }: Cranium): [Plane, Plane, Plane] {
  const { width, height, rgb } = image;
  const even = (plane: Plane): Plane => boxBlur(boxBlur(plane, width, height, 2), width, height, 2);
  // The skull ends behind the jaw: without this its rim would be a line across the cheek.
  const light = even(shadeOf(image, known, shading, inside, normals));
  const weight = even(known);
  // What is seen must lie under the window's whole width, else hair at its rim would color the skin.
  const sure = weight.map((value, i) => (known[i]! > 0.5 ? value : 0));
  const one = (c: number): Plane => {
    const own = known.map((value, i) => (value > 0 ? value * Math.log(Math.max(0.002, toLinear(rgb[i * 3 + c]!)) / light[i]!) : 0));
    const mean = even(own).map((value, i) => (weight[i]! > 0 ? value / weight[i]! : 0));
    const everywhere = pushPull(mean, sure, width, height);
    return light.map((value, i) => fromLinear(value * Math.exp(everywhere[i]!)));
  };
  return [one(0), one(1), one(2)];
}

/** Brightness of the skull in the face's light, held within what skin of this face spans; one number for all channels keeps its hue. */
function shadeOf({ rgb }: Raster, known: Plane, { red, green, blue }: Shading, inside: Plane, [nx, ny, nz]: readonly [Plane, Plane, Plane]): Plane {
  const seen: number[] = [];
  for (let i = 0; i < known.length; i += 2) if (known[i]! > 0.5) seen.push(brightness(toLinear(rgb[i * 3]!), toLinear(rgb[i * 3 + 1]!), toLinear(rgb[i * 3 + 2]!)));
  const [low, high] = seen.length < 20 ? [0.02, 0.9] : [percentile(seen, 0.15), percentile(seen, 0.85)];
  const [c0, cx, cy, cz] = [0, 1, 2, 3].map((k) => brightness(red[k]!, green[k]!, blue[k]!));
  const front = clamp(c0! + cz! * 0.9, low, high);
  return known.map((_, i) => (inside[i]! > 0 ? clamp(c0! + cx! * nx[i]! + cy! * ny[i]! + cz! * Math.max(0.25, nz[i]!), low * 0.8, high) : front));
}

function brightness(r: number, g: number, b: number): number {
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
