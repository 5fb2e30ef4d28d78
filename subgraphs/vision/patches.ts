import { randomFrom } from './strands/numbers.ts';
import type { Plane, Raster } from './raster.ts';

/** What is filled and what it may be filled from. */
export type Gap = {
  image: Raster;
  /** 1 where the picture is unknown and wanted. */
  missing: Uint8Array;
  /** 1 where pixels may be taken from; never missing ones. */
  usable: Uint8Array;
  /** 1 where pixels are neither wanted nor looked at. */
  ignored: Uint8Array;
  /** What each pixel belongs to, 0..1; a gap is filled from places where it is alike. */
  guide: Plane;
  /** Rows of one picture, where copies of it to be taken from stand one below the other; each is as near as the picture itself. */
  copyHeight: number;
};

/** For every pixel near the gap the pixel whose surroundings replace its own, else -1; `rgb` is the filled picture. */
export type Filling = { source: Int32Array; rgb: Float32Array; copyHeight: number };

const RADIUS = 2;
/** Weight of the guide against a color step of 255. */
const GUIDE = 120;
const COARSEST_PX = 56;
/** What it costs to take from afar, for the picture's whole width and height: scenes change from top to bottom more than across. */
const AFAR = [1200, 6000] as const;
const ROUNDS = 3;

type Level = { width: number; height: number; rgb: Float32Array; missing: Uint8Array; usable: Uint8Array; ignored: Uint8Array; guide: Plane; copyHeight: number };

/**
 * Fills a gap with patches of the rest of the picture, from coarse to fine (Wexler, Shechtman, Irani: Space-Time Completion; Barnes et
 * al.: PatchMatch). The same picture is always filled the same way. Without a usable place the gap stays as it is.
 */
export function fillGap(gap: Gap, start: Float32Array): Filling {
  const levels = [bottom(gap, start)];
  while (Math.min(levels.at(-1)!.width, levels.at(-1)!.copyHeight) >= COARSEST_PX * 2) levels.push(halved(levels.at(-1)!));
  const random = randomFrom(11);
  let source: Int32Array = new Int32Array(0);
  for (let i = levels.length - 1; i >= 0; i--) {
    const level = levels[i]!;
    const centers = centersOf(level);
    if (centers.length === 0) {
      source = new Int32Array(level.missing.length).fill(-1);
      continue;
    }
    const wanted = nearGap(level);
    source = source.length === 0 ? scattered(level, wanted, centers, random) : doubled(source, levels[i + 1]!, level, wanted, centers, random);
    if (i < levels.length - 1) vote(level, source, wanted);
    for (let round = 0; round < ROUNDS; round++) {
      search(level, source, wanted, centers, random);
      vote(level, source, wanted);
    }
  }
  return { source, rgb: levels[0]!.rgb, copyHeight: gap.copyHeight };
}

function bottom({ image: { width, height }, missing, usable, ignored, guide, copyHeight }: Gap, start: Float32Array): Level {
  return { width, height, rgb: start.slice(), missing, usable, ignored, guide, copyHeight };
}

function halved({ width, height, rgb, missing, usable, ignored, guide, copyHeight }: Level): Level {
  const [w, h] = [width >> 1, height >> 1];
  const count = w * h;
  const out: Level = {
    width: w, height: h, rgb: new Float32Array(count * 3), missing: new Uint8Array(count), usable: new Uint8Array(count), ignored: new Uint8Array(count),
    guide: new Float32Array(count), copyHeight: copyHeight >> 1,
  };
  for (let y = 0, o = 0; y < h; y++) {
    for (let x = 0; x < w; x++, o++) {
      const corners = [y * 2 * width + x * 2, y * 2 * width + x * 2 + 1, (y * 2 + 1) * width + x * 2, (y * 2 + 1) * width + x * 2 + 1];
      let good = 0;
      for (const i of corners) {
        good += usable[i]!;
        if (missing[i]) out.missing[o] = 1;
        if (ignored[i]) out.ignored[o] = 1;
        out.guide[o]! += guide[i]! / 4;
        for (let c = 0; c < 3; c++) out.rgb[o * 3 + c]! += rgb[i * 3 + c]! / 4;
      }
      if (good >= 3) out.usable[o] = 1;
      if (out.missing[o]) out.ignored[o] = 0;
    }
  }
  return out;
}

/** Pixels whose whole patch is usable. */
function centersOf({ width, height, usable }: Level): Int32Array {
  const fits = (x: number, y: number): boolean => {
    for (let j = -RADIUS; j <= RADIUS; j++) for (let i = -RADIUS; i <= RADIUS; i++) if (!usable[(y + j) * width + x + i]) return false;
    return true;
  };
  const centers: number[] = [];
  for (let y = RADIUS; y < height - RADIUS; y++) for (let x = RADIUS; x < width - RADIUS; x++) if (fits(x, y)) centers.push(y * width + x);
  return Int32Array.from(centers);
}

/** Pixels whose patch holds a missing one. */
function nearGap({ width, height, missing }: Level): Int32Array {
  const near = new Uint8Array(missing.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!missing[y * width + x]) continue;
      for (let j = Math.max(0, y - RADIUS); j <= Math.min(height - 1, y + RADIUS); j++) {
        near.fill(1, j * width + Math.max(0, x - RADIUS), j * width + Math.min(width - 1, x + RADIUS) + 1);
      }
    }
  }
  const wanted: number[] = [];
  for (let i = 0; i < near.length; i++) if (near[i]) wanted.push(i);
  return Int32Array.from(wanted);
}

