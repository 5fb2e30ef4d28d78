import type { Primaries } from './heic.ts';
import type { Raster } from './raster.ts';

export type Lab = [l: number, a: number, b: number];

const LINEAR = Float32Array.from({ length: 256 }, (_, i) => {
  const v = i / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

/** Linear light 0..1 of an sRGB byte. */
export function toLinear(byte: number): number {
  return LINEAR[byte < 0 ? 0 : byte > 255 ? 255 : Math.round(byte)]!;
}

/** sRGB value 0..255 (not rounded) of linear light. */
export function fromLinear(light: number): number {
  if (light <= 0.0031308) return Math.max(0, light) * 12.92 * 255;
  return Math.min(255, (1.055 * light ** (1 / 2.4) - 0.055) * 255);
}

/** Rows of the matrix from XYZ (D50) to linear sRGB. */
const XYZ_TO_SRGB = [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.033454], [0.0719453, -0.2289914, 1.4052427]] as const;
const BYTE_STEPS = 8192;
let bytesOfLight: Uint8ClampedArray | null = null;

/** The same picture in sRGB; what sRGB cannot show is clipped. The curve is taken for sRGB's, which Display P3 shares and others come close to. */
export function toSrgb({ width, height, rgb }: Raster, primaries: Primaries): Raster {
  const rows = XYZ_TO_SRGB.map((row) => primaries.map((xyz) => row[0] * xyz[0] + row[1] * xyz[1] + row[2] * xyz[2]));
  bytesOfLight ??= Uint8ClampedArray.from({ length: BYTE_STEPS + 1 }, (_, i) => fromLinear(i / BYTE_STEPS));
  const table = bytesOfLight;
  const out = new Uint8ClampedArray(rgb.length);
  for (let p = 0; p < rgb.length; p += 3) {
    const [r, g, b] = [LINEAR[rgb[p]!]!, LINEAR[rgb[p + 1]!]!, LINEAR[rgb[p + 2]!]!];
    for (let c = 0; c < 3; c++) {
      const row = rows[c]!;
      const light = row[0]! * r + row[1]! * g + row[2]! * b;
      out[p + c] = table[light <= 0 ? 0 : light >= 1 ? BYTE_STEPS : Math.round(light * BYTE_STEPS)]!;
    }
  }
  return { width, height, rgb: out };
}

const CUBE_STEPS = 4096;
const CUBE = Float32Array.from({ length: CUBE_STEPS + 2 }, (_, i) => {
  const t = i / CUBE_STEPS;
  return t > 216 / 24389 ? Math.cbrt(t) : (t * (24389 / 27) + 16) / 116;
});

function labCurve(t: number): number {
  return CUBE[Math.min(CUBE_STEPS + 1, Math.round(t * CUBE_STEPS))]!;
}

/** CIELAB (D65) of an sRGB color given in 0..255. */
export function rgbToLab(r: number, g: number, b: number): Lab {
  const lr = toLinear(r);
  const lg = toLinear(g);
  const lb = toLinear(b);
  const x = labCurve((0.4124564 * lr + 0.3575761 * lg + 0.1804375 * lb) / 0.95047);
  const y = labCurve(0.2126729 * lr + 0.7151522 * lg + 0.072175 * lb);
  const z = labCurve((0.0193339 * lr + 0.119192 * lg + 0.9503041 * lb) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** sRGB 0..255 (not rounded, clipped to the gamut) of a CIELAB (D65) color. */
export function labToRgb([l, a, b]: Lab): [number, number, number] {
  const fy = (l + 16) / 116;
  const inverse = (f: number): number => (f > 6 / 29 ? f ** 3 : (116 * f - 16) / (24389 / 27));
  const x = 0.95047 * inverse(fy + a / 500);
  const y = inverse(fy);
  const z = 1.08883 * inverse(fy - b / 200);
  return [
    fromLinear(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
    fromLinear(-0.969266 * x + 1.8760108 * y + 0.041556 * z),
    fromLinear(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
  ];
}

export const chromaOf = ([, a, b]: Lab): number => Math.hypot(a, b);
/** -180 to 180 degrees: 0 is red, 90 yellow. */
export const hueOf = ([, a, b]: Lab): number => (Math.atan2(b, a) * 180) / Math.PI;

/** The three CIELAB planes of a picture. */
export function labPlanes({ width, height, rgb }: Raster): [Float32Array, Float32Array, Float32Array] {
  const count = width * height;
  const planes: [Float32Array, Float32Array, Float32Array] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  for (let i = 0, p = 0; i < count; i++, p += 3) {
    const lab = rgbToLab(rgb[p]!, rgb[p + 1]!, rgb[p + 2]!);
    planes[0][i] = lab[0];
    planes[1][i] = lab[1];
    planes[2][i] = lab[2];
  }
  return planes;
}

/** Component-wise median of the pixels where `weight` passes `floor`; `null` when fewer than `least` do. */
export function medianLab(image: Raster, weight: Float32Array, floor: number, least = 50): Lab | null {
  const chosen: number[] = [];
  for (let i = 0; i < weight.length; i++) if (weight[i]! > floor) chosen.push(i);
  if (chosen.length < least) return null;
  // Twenty thousand pixels give the median to a fraction of a unit.
  const stride = Math.max(1, Math.floor(chosen.length / 20_000));
  const channels: [number[], number[], number[]] = [[], [], []];
  for (let k = 0; k < chosen.length; k += stride) {
    const p = chosen[k]! * 3;
    const lab = rgbToLab(image.rgb[p]!, image.rgb[p + 1]!, image.rgb[p + 2]!);
    for (let c = 0; c < 3; c++) channels[c]!.push(lab[c]!);
  }
  return [median(channels[0]), median(channels[1]), median(channels[2])];
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Value below which `share` (0..1) of the values lie; 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = new Float32Array(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
