import type { Anchors } from './anchors.ts';

/** Where each pixel of a picture comes from in the piece, on a grid of `step` px; between its points it is linear. */
export type Warp = { step: number; columns: number; rows: number; x: Float32Array; y: Float32Array };

const STEP = 8;

/** Moving least squares (Schaefer, McPhail, Warren 2006) with similarities: near an anchor it follows it, far away the whole head. */
export function warpBetween(to: Anchors, from: Anchors, width: number, height: number, unit: number): Warp {
  const [columns, rows] = [Math.ceil(width / STEP) + 2, Math.ceil(height / STEP) + 2];
  const warp: Warp = { step: STEP, columns, rows, x: new Float32Array(columns * rows), y: new Float32Array(columns * rows) };
  const count = to.length / 2;
  const weight = new Float64Array(count);
  const soft = (unit * 0.06) ** 2;
  for (let g = 0; g < columns * rows; g++) {
    const [vx, vy] = [(g % columns) * STEP, Math.floor(g / columns) * STEP];
    let [total, px, py, qx, qy] = [0, 0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const [dx, dy] = [to[i * 2]! - vx, to[i * 2 + 1]! - vy];
      const w = 1 / (dx * dx + dy * dy + soft) ** 1.2;
      weight[i] = w;
      total += w;
      px += w * to[i * 2]!; py += w * to[i * 2 + 1]!;
      qx += w * from[i * 2]!; qy += w * from[i * 2 + 1]!;
    }
    px /= total; py /= total; qx /= total; qy /= total;
    // A similarity is one complex factor.
    let [re, im, size] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const [ax, ay] = [to[i * 2]! - px, to[i * 2 + 1]! - py];
      const [bx, by] = [from[i * 2]! - qx, from[i * 2 + 1]! - qy];
      const w = weight[i]!;
      re += w * (ax * bx + ay * by);
      im += w * (ax * by - ay * bx);
      size += w * (ax * ax + ay * ay);
    }
    re /= size; im /= size;
    warp.x[g] = qx + re * (vx - px) - im * (vy - py);
    warp.y[g] = qy + im * (vx - px) + re * (vy - py);
  }
  return warp;
}

/** The place in the piece of a pixel, into `out`. */
export function warpAt({ step, columns, x, y }: Warp, px: number, py: number, out: Float32Array): void {
  const [u, v] = [px / step, py / step];
  const [i, j] = [Math.floor(u), Math.floor(v)];
  const [s, t] = [u - i, v - j];
  const o = j * columns + i;
  const [a, b, c, d] = [(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t];
  out[0] = x[o]! * a + x[o + 1]! * b + x[o + columns]! * c + x[o + columns + 1]! * d;
  out[1] = y[o]! * a + y[o + 1]! * b + y[o + columns]! * c + y[o + columns + 1]! * d;
}