function scattered({ missing }: Level, wanted: Int32Array, centers: Int32Array, random: () => number): Int32Array {
  const source = new Int32Array(missing.length).fill(-1);
  for (const i of wanted) source[i] = centers[Math.floor(random() * centers.length)]!;
  return source;
}

function doubled(coarse: Int32Array, from: Level, to: Level, wanted: Int32Array, centers: Int32Array, random: () => number): Int32Array {
  const good = new Uint8Array(to.missing.length);
  for (const center of centers) good[center] = 1;
  const source = new Int32Array(to.missing.length).fill(-1);
  for (const i of wanted) {
    const [x, y] = [i % to.width, Math.floor(i / to.width)];
    const at = coarse[Math.min(from.height - 1, y >> 1) * from.width + Math.min(from.width - 1, x >> 1)]!;
    const candidate = at < 0 ? -1 : (Math.floor(at / from.width) * 2 + (y & 1)) * to.width + (at % from.width) * 2 + (x & 1);
    source[i] = candidate >= 0 && good[candidate] ? candidate : centers[Math.floor(random() * centers.length)]!;
  }
  return source;
}

/** One pass of PatchMatch: good neighbours are tried one step on, then ever nearer random places. */
function search(level: Level, source: Int32Array, wanted: Int32Array, centers: Int32Array, random: () => number): void {
  const { width, height } = level;
  const good = new Uint8Array(level.missing.length);
  for (const center of centers) good[center] = 1;
  const reach = Math.max(width, height);
  for (const forward of [true, false]) {
    const step = forward ? 1 : -1;
    for (let k = 0; k < wanted.length; k++) {
      const i = wanted[forward ? k : wanted.length - 1 - k]!;
      const x = i % width;
      let best = source[i]!;
      let least = distance(level, i, best, Infinity);
      const attempt = (at: number): void => {
        if (at < 0 || at >= good.length || !good[at] || at === best) return;
        const d = distance(level, i, at, least);
        if (d < least) [least, best] = [d, at];
      };
      if (x - step >= 0 && x - step < width && source[i - step]! >= 0) attempt(source[i - step]! + step);
      const above = i - step * width;
      if (above >= 0 && above < source.length && source[above]! >= 0) attempt(source[above]! + step * width);
      attempt(centers[Math.floor(random() * centers.length)]!);
      for (let radius = reach / 3; radius >= 1; radius /= 2.5) {
        const bx = best % width + Math.round((random() * 2 - 1) * radius);
        const by = Math.floor(best / width) + Math.round((random() * 2 - 1) * radius);
        if (bx >= 0 && bx < width && by >= 0 && by < height) attempt(by * width + bx);
      }
      source[i] = best;
    }
  }
}

/** Mean squared difference of two patches and what their distance costs; gives up once it exceeds `limit`. */
function distance({ width, height, copyHeight, rgb, ignored, guide }: Level, to: number, from: number, limit: number): number {
  const [x, y] = [to % width, (to / width) | 0];
  const across = (x - (from % width)) / width;
  const down = (y - (((from / width) | 0) % copyHeight)) / copyHeight;
  const afar = AFAR[0] * across * across + AFAR[1] * down * down;
  let [sum, count] = [0, 0];
  const most = (limit - afar) * (2 * RADIUS + 1) ** 2;
  for (let j = -RADIUS; j <= RADIUS; j++) {
    if (y + j < 0 || y + j >= height) continue;
    for (let i = -RADIUS; i <= RADIUS; i++) {
      if (x + i < 0 || x + i >= width) continue;
      const a = to + j * width + i;
      if (ignored[a]) continue;
      const b = from + j * width + i;
      const r = rgb[a * 3]! - rgb[b * 3]!;
      const g = rgb[a * 3 + 1]! - rgb[b * 3 + 1]!;
      const u = rgb[a * 3 + 2]! - rgb[b * 3 + 2]!;
      const s = (guide[a]! - guide[b]!) * GUIDE;
      sum += r * r + g * g + u * u + s * s;
      count++;
    }
    if (sum > most) return Infinity;
  }
  return count === 0 ? Infinity : sum / count + afar;
}

/** Each missing pixel becomes the mean of what the patches over it say, the better ones counting more. */
function vote(level: Level, source: Int32Array, wanted: Int32Array): void {
  const { width, height, rgb, missing } = level;
  const sums = new Float32Array(missing.length * 4);
  for (const i of wanted) {
    const from = source[i]!;
    const weight = 1 / (30 + Math.min(1e5, distance(level, i, from, Infinity)));
    const [x, y] = [i % width, (i / width) | 0];
    for (let j = -RADIUS; j <= RADIUS; j++) {
      if (y + j < 0 || y + j >= height) continue;
      for (let k = -RADIUS; k <= RADIUS; k++) {
        const a = i + j * width + k;
        if (x + k < 0 || x + k >= width || !missing[a]) continue;
        const b = (from + j * width + k) * 3;
        sums[a * 4]! += rgb[b]! * weight;
        sums[a * 4 + 1]! += rgb[b + 1]! * weight;
        sums[a * 4 + 2]! += rgb[b + 2]! * weight;
        sums[a * 4 + 3]! += weight;
      }
    }
  }
  for (let a = 0; a < missing.length; a++) {
    if (!missing[a] || sums[a * 4 + 3] === 0) continue;
    for (let c = 0; c < 3; c++) rgb[a * 3 + c] = sums[a * 4 + c]! / sums[a * 4 + 3]!;
  }
}
