import { fromLinear, toLinear } from '../color.ts';
import type { PreparedPhoto } from '../engine.ts';
import type { HairLayer } from './draw.ts';
import type { Head } from './head.ts';
import { clamp, hashed, mix } from './numbers.ts';
import { blurred } from './blur.ts';
import type { Occlusion } from './occlusion.ts';
import { painter, type Pigment } from './pigment.ts';

const gammaSteps = 8192;
const shown = Float32Array.from({ length: gammaSteps + 1 }, (_, i) => fromLinear(i / gammaSteps));
const linear = Float32Array.from({ length: 256 }, (_, i) => toLinear(i));

/** Every other pixel each way. */
function halved(plane: Float32Array, width: number, height: number): Float32Array {
  const w = width >> 1, h = height >> 1, out = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) for (let x = 0; x < w; x += 1) out[y * w + x] = plane[y * 2 * width + x * 2]!;
  return out;
}

/** The darkness the hair throws on skin and clothes beside it, 0..1. */
function contactShadow(photo: PreparedPhoto, head: Head, layer: HairLayer, occlusion: Occlusion): (x: number, y: number) => number {
  const { width, height } = photo, w = width >> 1, h = height >> 1;
  // Hair that lies on the scalp it grows from throws no shadow; what hangs over skin does.
  const half = halved(layer.alpha.map((value, i) => value * (1 - 0.9 * occlusion.scalp[i]!)), width, height);
  const near = blurred(half, w, h, Math.max(0.7, head.pxPerCm * 0.14)), wide = blurred(half, w, h, head.pxPerCm * 0.48);
  const down = head.pxPerCm * 0.3, aside = -photo.light.direction[0] * head.pxPerCm * 0.35;
  return (x, y) => {
    const i = y * width + x;
    const skin = occlusion.depth[i]! > -Infinity ? 1 : photo.person[i]! * (1 - photo.hair[i]!) * 0.6;
    if (skin < 0.01) return 0;
    const from = clamp((y - down) >> 1, 0, h - 1) * w + clamp((x - aside) >> 1, 0, w - 1);
    return skin * Math.min(0.6, 0.36 * near[from]! + 0.3 * wide[from]!);
  };
}

/** Softens the layer as the photo's lens did. */
function soften(layer: HairLayer, sharpness: number): void {
  const sigma = mix(0.95, 0.38, clamp(sharpness, 0, 1));
  for (const plane of ['diffuse', 'glint', 'alpha'] as const) layer[plane] = blur3(layer[plane], layer.width, sigma);
}

/** A three-pixel Gaussian: wider blurs would take the strands away. */
function blur3(plane: Float32Array, width: number, sigma: number): Float32Array {
  const side = Math.exp(-1 / (2 * sigma * sigma)), total = 1 + 2 * side;
  const a = 1 / total, b = side / total, last = plane.length - 1;
  const across = new Float32Array(plane.length), out = new Float32Array(plane.length);
  for (let i = 1; i < last; i += 1) across[i] = plane[i]! * a + (plane[i - 1]! + plane[i + 1]!) * b;
  for (let i = 0; i <= last; i += 1) {
    const above = i < width ? across[i]! : across[i - width]!, below = i + width > last ? across[i]! : across[i + width]!;
    out[i] = across[i]! * a + (above + below) * b;
  }
  return out;
}

/** Noise of the photo's strength, the same for the same seed. */
const grainAt = (i: number, seed: number): number => (hashed(i, seed, 1) + hashed(i, seed, 2) + hashed(i, seed, 3) - 1.5) * 2;

/** Puts hair and its shadow over the plate; where `protect` is 1 the plate's bytes stay. */
export function compose(photo: PreparedPhoto, head: Head, layer: HairLayer, occlusion: Occlusion, protect: Float32Array, pigment: Pigment, seed: number): Uint8ClampedArray {
  soften(layer, photo.sharpness);
  const out = Uint8ClampedArray.from(photo.plate);
  const shadow = contactShadow(photo, head, layer, occlusion);
  const hair = new Float32Array(3), paint = painter(pigment);
  for (let i = 0; i < layer.alpha.length; i += 1) {
    const free = 1 - protect[i]!;
    const raw = layer.alpha[i]!, dark = shadow(i % photo.width, (i / photo.width) | 0) * free;
    if (free === 0 || (raw < 0.004 && dark < 0.004)) continue;
    const alpha = raw * free;
    if (raw > 0.004) paint(layer.diffuse[i]! / raw, layer.glint[i]! / raw, hair);
    const grain = photo.grain * alpha * grainAt(i, seed);
    for (let c = 0; c < 3; c += 1) {
      const under = linear[photo.plate[i * 3 + c]!]! * (1 - dark * (c === 0 ? 0.86 : 1));
      out[i * 3 + c] = shown[Math.min(gammaSteps, (under * (1 - alpha) + Math.min(1, hair[c]!) * alpha) * gammaSteps + 0.5) | 0]! + grain;
    }
  }
  return out;
}
