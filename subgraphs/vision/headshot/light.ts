import { fromLinear, labToRgb, percentile, toLinear } from '../color.ts';
import type { Lab } from '../color.ts';
import { clamp, luma, smoothstep } from '../raster.ts';
import type { Plane, Raster } from '../raster.ts';
import { estimateLight, skinLabOf, skinMask } from '../skin.ts';
import type { Subject } from './subject.ts';

/** What is done to the light of a photo, and where its light comes from. */
export type Balance = {
  /** Factors of linear red, green and blue. */
  gains: [number, number, number];
  /** Natural logarithm of the factor at one face's width to the right of the face; the opposite to the left. */
  tilt: number;
  /** -1 left to 1 right, as seen. */
  light: number;
};

/** Hues of skin in CIELAB, degrees: of all shades, in neutral light. What lies outside is the light's color. */
const HUE = { least: 36, most: 68 };
/** The brightest tenth of well lit skin reaches this luma, whatever its shade. */
const HIGHLIGHT = 122;
/** A lit side this much brighter than the other is what photographers want. */
const KEY_RATIO = 1.4;

/** Reads off the face what its light lacks. Little is changed: the shade of the skin is the person's own. */
export function balanceOf({ small, points, frame, hair }: Pick<Subject, 'small' | 'points' | 'frame' | 'hair'>): Balance {
  const skin = skinMask(small.width, small.height, points, frame.unit, hair);
  const { light } = estimateLight(small, points, skin);
  const [r, g, b] = neutralising(skinLabOf(small, skin));
  const lift = exposure(small, skin);
  const excess = Math.max(0, Math.log(light.keyRatio / KEY_RATIO));
  const side = clamp(light.direction[0], -1, 1);
  return { gains: [r * lift, g * lift, b * lift], tilt: -Math.sign(side) * Math.min(0.35, excess * 0.4), light: side };
}

/** Factors that bring the skin's hue half the way to where skin is. */
function neutralising([l, a, b]: Lab): [number, number, number] {
  const chroma = Math.hypot(a, b);
  const hue = (Math.atan2(b, a) * 180) / Math.PI;
  const wanted = clamp(hue, HUE.least, HUE.most);
  if (chroma < 4 || wanted === hue) return [1, 1, 1];
  const angle = ((hue + (wanted - hue) * 0.5) * Math.PI) / 180;
  const [now, then] = [labToRgb([l, a, b]), labToRgb([l, chroma * Math.cos(angle), chroma * Math.sin(angle)])];
  const factors = [0, 1, 2].map((c) => clamp(toLinear(then[c]!) / Math.max(1e-3, toLinear(now[c]!)), 0.85, 1.18));
  const mean = 0.2126 * factors[0]! + 0.7152 * factors[1]! + 0.0722 * factors[2]!;
  return [factors[0]! / mean, factors[1]! / mean, factors[2]! / mean];
}

function exposure(image: Raster, skin: Plane): number {
  const light = luma(image);
  const values = [...skin.keys()].filter((i) => skin[i]! > 0.5).map((i) => light[i]!);
  const high = percentile(values, 0.9);
  if (values.length < 50 || high <= 0) return 1;
  return high < HIGHLIGHT ? clamp((toLinear(HIGHLIGHT) / Math.max(1e-3, toLinear(high))) ** 0.8, 1, 2.2) : 1;
}

/** Steps in which the factor changes across a picture: each needs its own curves. */
const STEPS = 48;

/** Applies a balance to a picture whose face is at `x`, `unit` px high. Highlights are held below white. */
export function applyBalance({ width, height, rgb }: Raster, { gains, tilt }: Balance, { x, unit }: { x: number; unit: number }): Raster {
  const out = new Uint8ClampedArray(rgb.length);
  const curves = Array.from({ length: tilt === 0 ? 1 : STEPS + 1 }, (_, step) => gains.map((gain) => curveOf(gain * Math.exp(tilt * ((step / STEPS) * 2 - 1) * (tilt === 0 ? 0 : 1)))));
  const steps = Int32Array.from({ length: width }, (_, column) => (tilt === 0 ? 0 : Math.round((clamp((column - x) / (unit * 0.6), -1, 1) + 1) * (STEPS / 2))));
  for (let row = 0, p = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const curve = curves[steps[column]!]!;
      for (let c = 0; c < 3; c++, p++) out[p] = curve[c]![rgb[p]!]!;
    }
  }
  return { width, height, rgb: out };
}

/** What becomes of every sRGB byte: begins with the factor and ends at white. */
function curveOf(factor: number): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: 256 }, (_, byte) => {
    const before = toLinear(byte);
    return fromLinear(factor <= 1 ? before * factor : before * (factor - (factor - 1) * smoothstep(0.15, 1, before))) + 0.5;
  });
}
