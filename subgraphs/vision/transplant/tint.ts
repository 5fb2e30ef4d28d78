import { labToRgb, percentile, rgbToLab, toLinear } from '../color.ts';
import type { Lab } from '../color.ts';
import type { HairColorTarget, PreparedPhoto } from '../engine.ts';
import { clamp } from '../raster.ts';
import type { Laid } from './lay.ts';

/** How hair of one color is shown in another: linear light of a channel becomes `want` * (value / own) ^ contrast. */
export type Tint = { own: number[]; want: number[]; contrast: number; hue: number };

/** Light that the darkest strand still gives back. */
const FLOOR = 0.0025;

/** How far hair of this lightness strays from its median, as a logarithm: shine stands out of dark hair, and light hair is even. */
const usualSpread = (lightness: number): number => 1.05 - 0.006 * clamp(lightness, 0, 85);

/** `spread`: how far the piece strays from its median, the same way. */
export function tintTo(lab: Lab, spread: number, photo: PreparedPhoto, color: HairColorTarget | null): Tint {
  const linear = (bytes: readonly number[]): number[] => bytes.map((value) => Math.max(0.0015, toLinear(value)));
  const wantBytes = color ? hexBytes(color.hex) : labToRgb(photo.hairLab ?? lab);
  const wantLab = rgbToLab(wantBytes[0]!, wantBytes[1]!, wantBytes[2]!);
  const contrast = clamp(usualSpread(wantLab[0]) / Math.max(0.15, spread), 0.7, 1.3);
  return { own: linear(labToRgb(lab)), want: linear(wantBytes), contrast, hue: 0.3 };
}

function hexBytes(hex: string): number[] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

const brightness = (r: number, g: number, b: number): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** How far the piece strays from its median: half of what lies between its darker and its brighter sixth, as a logarithm. */
export function spreadOf({ light, alpha }: Laid, lab: Lab): number {
  const [r, g, b] = labToRgb(lab).map(toLinear);
  const own = brightness(r!, g!, b!) + FLOOR;
  const strays: number[] = [];
  for (let i = 0; i < alpha.length; i += 7) if (alpha[i]! > 0.9) strays.push(Math.log((brightness(light[i * 3]!, light[i * 3 + 1]!, light[i * 3 + 2]!) + FLOOR) / own));
  return strays.length < 50 ? 0.7 : (percentile(strays, 0.84) - percentile(strays, 0.16)) / 2;
}

/** Keeps the brightest shine below what would be a stain: 1 stays 1, ten times becomes 3.3. */
const compressed = (ratio: number): number => (ratio <= 1.3 ? ratio : 1.3 + 2.6 * (1 - Math.exp(-(ratio - 1.3) / 2.6)));

/** Linear light of a piece's pixel in the wanted color, into `out`. `shade` is how much lighter the light here is than it was. */
export function tinted({ own, want, contrast, hue }: Tint, rgb: ArrayLike<number>, shade: number, out: Float32Array): void {
  const ownY = brightness(own[0]!, own[1]!, own[2]!);
  const y = brightness(rgb[0]!, rgb[1]!, rgb[2]!);
  const ratio = (y + FLOOR) / (ownY + FLOOR);
  const lift = shade * compressed(ratio ** contrast);
  // What shines has the color of the light, not of the hair.
  const gloss = clamp((lift - 1.6) / 4, 0, 0.5);
  const wantY = brightness(want[0]!, want[1]!, want[2]!);
  for (let c = 0; c < 3; c++) {
    const strand = ((rgb[c]! + FLOOR) / (own[c]! + FLOOR) / ratio) ** hue;
    const deep = lift < 1 ? want[c]! * (want[c]! / wantY) ** (0.35 * (1 - lift)) : want[c]!;
    out[c] = (deep * (1 - gloss) + wantY * gloss) * lift * clamp(strand, 0.8, 1.25);
  }
}
