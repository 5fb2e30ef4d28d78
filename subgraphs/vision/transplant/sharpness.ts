import type { PreparedPhoto } from '../engine.ts';
import { clamp } from '../raster.ts';
import { mix } from '../strands/numbers.ts';
import type { Laid } from './lay.ts';
import type { PieceGeometry } from './piece.ts';

/** Width of the blur of a photo's lens, px, by how crisp it is. */
const blurOf = (sharpness: number): number => mix(1.15, 0.45, clamp(sharpness, 0, 1));

/** Makes the hair as crisp as the photo: blurs what is crisper, sharpens a little what is not. */
export function matchSharpness(laid: Laid, piece: PieceGeometry, photo: PreparedPhoto, pxPerCm: number): void {
  const own = blurOf(piece.sharpness) * Math.max(0.5, pxPerCm / piece.pxPerCm);
  const wanted = blurOf(photo.sharpness);
  if (wanted > own + 0.1) return soften(laid, Math.sqrt(wanted * wanted - own * own), 1);
  if (own > wanted + 0.15) soften(laid, Math.max(0.7, own), -clamp((own - wanted) * 0.55, 0, 0.5));
}

/** Moves each pixel towards (`amount` 1) or away from (below 0) the mean of its neighbours, by a three-pixel Gaussian. */
function soften({ width, height, light, alpha }: Laid, sigma: number, amount: number): void {
  const side = Math.exp(-1 / (2 * sigma * sigma));
  const [a, b] = [1 / (1 + 2 * side), side / (1 + 2 * side)];
  const plane = new Float32Array(alpha.length);
  const across = new Float32Array(alpha.length);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < plane.length; i++) plane[i] = light[i * 3 + c]!;
    for (let i = 1; i + 1 < plane.length; i++) across[i] = alpha[i - 1] === 0 || alpha[i + 1] === 0 ? plane[i]! : plane[i]! * a + (plane[i - 1]! + plane[i + 1]!) * b;
    for (let i = width; i < width * (height - 1); i++) {
      if (alpha[i] === 0) continue;
      const smooth = alpha[i - width] === 0 || alpha[i + width] === 0 ? across[i]! : across[i]! * a + (across[i - width]! + across[i + width]!) * b;
      light[i * 3 + c] = Math.max(0, plane[i]! + (smooth - plane[i]!) * amount);
    }
  }
}
