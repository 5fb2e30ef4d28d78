import { fromLinear, toLinear } from '../color.ts';
import { drawCranium } from '../cranium.ts';
import type { PreparedPhoto } from '../engine.ts';
import { POINT, pointOf } from '../mesh.ts';
import { clamp, sample } from '../raster.ts';
import type { Plane } from '../raster.ts';
import { blurred } from '../strands/blur.ts';
import { fitHead } from '../strands/head.ts';
import { hashed } from '../strands/numbers.ts';
import { protectFace } from '../strands/protect.ts';
import type { RenderedLook, RenderOptions } from '../strands/render.ts';
import { anchorsOf } from './anchors.ts';
import { hairBehind } from './behind.ts';
import { coverSkull } from './cover.ts';
import { layOn } from './lay.ts';
import type { Laid } from './lay.ts';
import { openPiece } from './piece.ts';
import type { HairPiece, OpenPiece } from './piece.ts';
import { lightChange } from './relight.ts';
import { matchSharpness } from './sharpness.ts';
import { spreadOf, tinted, tintTo } from './tint.ts';
import { warpBetween } from './warp.ts';

/** Side of a square of the photo for one px of the skull's planes. */
const COARSE = 4;

/** Puts the hair of a portrait on a photo whose own hair was taken away: fitted to face and skull, in the wanted color and the photo's light. */
export async function renderPiece(photo: PreparedPhoto, piece: HairPiece, options: RenderOptions): Promise<RenderedLook> {
  const head = fitHead(photo.landmarks);
  const open = await openPiece(piece, clamp(head.pxPerCm / piece.about.pxPerCm, 0.15, 3));
  options.onProgress(0.2);
  const [width, height] = [Math.ceil(photo.width / COARSE), Math.ceil(photo.height / COARSE)];
  const cranium = drawCranium(photo.landmarks.map((value) => value / COARSE), width, height);
  const straight = warpBetween(anchorsOf(photo), open.about.anchors, photo.width, photo.height, head.pxPerCm * 18);
  const laid = layOn(photo, open, coverSkull(straight, open, cranium, photo, COARSE));
  options.onProgress(0.6);
  matchSharpness(laid, piece.about, photo, head.pxPerCm);
  featherHairline(laid, photo, cranium.inside, width, head.pxPerCm);
  const behind = hairBehind(photo, laid.alpha, cranium, { width, height });
  const shade = lightChange(cranium, width, height, piece.about.light, photo.light);
  const rgb = compose(photo, open, laid, { shade, behind, inside: cranium.inside, width, height, pxPerCm: head.pxPerCm }, options);
  options.onProgress(1);
  return { rgb, quality: photo.plateQuality, warnings: [] };
}

/** Light that reaches hair behind the neck. */
const IN_SHADOW = 0.22;

/** Lets the hair begin softly on forehead and temples, as it grows. */
function featherHairline(laid: Laid, photo: PreparedPhoto, inside: Plane, coarseWidth: number, pxPerCm: number): void {
  const { width, height, alpha } = laid;
  const brow = pointOf(photo.landmarks, POINT.noseRoot)[1] + pxPerCm * 2;
  const soft = blurred(alpha, width, height, Math.max(0.8, pxPerCm * 0.11));
  for (let y = 0, i = 0; y < Math.min(height, brow); y++) for (let x = 0; x < width; x++, i++) {
    const onHead = inside[Math.min(inside.length - 1, (y >> 2) * coarseWidth + (x >> 2))]! > 0;
    if (alpha[i] === 0 || !onHead) continue;
    alpha[i] = Math.min(alpha[i]!, alpha[i]! * 0.35 + soft[i]! * 0.65);
  }
}

type Coarse = { shade: Plane; behind: Plane; inside: Plane; width: number; height: number; pxPerCm: number };

function compose(photo: PreparedPhoto, { about }: OpenPiece, laid: Laid, coarse: Coarse, { color, seed }: RenderOptions): Uint8ClampedArray {
  const tint = tintTo(about.lab, spreadOf(laid, about.lab), photo, color);
  const protect = protectFace(photo, coarse.pxPerCm);
  const shadow = contactShadow(photo, laid.alpha, coarse);
  const rgb = Uint8ClampedArray.from(photo.plate);
  const [one, out] = [new Float32Array(3), new Float32Array(3)];
  for (let i = 0; i < laid.alpha.length; i++) {
    const free = 1 - protect[i]!;
    const alpha = laid.alpha[i]! * free;
    const dark = shadow(i) * free;
    const [x, y] = [i % photo.width, Math.floor(i / photo.width)];
    const coarsely = (plane: Plane): number => sample(plane, coarse.width, coarse.height, (x + 0.5) / COARSE - 0.5, (y + 0.5) / COARSE - 0.5);
    const back = coarsely(coarse.behind) * free;
    if (alpha < 0.003 && dark < 0.004 && back < 0.003) continue;
    for (let c = 0; c < 3; c++) one[c] = laid.light[i * 3 + c]!;
    if (alpha >= 0.003) tinted(tint, one, coarsely(coarse.shade), out);
    const noise = photo.grain * 0.6 * alpha * (hashed(i, seed, 1) + hashed(i, seed, 2) + hashed(i, seed, 3) - 1.5) * 2;
    for (let c = 0; c < 3; c++) {
      const bare = toLinear(photo.plate[i * 3 + c]!) * (1 - dark * (c === 0 ? 0.86 : 1));
      const under = bare * (1 - back) + tint.want[c]! * IN_SHADOW * back;
      rgb[i * 3 + c] = fromLinear(under * (1 - alpha) + clamp(out[c]!, 0, 1) * alpha) + noise;
    }
  }
  return rgb;
}

/** The darkness that hair throws on skin and clothes beside it, 0..1. */
function contactShadow(photo: PreparedPhoto, alpha: Plane, { inside, width: w, height: h, pxPerCm }: Coarse): (i: number) => number {
  const { width, height } = photo;
  const near = blurred(alpha, width, height, Math.max(1, pxPerCm * 0.22));
  const wide = blurred(alpha, width, height, Math.max(2, pxPerCm * 0.7));
  const [down, aside] = [Math.round(pxPerCm * 0.3), Math.round(-photo.light.direction[0] * pxPerCm * 0.35)];
  return (i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const skull = inside[Math.min(h - 1, y >> 2) * w + Math.min(w - 1, x >> 2)]!;
    const skin = Math.max(skull, photo.person[i]! * (1 - photo.hair[i]!));
    if (skin < 0.02) return 0;
    const from = clamp(y - down, 0, height - 1) * width + clamp(x - aside, 0, width - 1);
    return skin * Math.min(0.6, 0.4 * near[from]! + 0.32 * wide[from]!);
  };
}
