import type { HairColorTarget, PreparedPhoto } from '../engine.ts';
import type { Look } from '../looks/look.ts';
import { blurred } from './blur.ts';
import { compose } from './composite.ts';
import { cropPhoto, pasteWindow, windowFor } from './crop.ts';
import { drawStrands, emptyLayer, type HairLayer } from './draw.ts';
import type { Strands } from './groom.ts';
import { growHair } from './hair.ts';
import { findHairline, forcedHairline } from './hairline.ts';
import { fitHead, toHeadDirection, type Head } from './head.ts';
import { illuminate } from './illumination.ts';
import { clamp, ramp, randomFrom, type Vector } from './numbers.ts';
import { occlude, type Occlusion } from './occlusion.ts';
import { findPigment } from './pigment.ts';
import { protectFace } from './protect.ts';
import type { Root } from './roots.ts';
import { lightingOf, lightStrands } from './shade.ts';

export type RenderOptions = {
  /** null keeps the color of the person's hair. */
  color: HairColorTarget | null;
  /** A straight, dense hairline instead of the person's own. */
  forceNewHairline: boolean;
  seed: number;
  onProgress(fraction: number): void;
};

export type RenderedLook = { rgb: Uint8ClampedArray; quality: 'ok' | 'low'; warnings: string[] };

/** Roots that can be seen: short hair at the far side of the head stays hidden. */
function seenRoots(look: Look, head: Head): (root: Root) => boolean {
  const view: Vector = toHeadDirection(head, [0, 0, 1]);
  const longest = Math.max(look.length.sides, look.length.back, look.length.top);
  const least = longest > 0.45 || look.updo !== 'none' ? -1.1 : look.comb === 'out' ? -0.85 : -0.45;
  return (root) => root.normal[0] * view[0] + root.normal[1] * view[1] + root.normal[2] * view[2] > least;
}

/** Lays the shade of the under-hair beneath the strands, where there are strands, so that skin never shines through dense hair. */
function underlay(layer: HairLayer, look: Look, occlusion: Occlusion, pxPerCm: number): void {
  const roped = look.braids === 'box' || look.braids === 'twists' || look.braids === 'locs' || look.braids === 'cornrows';
  const near = blurred(layer.alpha, layer.width, layer.height, Math.max(0.8, pxPerCm * 0.3));
  for (let i = 0; i < layer.alpha.length; i += 1) {
    const under = occlusion.scalp[i]! * ramp(0.12, 0.6, near[i]!) * (roped ? 0.35 : 0.92) * (1 - layer.alpha[i]!);
    layer.alpha[i]! += under;
    layer.diffuse[i]! += under * 0.2;
  }
}

/** Short hair covers little of the scalp each: it needs more, and each costs less. */
function strandCount({ length: { top, sides, back } }: Look, pxPerCm: number): number {
  const more = 1 + 1.2 * ramp(0.1, 0.04, Math.max(top, sides, back));
  return Math.round(clamp(20_000 * (pxPerCm / 20) ** 1.3, 2500, 27_000) * more);
}

function growAll(photo: PreparedPhoto, head: Head, look: Look, options: RenderOptions): { all: Strands[]; occlusion: Occlusion } {
  const hairline = options.forceNewHairline ? forcedHairline() : findHairline(photo, head);
  const random = randomFrom(options.seed);
  const occlusion = occlude(photo, head, look, hairline);
  const all = growHair(look, hairline, { count: strandCount(look, head.pxPerCm), pxPerCm: head.pxPerCm, seed: options.seed, down: toHeadDirection(head, [0, -1, 0]), random, wanted: seenRoots(look, head) });
  return { all, occlusion };
}

function renderWindow(photo: PreparedPhoto, look: Look, options: RenderOptions): Uint8ClampedArray {
  const head = fitHead(photo.landmarks);
  const { all, occlusion } = growAll(photo, head, look, options);
  options.onProgress(0.35);
  const lighting = lightingOf(head, photo.light, (key) => illuminate(all, clamp(6 / head.pxPerCm, 0.75, 1.2), key));
  const lit = all.map((strands) => lightStrands(strands, head, lighting, occlusion));
  options.onProgress(0.6);
  const layer = emptyLayer(photo.width, photo.height);
  drawStrands(layer, lit, (fraction) => options.onProgress(0.6 + 0.3 * fraction));
  underlay(layer, look, occlusion, head.pxPerCm);
  return compose(photo, head, layer, occlusion, protectFace(photo, head.pxPerCm), findPigment(layer, photo, options.color), options.seed);
}

/**
 * Draws a look on a photo whose own hair was taken away: strands grow on a head fitted to the landmarks, in the photo's light,
 * sharpness and grain. Eyes, nose and mouth keep their bytes. Same photo, look and options give the same bytes.
 */
export function renderLook(photo: PreparedPhoto, look: Look, options: RenderOptions): RenderedLook {
  const window = windowFor(photo, fitHead(photo.landmarks), look);
  const rgb = pasteWindow(photo, window, renderWindow(cropPhoto(photo, window), look, options));
  options.onProgress(1);
  return { rgb, quality: photo.plateQuality, warnings: [] };
}
