import { converter, differenceCiede2000, formatHex } from 'culori';
import ipaddr from 'ipaddr.js';
import { Failure } from '../../schema/failures.ts';
import type { DetectSkinShadeInput, ToneRange, Undertone } from '../../schema/types/skinshade.ts';

/** CIELAB under D65. */
export type Lab = { l: number; a: number; b: number };

const toLab = converter('lab65');
const difference = differenceCiede2000();

/** Of `#rrggbb`. */
export function labOf(hex: string): Lab {
  const { l, a, b } = toLab(hex) ?? { l: 0, a: 0, b: 0 };
  return { l, a, b };
}

/** `#rrggbb`, clipped to what sRGB can show. */
export const hexOf = (lab: Lab): string => formatHex({ mode: 'lab65', ...lab });

/** The CIEDE2000 difference of two colors. */
export const deltaE2000 = (one: Lab, two: Lab): number => difference({ mode: 'lab65', ...one }, { mode: 'lab65', ...two });

const degrees = (radians: number): number => (radians * 180) / Math.PI;

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

/** The Monk Skin Tone scale (Monk 2019, published with Google in 2022, CC BY 4.0), lightest first. */
const monkSwatches = ['#f6ede4', '#f3e7db', '#f7ead0', '#eadaba', '#d7bd96', '#a07e56', '#825c43', '#604134', '#3a312a', '#292420'].map(labOf);

/** 1 to 10. */
export function monkToneOf(skin: Lab): number {
  const distances = monkSwatches.map((swatch) => deltaE2000(skin, swatch));
  return distances.indexOf(Math.min(...distances)) + 1;
}

/** The first day of the month of UTC, `2026-01-01`. */
export const monthOf = (moment: Date): string => `${moment.toISOString().slice(0, 7)}-01`;
export const nextMonth = (moment: Date): Date => new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + 1, 1));
export const secondsToNextMonth = (moment: Date): number => Math.max(1, Math.ceil((nextMonth(moment).getTime() - moment.getTime()) / 1000));

/** Who counts as one: an IPv4 address, or the 64 bits of an IPv6 address that a household or a server gets. */
export function householdOf(address: string): string {
  // An IPv4 address may come in the clothes of an IPv6 one.
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : `${parsed.toNormalizedString().split(':').slice(0, 4).join(':')}::/64`;
}

const invalid = (message: string, ...path: string[]): Failure => new Failure('VALIDATION', message, { path: ['input', ...path] });

/** Where the picture comes from. Refuses with VALIDATION. */
export function chooseSource({ imageId, uploadId }: DetectSkinShadeInput): { by: 'image' | 'upload'; id: string } {
  if (imageId && !uploadId) return { by: 'image', id: imageId };
  if (uploadId && !imageId) return { by: 'upload', id: uploadId };
  throw invalid('Exactly one of imageId and uploadId is needed', 'imageId');
}

/** Refuses with VALIDATION a number of recommendations that is none. */
export function checkFirst(first: number): number {
  if (first < 1 || first > 38) throw new Failure('VALIDATION', 'first must be a whole number from 1 to 38', { path: ['first'] });
  return first;
}
