import { chromaOf, hueOf, rgbToLab } from './color.ts';
import type { Lab } from './color.ts';
import { EngineRefusal } from './engine.ts';
import { fillPolygon, ring } from './mesh.ts';
import type { Plane } from './raster.ts';

/**
 * An upright cut-out of a face: `rgb` 0..255, `skin` 1 on bare skin, `outline` the mesh in its px, `turn` 0 from the front and 0.5 in profile to
 * either side, `facePx` the face's width in the photo.
 */
export type Cutout = { side: number; rgb: Float32Array; skin: Plane; outline: Float32Array; turn: number; facePx: number };

/**
 * Pixels darker than the median by more than this much lightness and this part of their standard deviation are shadow, beard or hair. Fitted to
 * what a published method (Thong, Joniak and Xiang, Beyond Skin Tone, ICCV 2023: the brightest three of five clusters of lightness and hue)
 * gives for 50 portraits of all tones, and checked on those left out: CIEDE2000 2.8 in the mean. That method's own answer for one face jumps by
 * up to 9 when the picture is compressed or mirrored; this one's moves by less than 1.
 */
const SHADOW = { lightness: 5, deviations: 0.4 };
/** Below it a face has the color of grey with the noise of a JPEG; the palest and the darkest of 50 portraits have 12 and more. */
const GREY_CHROMA = 3;
const LEAST_PIXELS = 500;
/** Difference of the upper and the lower face from which on something lies over one of them: of 50 portraits none has 9, a mask makes 13 and more. */
const COVERED = 11;

/** CIELAB of the pixels inside a face, and which of them are in its lower part. */
export type Skin = { l: Float32Array; a: Float32Array; b: Float32Array; isLower: Uint8Array };
/** `lab` of the lit skin; `difference` of the upper and the lower face, in units of Lab. */
export type Reading = { lab: Lab; skin: Skin; difference: number };

/** Refuses with GREYSCALE. */
export function readSkin(cutout: Cutout): Reading {
  const skin = skinOf(cutout);
  const lower = skin.isLower.reduce((sum, is) => sum + is, 0);
  if (Math.min(lower, skin.l.length - lower) < LEAST_PIXELS) throw new EngineRefusal('NO_FACE', 'No face was found in the photo');
  const [above, below] = [litMean(skin, 0), litMean(skin, 1)];
  if (Math.max(chromaOf(above), chromaOf(below)) < GREY_CHROMA) throw new EngineRefusal('GREYSCALE', 'The photo has no color');
  const difference = Math.hypot((above[0] - below[0]) / 2, above[1] - below[1], above[2] - below[2]);
  return { lab: difference < COVERED ? litMean(skin) : bareOf(above, below), skin, difference };
}

/** What is below the bridge of the nose and the ears: where a mask and a beard are. */
const LOWER_FACE = [454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 197];

function skinOf({ side, rgb, skin, outline }: Cutout): Skin {
  const lower = fillPolygon(side, side, ring(outline, LOWER_FACE));
  const count = skin.reduce((sum, is) => sum + is, 0);
  const found: Skin = { l: new Float32Array(count), a: new Float32Array(count), b: new Float32Array(count), isLower: new Uint8Array(count) };
  for (let i = 0, k = 0; i < skin.length; i++) {
    if (skin[i] === 0) continue;
    [found.l[k], found.a[k], found.b[k]] = rgbToLab(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!);
    found.isLower[k++] = lower[i]!;
  }
  return found;
}

/** Of two parts of a face the one that is not covered: the one whose color is clearly more like skin, else the brighter one, for hair is darker. */
function bareOf(above: Lab, below: Lab): Lab {
  const strangeness = strangenessOf(below) - strangenessOf(above);
  return (Math.abs(strangeness) > 15 ? strangeness > 0 : above[0] >= below[0]) ? above : below;
}

/** Degrees from the middle hue of skin, which has some color at every tone: that of 50 portraits lies between 34 and 63, in yellow light it reaches 80. */
const strangenessOf = (lab: Lab): number => (chromaOf(lab) < 7 ? 180 : Math.abs(hueOf(lab) - 50));

/** Of the whole face, or of its upper (0) or lower (1) part. */
function litMean({ l, a, b, isLower }: Skin, part?: 0 | 1): Lab {
  const lightness = part === undefined ? l.slice() : l.filter((_, i) => isLower[i] === part);
  const mean = lightness.reduce((sum, value) => sum + value, 0) / lightness.length;
  const deviation = Math.sqrt(lightness.reduce((sum, value) => sum + (value - mean) ** 2, 0) / lightness.length);
  const floor = lightness.sort()[lightness.length >> 1]! - SHADOW.lightness - SHADOW.deviations * deviation;
  const sum: Lab = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < l.length; i++) {
    if (l[i]! <= floor || (part !== undefined && isLower[i] !== part)) continue;
    sum[0] += l[i]!;
    sum[1] += a[i]!;
    sum[2] += b[i]!;
    count += 1;
  }
  return [sum[0] / count, sum[1] / count, sum[2] / count];
}
