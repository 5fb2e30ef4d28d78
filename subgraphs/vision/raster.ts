/** An sRGB picture, three bytes a pixel, row by row from the top left. */
export type Raster = { width: number; height: number; rgb: Uint8ClampedArray };

/** One number per pixel, row by row from the top left. */
export type Plane = Float32Array;

/** Maps a point of the target to the source: x' = a*x + b*y + c, y' = d*x + e*y + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

/** 0 below `low`, 1 above `high`, smooth between; `low` may be the greater one. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

/** Rec. 709 luma of the gamma-coded values, 0..255. */
export function luma({ width, height, rgb }: Raster): Plane {
  const out = new Float32Array(width * height);
  for (let i = 0, p = 0; i < out.length; i++, p += 3) {
    out[i] = 0.2126 * rgb[p]! + 0.7152 * rgb[p + 1]! + 0.0722 * rgb[p + 2]!;
  }
  return out;
}

/** Averages 2 x 2 pixels; an odd last row or column is dropped. */
export function halve({ width, height, rgb }: Raster): Raster {
  const w = Math.max(1, width >> 1);
  const h = Math.max(1, height >> 1);
  const out = new Uint8ClampedArray(w * h * 3);
  const right = width > 1 ? 3 : 0;
  const below = height > 1 ? width * 3 : 0;
  for (let y = 0, o = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const p = (y * 2 * width + x * 2) * 3;
      for (let c = 0; c < 3; c++, o++) {
        out[o] = (rgb[p + c]! + rgb[p + right + c]! + rgb[p + below + c]! + rgb[p + right + below + c]!) / 4;
      }
    }
  }
  return { width: w, height: h, rgb: out };
}

/** Halved copies of a picture, the picture first, down to a longest side below 128 px. */
export function pyramid(image: Raster): Raster[] {
  const levels = [image];
  for (let last = image; Math.max(last.width, last.height) >= 256; levels.push(last)) last = halve(last);
  return levels;
}

/** Cuts a `width` x `height` window out of a pyramid: floats 0..255, bilinear, black outside. */
export function cut(levels: readonly Raster[], map: Affine, width: number, height: number): Float32Array {
  const scale = Math.hypot(map[0], map[3]);
  const index = clamp(Math.floor(Math.log2(Math.max(1, scale)) + 0.3), 0, levels.length - 1);
  const level = levels[index]!;
  const shrink = 1 / 2 ** index;
  const out = new Float32Array(width * height * 3);
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      const sx = (map[0] * (x + 0.5) + map[1] * (y + 0.5) + map[2]) * shrink - 0.5;
      const sy = (map[3] * (x + 0.5) + map[4] * (y + 0.5) + map[5]) * shrink - 0.5;
      bilinearRgb(level, sx, sy, out, o);
    }
  }
  return out;
}

function bilinearRgb({ width, height, rgb }: Raster, x: number, y: number, out: Float32Array, o: number): void {
  if (x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5) return;
  const x0 = clamp(Math.floor(x), 0, width - 1);
  const y0 = clamp(Math.floor(y), 0, height - 1);
  const fx = clamp(x - x0, 0, 1);
  const fy = clamp(y - y0, 0, 1);
  const right = x0 + 1 < width ? 3 : 0;
  const p = (y0 * width + x0) * 3;
  const q = y0 + 1 < height ? p + width * 3 : p;
  for (let c = 0; c < 3; c++) {
    const top = rgb[p + c]! * (1 - fx) + rgb[p + right + c]! * fx;
    const bottom = rgb[q + c]! * (1 - fx) + rgb[q + right + c]! * fx;
    out[o + c] = top * (1 - fy) + bottom * fy;
  }
}

/** Bilinear sample with coordinates in px (pixel centres at integers), edge pixels repeated. */
export function sample(plane: Plane, width: number, height: number, x: number, y: number): number {
  const cx = clamp(x, 0, width - 1);
  const cy = clamp(y, 0, height - 1);
  const x0 = Math.floor(cx);
  const y0 = Math.floor(cy);
  const fx = cx - x0;
  const fy = cy - y0;
  const right = x0 + 1 < width ? 1 : 0;
  const p = y0 * width + x0;
  const q = y0 + 1 < height ? p + width : p;
  const top = plane[p]! * (1 - fx) + plane[p + right]! * fx;
  const bottom = plane[q]! * (1 - fx) + plane[q + right]! * fx;
  return top * (1 - fy) + bottom * fy;
}

