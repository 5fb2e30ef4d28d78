import { toLinear } from '../color.ts';
import type { Plane } from '../raster.ts';
import type { OpenPiece } from './piece.ts';
import { warpAt } from './warp.ts';
import type { Warp } from './warp.ts';

/** The piece as it lies on a person: linear light (interleaved) and coverage of each pixel of the photo. */
export type Laid = { width: number; height: number; light: Float32Array; alpha: Plane };

const LINEAR = Float32Array.from({ length: 256 }, (_, i) => toLinear(i));

export function layOn({ width, height }: { width: number; height: number }, piece: OpenPiece, warp: Warp): Laid {
  const laid: Laid = { width, height, light: new Float32Array(width * height * 3), alpha: new Float32Array(width * height) };
  const place = new Float32Array(2);
  const { width: w, height: h } = piece.about;
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) {
    warpAt(warp, x, y, place);
    const [sx, sy] = [place[0]!, place[1]!];
    if (sx < 0 || sy < 0 || sx >= w - 1 || sy >= h - 1) continue;
    mixed(piece, Math.floor(sy) * w + Math.floor(sx), sx % 1, sy % 1, laid, i);
  }
  return laid;
}

function mixed({ about: { width }, rgb, alpha }: OpenPiece, p: number, u: number, v: number, laid: Laid, i: number): void {
  const [a, b, c, d] = [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
  const q = p + width;
  const share = alpha[p]! * a + alpha[p + 1]! * b + alpha[q]! * c + alpha[q + 1]! * d;
  if (share < 0.002) return;
  laid.alpha[i] = share;
  for (let k = 0; k < 3; k++) {
    laid.light[i * 3 + k] = LINEAR[rgb[p * 3 + k]!]! * a + LINEAR[rgb[p * 3 + 3 + k]!]! * b + LINEAR[rgb[q * 3 + k]!]! * c + LINEAR[rgb[q * 3 + 3 + k]!]! * d;
  }
}
