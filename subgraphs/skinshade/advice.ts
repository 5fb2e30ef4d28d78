import type { HairColorFit, HairColorRule, Undertone } from '../../schema/types/skinshade.ts';
import { colors, type HairColor } from '../palette.ts';
import { chromaOf, deltaE2000, hueOf, type Lab, labOf, toneRangeOf, undertoneOf } from './rules.ts';

/** What hair colors are scored by, and what each rule rests on. */
export const hairColorRules = [
  {
    id: 'contrast',
    weight: 0.55,
    statement: 'Hair frames a face when its lightness differs clearly from that of the skin; hair of the same lightness does not, and the greatest differences are hard.',
    sources: [
      'Schloss and Palmer 2011, Aesthetic response to color combinations, Attention, Perception & Psychophysics 73: 551-571: which pairs of colors are liked depends on the contrast of their lightness.',
      'Russell 2009, A sex difference in facial contrast and its exaggeration by cosmetics, Perception 38: 1211-1219, and Porcheron, Mauger and Russell 2013, PLoS ONE 8(3): e57985: faces whose features contrast more with the skin look younger and are what cosmetics aim at; carried over from features to hair here.',
      'Salon practice: next to dark skin very light hair, and next to fair skin black hair, looks hard.',
    ],
  },
  {
    id: 'undertone',
    weight: 0.45,
    statement: 'Golden and copper tones go with warm skin, ash and blue ones with cool skin; neutral skin takes both and neither extreme.',
    sources: [
      'Schloss and Palmer 2011: harmony and preference of a pair of colors grow with the likeness of their hues.',
      'Perrett and Sprengelmeyer 2021, Clothing aesthetics: consistent colour choices to match fair and tanned skin tones, i-Perception 12(6): cool hues are chosen for fair skin, warm ones for tanned skin.',
      'Against it: Perrett 2023, Eye color is more important than skin color for clothing color aesthetics, Psychology of Aesthetics, Creativity, and the Arts. The rule therefore weighs less than contrast.',
    ],
  },
] as const satisfies readonly HairColorRule[];

/** Score of a difference of lightness; straight lines between these points. */
const contrastScores = [[0, 0.25], [10, 0.45], [25, 0.9], [35, 1], [55, 1], [75, 0.7], [100, 0.5]] as const;

function contrastScore(contrast: number): number {
  const index = Math.max(1, contrastScores.findIndex(([at]) => at >= contrast));
  const [[from, low], [to, high]] = [contrastScores[index - 1] ?? contrastScores[0], contrastScores[index] ?? contrastScores[6]];
  return low + ((high - low) * (contrast - from)) / (to - from);
}

/** -1 ash or blue to 1 golden: how far the hue leans to yellow, the more the stronger the color. */
export function warmthOf(hair: Lab): number {
  const chroma = chromaOf(hair);
  return (chroma / (chroma + 12)) * Math.cos(((hueOf(hair) - 75) * Math.PI) / 180);
}

function harmonyScore(undertone: Undertone, warmth: number): number {
  if (undertone === 'NEUTRAL') return 0.9 - 0.2 * Math.abs(warmth);
  return 0.65 + 0.35 * (undertone === 'WARM' ? warmth : -warmth);
}

/** How a hair color goes with a skin shade, both `#rrggbb`. */
export function fitOf(skinShade: string, hairHex: string): HairColorFit {
  const [skin, hair] = [labOf(skinShade), labOf(hairHex)];
  const [contrast, undertone, warmth] = [Math.min(100, Math.abs(skin.l - hair.l)), undertoneOf(skin), warmthOf(hair)];
  const harmony = harmonyScore(undertone, warmth);
  const [byContrast, byUndertone] = hairColorRules;
  return {
    score: rounded(byContrast.weight * contrastScore(contrast) + byUndertone.weight * harmony, 2),
    contrast: rounded(contrast, 1),
    deltaE: rounded(deltaE2000(skin, hair), 1),
    toneRange: toneRangeOf(skin),
    undertone,
    reason: `${contrastReason(contrast)}, and ${harmonyReason(undertone, warmth, harmony)}.`,
  };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function contrastReason(contrast: number): string {
  if (contrast < 12) return 'It is close to the lightness of the skin and frames the face little';
  if (contrast < 25) return 'It contrasts softly with the skin';
  return contrast <= 60 ? 'It frames the face with clear contrast' : 'It contrasts strongly with the skin';
}

function harmonyReason(undertone: Undertone, warmth: number, harmony: number): string {
  const hair = warmth > 0.25 ? 'warm tone' : warmth < -0.1 ? 'cool tone' : 'neutral tone';
  const skin = `${undertone.toLowerCase()} undertone`;
  return `its ${hair} ${harmony >= 0.75 ? 'flatters' : harmony >= 0.55 ? 'goes with' : 'works against'} the ${skin}`;
}

/** Colors of the catalogue by how they suit a shade, the best first; of equals the one that stands first in the catalogue. Null: all natural ones. */
export function recommend(skinShade: string, families: readonly string[] | null): { color: Pick<HairColor, 'id' | 'hex'>; fit: HairColorFit }[] {
  const wanted = families?.map((family) => family.toLowerCase()) ?? null;
  const eligible = colors.filter(({ family }) => (wanted === null ? family !== 'fashion' : wanted.includes(family)));
  return eligible.map(({ id, hex }) => ({ color: { id, hex }, fit: fitOf(skinShade, hex) })).sort((a, b) => b.fit.score - a.fit.score);
}