/** A smaller copy of a picture. */
export function shrink({ width, height, rgb }: Raster, toWidth: number, toHeight: number): Raster {
  const out = new Uint8ClampedArray(toWidth * toHeight * 3);
  const channel = new Float32Array(width * height);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < channel.length; i++) channel[i] = rgb[i * 3 + c]!;
    const small = resize(channel, width, height, toWidth, toHeight);
    for (let i = 0; i < small.length; i++) out[i * 3 + c] = small[i]! + 0.5;
  }
  return { width: toWidth, height: toHeight, rgb: out };
}

/** Resizes a plane: averages when shrinking by a whole factor or more, bilinear otherwise. */
export function resize(plane: Plane, width: number, height: number, toWidth: number, toHeight: number): Plane {
  const taps = clamp(Math.round(Math.max(width / toWidth, height / toHeight)), 1, 8);
  const columns = steps(width, toWidth, taps);
  const rows = steps(height, toHeight, taps);
  const out = new Float32Array(toWidth * toHeight);
  const across = new Float32Array(toWidth * height);
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * width, y * toWidth];
    for (let k = 0; k < columns.low.length; k++) {
      const share = columns.share[k]!;
      across[to + columns.to[k]!]! += plane[from + columns.low[k]!]! * (1 - share) + plane[from + columns.high[k]!]! * share;
    }
  }
  const weight = 1 / (taps * taps);
  for (let k = 0; k < rows.low.length; k++) {
    const [a, b, o, share] = [rows.low[k]! * toWidth, rows.high[k]! * toWidth, rows.to[k]! * toWidth, rows.share[k]!];
    for (let x = 0; x < toWidth; x++) out[o + x]! += weight * (across[a + x]! * (1 - share) + across[b + x]! * share);
  }
  return out;
}

type Steps = { to: Int32Array; low: Int32Array; high: Int32Array; share: Float32Array };

function steps(from: number, to: number, taps: number): Steps {
  const count = to * taps;
  const out: Steps = { to: new Int32Array(count), low: new Int32Array(count), high: new Int32Array(count), share: new Float32Array(count) };
  for (let k = 0; k < count; k++) {
    const at = clamp(((k + 0.5) / taps) * (from / to) - 0.5, 0, from - 1);
    out.to[k] = Math.floor(k / taps);
    out.low[k] = Math.floor(at);
    out.high[k] = Math.min(out.low[k]! + 1, from - 1);
    out.share[k] = at - out.low[k]!;
  }
  return out;
}

/** Mean over a square of side 2 * radius + 1, cut off at the border of the plane. */
export function boxBlur(plane: Plane, width: number, height: number, radius: number): Plane {
  if (radius < 1) return plane.slice();
  const rows = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) boxRow(plane, rows, y * width, width, radius);
  return boxColumns(rows, width, height, radius);
}

function boxRow(from: Plane, to: Plane, start: number, count: number, radius: number): void {
  let sum = 0;
  let high = Math.min(radius, count - 1);
  let low = 0;
  for (let i = 0; i <= high; i++) sum += from[start + i]!;
  for (let i = 0; i < count; i++) {
    to[start + i] = sum / (high - low + 1);
    if (i + radius + 1 < count) sum += from[start + ++high]!;
    if (i - radius >= 0) sum -= from[start + low++]!;
  }
}

/** Keeps a running sum per column and walks by rows: walking down columns would miss the cache at every step. */
function boxColumns(from: Plane, width: number, height: number, radius: number): Plane {
  const to = new Float32Array(from.length);
  const sums = new Float64Array(width);
  const add = (y: number, sign: number): void => {
    for (let x = 0, i = y * width; x < width; x++, i++) sums[x]! += sign * from[i]!;
  };
  let high = Math.min(radius, height - 1);
  let low = 0;
  for (let y = 0; y <= high; y++) add(y, 1);
  for (let y = 0; y < height; y++) {
    const scale = 1 / (high - low + 1);
    for (let x = 0, i = y * width; x < width; x++, i++) to[i] = sums[x]! * scale;
    if (y + radius + 1 < height) add(++high, 1);
    if (y - radius >= 0) add(low++, -1);
  }
  return to;
}

/** Near-Gaussian blur: three box blurs whose variance adds up to `sigma` squared. */
export function blur(plane: Plane, width: number, height: number, sigma: number): Plane {
  const radius = Math.max(1, Math.round(Math.sqrt(sigma * sigma + 0.25) - 0.5));
  let out = plane;
  for (let pass = 0; pass < 3; pass++) out = boxBlur(out, width, height, radius);
  return out;
}
