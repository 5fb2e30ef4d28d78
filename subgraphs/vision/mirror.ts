import { pushPull } from './inpaint.ts';
import type { Gap } from './patches.ts';
import { smoothstep } from './raster.ts';
import type { Plane, Raster } from './raster.ts';

/** Rows of a copy are a multiple of this, so that the copies stay one below the other however often they are halved. */
const STEP = 16;

/** Where a pixel of the mirrored picture comes from; outside of the picture where there is none. */
const mirroredX = (x: number, axis: number): number => Math.round(2 * axis - x);

/**
 * Puts the picture, mirrored at a vertical line, below the picture: clothes and shoulders of one side are what is likely behind the hair of
 * the other. Nothing is missing in the copy. `axis` in px; `copyHeight` rows further down begins the copy.
 */
export function withMirror({ image, missing, usable, ignored, guide }: Omit<Gap, 'copyHeight'>, axis: number): Gap {
  const { width, height } = image;
  const copyHeight = Math.ceil(height / STEP) * STEP;
  const below = copyHeight * width;
  const out = {
    image: { width, height: copyHeight * 2, rgb: new Uint8ClampedArray(below * 6) }, missing: new Uint8Array(below * 2), usable: new Uint8Array(below * 2),
    ignored: new Uint8Array(below * 2).fill(1), guide: new Float32Array(below * 2), copyHeight,
  };
  out.image.rgb.set(image.rgb);
  out.missing.set(missing);
  out.usable.set(usable);
  out.ignored.set(ignored);
  out.guide.set(guide);
  for (let i = 0; i < usable.length; i++) {
    const x = mirroredX(i % width, axis);
    if (x < 0 || x >= width) continue;
    const from = i - (i % width) + x;
    out.usable[below + i] = usable[from]!;
    out.guide[below + i] = guide[from]!;
    for (let c = 0; c < 3; c++) out.image.rgb[(below + i) * 3 + c] = image.rgb[from * 3 + c]!;
  }
  return out;
}

/**
 * What patches begin with, 0..255: on the body what the other side shows there, else body and background each carried on smoothly. `gap` as
 * `withMirror` returns it.
 */
export function likelyStart({ image: { width, rgb }, usable: all, guide: both, copyHeight }: Gap, axis: number): Float32Array {
  const out = Float32Array.from(rgb);
  const [usable, guide] = [all.subarray(0, copyHeight * width), both.subarray(0, copyHeight * width)];
  const mirrored = mirroredBody(width, usable, guide, axis);
  const body = guide.map((value, i) => (usable[i] ? smoothstep(0.7, 1, value) : mirrored[i]! * 0.5));
  const back = guide.map((value, i) => usable[i]! * smoothstep(0.3, 0, value));
  for (let c = 0; c < 3; c++) {
    const channel = guide.map((_, i) => rgb[(mirrored[i] && !usable[i] ? copyHeight * width + i : i) * 3 + c]!);
    const [near, behind] = [pushPull(channel, body, width, copyHeight), pushPull(channel, back, width, copyHeight)];
    for (let i = 0; i < channel.length; i++) out[i * 3 + c] = usable[i] ? channel[i]! : near[i]! * guide[i]! + behind[i]! * (1 - guide[i]!);
  }
  return out;
}

/** 1 where this is body, and so is what the other side shows there. */
function mirroredBody(width: number, usable: Uint8Array, guide: Plane, axis: number): Plane {
  return guide.map((value, i) => {
    const x = mirroredX(i % width, axis);
    if (x < 0 || x >= width) return 0;
    const from = i - (i % width) + x;
    return usable[from] && guide[from]! > 0.7 && value > 0.7 ? 1 : 0;
  });
}

/** What it counts against an axis when body meets what is no body, as a step of color. */
const UNLIKE = 160;
/** A step of color above this counts no more: folds and shadows differ from side to side. */
const STEP_MOST = 90;
/** What a pixel away from where a body's middle is supposed costs, so that it decides where nothing else does. */
const DRIFT = 1.2;

/** The vertical line at which the body is most like its mirror image, no more than `reach` px from where its middle is `supposed`. */
export function bodyAxis({ width, height, rgb }: Raster, usable: Uint8Array, guide: Plane, supposed: number, reach: number): number {
  let [best, least] = [supposed, Infinity];
  const top = Math.max(0, guide.findIndex((value) => value > 0.7));
  for (let axis = supposed - reach; axis <= supposed + reach; axis += 0.5) {
    let [sum, count] = [0, 0];
    for (let y = Math.floor(top / width); y < height; y += 2) {
      for (let x = Math.ceil(axis); x < width; x++) {
        const [i, from] = [y * width + x, y * width + mirroredX(x, axis)];
        if (mirroredX(x, axis) < 0 || !usable[i] || !usable[from] || Math.max(guide[i]!, guide[from]!) < 0.7) continue;
        count++;
        if (Math.min(guide[i]!, guide[from]!) < 0.3) sum += UNLIKE;
        else sum += Math.min(STEP_MOST, (Math.abs(rgb[i * 3]! - rgb[from * 3]!) + Math.abs(rgb[i * 3 + 1]! - rgb[from * 3 + 1]!) + Math.abs(rgb[i * 3 + 2]! - rgb[from * 3 + 2]!)) / 3);
      }
    }
    const cost = sum / Math.max(1, count) + DRIFT * Math.abs(axis - supposed) + 4000 / (count + 40);
    if (cost < least) [best, least] = [axis, cost];
  }
  return best;
}
