import { chromaOf, hueOf, rgbToLab } from './color.ts';
import type { Cutout, Reading } from './complexion.ts';
import type { ShadeWarning, SkinShade } from './engine.ts';
import { fillPolygon, ring } from './mesh.ts';
import { clamp } from './raster.ts';

/** How much one doubt at its worst takes from the confidence. */
const WORST = 0.6;

/** What makes a reading unsure, the worst first, and what that leaves of the confidence. */
export function doubtsOf(cutout: Cutout, reading: Reading): Pick<SkinShade, 'confidence' | 'warnings'> {
  const found = Object.entries(doubts).map(([name, weigh]) => ({ name: name as ShadeWarning, weight: weigh(cutout, reading) })).filter(({ weight }) => weight > 0);
  const confidence = found.reduce((left, { weight }) => left * (1 - WORST * weight), 1);
  return { confidence, warnings: found.sort((a, b) => b.weight - a.weight).map(({ name }) => name) };
}

/** 0 up to `from`, 1 at `to` and beyond; `to` may be the smaller one. */
const between = (from: number, to: number, value: number): number => clamp((value - from) / (to - from), 0, 1);

/** How much of a doubt each finding is, 0..1. Bounds were chosen on 50 portraits; where they have no trace of a fault, none of them is doubted. */
const doubts: Record<ShadeWarning, (cutout: Cutout, reading: Reading) => number> = {
  // Lightness of one cheek over the other: the mean of both is neither when light comes from one side.
  UNEVEN_LIGHT: (cutout) => between(16, 32, Math.abs(cheekLightness(cutout, CHEEKS.right) - cheekLightness(cutout, CHEEKS.left))),
  CLIPPED: (cutout) => between(0.03, 0.3, clippedShare(cutout)),
  TOO_DARK: (_, { lab }) => between(24, 10, lab[0]),
  LOW_CHROMA: (_, { lab }) => between(10, 3, chromaOf(lab)),
  // Hues and strengths that skin has in colored light only.
  COLOR_CAST: (_, { lab }) => Math.max(between(28, 5, hueOf(lab)), between(72, 97, hueOf(lab)), between(44, 60, chromaOf(lab))),
  COVERED_FACE: (_, reading) => Math.max(between(11, 25, reading.difference), between(0.55, 0.3, likeShare(reading))),
  TURNED_FACE: ({ turn }) => between(0.3, 0.55, Math.abs(turn)),
  SMALL_FACE: ({ facePx }) => between(80, 40, facePx),
};

/** Patches of the cheeks, as closed rings of the mesh. */
const CHEEKS = { right: [117, 118, 101, 36, 205, 187, 123], left: [346, 347, 330, 266, 425, 411, 352] } as const;

function cheekLightness({ side, rgb, outline }: Cutout, cheek: readonly number[]): number {
  const patch = fillPolygon(side, side, ring(outline, cheek));
  let [sum, count] = [0, 0];
  for (let i = 0; i < patch.length; i++) {
    if (patch[i] === 0) continue;
    sum += rgbToLab(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!)[0];
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}

/** Part of the skin whose brightest channel is at its end. */
function clippedShare({ rgb, skin }: Cutout): number {
  let [clipped, total] = [0, 0];
  for (let i = 0; i < skin.length; i++) {
    if (skin[i] === 0) continue;
    total += 1;
    if (Math.max(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!) > 252) clipped += 1;
  }
  return clipped / total;
}

/** Part of the face that has the color that was found, if in shadow. */
function likeShare({ skin: { l, a, b }, lab }: Reading): number {
  let like = 0;
  for (let i = 0; i < l.length; i++) if (l[i]! > lab[0] - 30 && Math.hypot(a[i]! - lab[1], b[i]! - lab[2]) < 12) like += 1;
  return like / l.length;
}
