import type { HairColorFit, ToneRange, Undertone } from '../../schema/types/skinshade.ts';

export type Lab = { l: number; a: number; b: number };

const degrees = (radians: number): number => (radians * 180) / Math.PI;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** CIELAB under D65 of `#rrggbb` (IEC 61966-2-1, CIE 15:2004). */
export function labOf(hex: string): Lab {
  const [red, green, blue] = [1, 3, 5].map((start) => linearLight(Number.parseInt(hex.slice(start, start + 2), 16) / 255)) as [number, number, number];
  const x = cubeRoot((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047);
  const y = cubeRoot(0.2126729 * red + 0.7151522 * green + 0.072175 * blue);
  const z = cubeRoot((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883);
  return { l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

const linearLight = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const cubeRoot = (value: number): number => (value > 216 / 24_389 ? Math.cbrt(value) : (value * (24_389 / 27) + 16) / 116);

/** 0 to 360 degrees: 0 is red, 90 yellow, 180 green, 270 blue. */
export const hueOf = ({ a, b }: Lab): number => (a === 0 && b === 0 ? 0 : (degrees(Math.atan2(b, a)) + 360) % 360);
export const chromaOf = ({ a, b }: Lab): number => Math.hypot(a, b);

/** The individual typology angle of a skin, in degrees (Chardon, Cretois and Hourseau 1991). */
export const typologyAngleOf = ({ l, b }: Lab): number => degrees(Math.atan2(l - 50, b));

/** Classes of the individual typology angle. */
export function toneRangeOf(skin: Lab): ToneRange {
  const angle = typologyAngleOf(skin);
  if (angle > 55) return 'FAIR';
  if (angle > 41) return 'LIGHT';
  if (angle > 28) return 'MEDIUM';
  if (angle > 10) return 'TAN';
  return angle > -30 ? 'DEEP' : 'DARK';
}

export function undertoneOf(skin: Lab): Undertone {
  const hue = hueOf(skin);
  // Past red lies violet: colder than red, though its angle is a large one.
  if (hue < 50 || hue >= 270) return 'COOL';
  return hue <= 60 ? 'NEUTRAL' : 'WARM';
}

/** The CIEDE2000 difference of two colors (CIE 142:2001; Sharma, Wu and Dalal 2005). */
export function deltaE2000(one: Lab, two: Lab): number {
  const meanChroma = (chromaOf(one) + chromaOf(two)) / 2;
  const grey = 0.5 * (1 - Math.sqrt(meanChroma ** 7 / (meanChroma ** 7 + 25 ** 7)));
  const [first, second] = [one, two].map(({ l, a, b }) => ({ l, a: a * (1 + grey), b })) as [Lab, Lab];
  const [chroma1, chroma2, hue1, hue2] = [chromaOf(first), chromaOf(second), hueOf(first), hueOf(second)];
  const isGrey = chroma1 * chroma2 === 0;
  const turn = hue2 - hue1;
  const hueStep = isGrey ? 0 : Math.abs(turn) <= 180 ? turn : turn > 180 ? turn - 360 : turn + 360;
  const hueSum = hue1 + hue2;
  const hue = isGrey ? hueSum : Math.abs(turn) <= 180 ? hueSum / 2 : hueSum < 360 ? hueSum / 2 + 180 : hueSum / 2 - 180;
  const chroma = (chroma1 + chroma2) / 2;
  const lift = ((first.l + second.l) / 2 - 50) ** 2;
  const t = 1 - 0.17 * cosine(hue - 30) + 0.24 * cosine(2 * hue) + 0.32 * cosine(3 * hue + 6) - 0.2 * cosine(4 * hue - 63);
  const lightness = (second.l - first.l) / (1 + (0.015 * lift) / Math.sqrt(20 + lift));
  const saturation = (chroma2 - chroma1) / (1 + 0.045 * chroma);
  const tint = (2 * Math.sqrt(chroma1 * chroma2) * Math.sin(radians(hueStep / 2))) / (1 + 0.015 * chroma * t);
  const rotation = -2 * Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)) * Math.sin(radians(60 * Math.exp(-(((hue - 275) / 25) ** 2))));
  return Math.sqrt(lightness ** 2 + saturation ** 2 + tint ** 2 + rotation * saturation * tint);
}

const cosine = (angle: number): number => Math.cos(radians(angle));

/** -1 ash or blue to 1 golden: how far the hue leans to yellow, the more the stronger the color. */
export function warmthOf(hair: Lab): number {
  const chroma = chromaOf(hair);
  return (chroma / (chroma + 12)) * cosine(hueOf(hair) - 75);
}

/** Contrast that frames a face, by difference of lightness; straight lines between these points. */
const contrastScores = [[0, 0.25], [10, 0.45], [25, 0.9], [35, 1], [55, 1], [75, 0.7], [100, 0.5]] as const;

function contrastScore(contrast: number): number {
  const index = Math.max(1, contrastScores.findIndex(([at]) => at >= contrast));
  const [[from, low], [to, high]] = [contrastScores[index - 1] ?? contrastScores[0], contrastScores[index] ?? contrastScores[6]];
  return low + ((high - low) * (contrast - from)) / (to - from);
}

/** 0 to 1: a warm skin is lit by golden tones and a cool one by ash; a neutral one takes both and likes neither extreme. */
function harmonyScore(undertone: Undertone, warmth: number): number {
  if (undertone === 'NEUTRAL') return 0.9 - 0.2 * Math.abs(warmth);
  return 0.65 + 0.35 * (undertone === 'WARM' ? warmth : -warmth);
}

/** How a hair color goes with a skin shade, both `#rrggbb`: 55 % contrast, 45 % undertone. */
export function fitOf(skinShade: string, hairHex: string): HairColorFit {
  const [skin, hair] = [labOf(skinShade), labOf(hairHex)];
  const [contrast, undertone, warmth] = [Math.min(100, Math.abs(skin.l - hair.l)), undertoneOf(skin), warmthOf(hair)];
  const harmony = harmonyScore(undertone, warmth);
  return {
    score: rounded(0.55 * contrastScore(contrast) + 0.45 * harmony, 2),
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
