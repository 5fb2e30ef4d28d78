import type { HairColorTarget, PreparedPhoto } from '../engine.ts';
import { labToRgb, rgbToLab, toLinear, type Lab } from '../color.ts';
import type { HairLayer } from './draw.ts';
import { clamp, type Vector } from './numbers.ts';

/** How a hair layer becomes color: `shown` is what the lit hair looks like on average. */
export type Pigment = {
  /** Linear color of the hair body under unit light. */
  body: Vector;
  /** Linear color of the highlights. */
  glint: Vector;
  /** Light that counts as 1. */
  exposure: number;
};

const darkBrown: Lab = [19, 5, 7];

function bytesOf(photo: PreparedPhoto, color: HairColorTarget | null): [number, number, number] {
  if (color === null) return labToRgb(photo.hairLab ?? darkBrown);
  const value = Number.parseInt(color.hex.slice(1), 16);
  return [value >> 16 & 255, value >> 8 & 255, value & 255];
}

/** Places that show the hair itself: covered, neither in deep shadow nor in the brightest shine. */
function litPixels(layer: HairLayer): { pixels: number[]; exposure: number } {
  const covered: number[] = [];
  for (let i = 0; i < layer.alpha.length; i += 1) if (layer.alpha[i]! > 0.8) covered.push(i);
  const stride = Math.max(1, Math.floor(covered.length / 5000));
  const sample = covered.filter((_, i) => i % stride === 0).sort((a, b) => layer.diffuse[a]! - layer.diffuse[b]!);
  const pixels = sample.slice(Math.floor(sample.length * 0.4), Math.ceil(sample.length * 0.95));
  const middle = pixels[Math.floor(pixels.length / 2)];
  return { pixels, exposure: middle === undefined ? 1 : 1 / Math.max(0.02, layer.diffuse[middle]! / layer.alpha[middle]!) };
}

const depthSteps = 512;

/** Body color by light (0 to 1.6): shadows deepen, and keep more of the hair's color than of its brightness. */
function bodyTable(body: Vector): Float32Array {
  const table = new Float32Array((depthSteps + 1) * 3);
  for (let i = 0; i <= depthSteps; i += 1) {
    const light = i / depthSteps * 1.6, depth = 1 + 0.3 * clamp(1 - light, -0.4, 0.9);
    for (const c of [0, 1, 2] as const) table[i * 3 + c] = Math.pow(body[c], depth) * Math.pow(light, 1.35);
  }
  return table;
}

/** Turns diffuse light and highlight of one place (opacity divided out) into linear color. */
export function painter(pigment: Pigment): (diffuse: number, glint: number, out: Float32Array) => void {
  const table = bodyTable(pigment.body);
  const [gr, gg, gb] = pigment.glint;
  return (diffuse, glint, out) => {
    const light = diffuse * pigment.exposure;
    const o = Math.min(depthSteps, Math.round(light / 1.6 * depthSteps)) * 3;
    out[0] = table[o]! + glint * gr;
    out[1] = table[o + 1]! + glint * gg;
    out[2] = table[o + 2]! + glint * gb;
  };
}

function meanOf(layer: HairLayer, pigment: Pigment, pixels: readonly number[]): Vector {
  const sum: Vector = [0, 0, 0], one = new Float32Array(3), paint = painter(pigment);
  for (const i of pixels) {
    paint(layer.diffuse[i]! / layer.alpha[i]!, layer.glint[i]! / layer.alpha[i]!, one);
    for (const c of [0, 1, 2] as const) sum[c] += Math.cbrt(Math.min(1, one[c]!));
  }
  return sum.map((value) => (value / Math.max(1, pixels.length)) ** 3) as Vector;
}

/** Finds the pigment under which the lit part of the layer shows the wanted color; null keeps the photo's hair color. */
export function findPigment(layer: HairLayer, photo: PreparedPhoto, color: HairColorTarget | null): Pigment {
  const bytes = bytesOf(photo, color);
  const want = bytes.map((value) => Math.max(0.002, toLinear(value))) as Vector;
  const { pixels, exposure } = litPixels(layer);
  const lightness = rgbToLab(...bytes)[0] / 100;
  const shine = 0.3 + 0.3 * lightness;
  const pigment: Pigment = { body: [...want], exposure, glint: want.map((value) => shine * (0.35 * value + 0.65 * Math.sqrt(value) * 0.6) + 0.06) as Vector };
  for (let round = 0; round < 8 && pixels.length > 0; round += 1) {
    const seen = meanOf(layer, pigment, pixels);
    for (const c of [0, 1, 2] as const) pigment.body[c] = clamp(pigment.body[c] * Math.pow(want[c] / Math.max(1e-4, seen[c]), 0.9), 0.0003, 1.6);
  }
  return pigment;
}
