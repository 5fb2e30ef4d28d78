import { labPlanes } from './color.ts';
import { guidedFilter } from './guided.ts';
import { findPlaces } from './hair-places.ts';
import type { Places } from './hair-places.ts';
import type { FaceFrame } from './mesh.ts';
import { deviation, fitMixture, logDensity } from './mixture.ts';
import type { Features, Mixture } from './mixture.ts';
import { boxBlur, clamp, resize, smoothstep } from './raster.ts';
import type { Plane, Raster } from './raster.ts';

/** Side of the small picture on which hair is told from skin and clothes, px. */
const SIDE = 256;
const ROUNDS = 4;
const FLOOR = 9;

/** The small picture and what is known of it. */
type Field = { image: Raster; features: Features; person: Plane; places: Places };
type Models = { hair: Mixture; skin: Mixture; clothes: Mixture | null; behind: Mixture | null };

/** Soft alpha of the head's hair, 0..1, without brows and beard; all but empty on a bald head. */
export function hairMatte(image: Raster, points: Float32Array, frame: FaceFrame, person: Plane): Plane {
  const { width, height } = image;
  const field = shrink(image, points, frame, person);
  const share = classify(field);
  const joined = share ? keepJoined(share, field) : new Float32Array(field.person.length);
  const raw = resize(joined, field.image.width, field.image.height, width, height);
  const fine = guidedFilter(image, raw, Math.max(4, Math.round(frame.unit / 26)), 4e-4);
  for (let i = 0; i < fine.length; i++) fine[i] = Math.min(smoothstep(0.15, 0.85, fine[i]!), smoothstep(0, 0.5, person[i]!));
  return fine;
}

function shrink(image: Raster, points: Float32Array, frame: FaceFrame, person: Plane): Field {
  const factor = Math.min(1, SIDE / Math.max(image.width, image.height));
  const width = Math.max(8, Math.round(image.width * factor));
  const height = Math.max(8, Math.round(image.height * factor));
  const small = shrinkRaster(image, width, height);
  const scaled = points.map((value) => value * factor);
  const places = findPlaces(scaled, { ...frame, x: frame.x * factor, y: frame.y * factor, unit: frame.unit * factor }, width, height);
  const [l, a, b] = labPlanes(small);
  // Hair and skin of one person differ less in hue than in lightness, and hue is the steadier of the two.
  const features: Features = [l.map((value) => value * 0.8), a.map((value) => value * 1.6), b.map((value) => value * 1.2)];
  return { image: small, features, person: resize(person, image.width, image.height, width, height), places };
}

function shrinkRaster({ width, height, rgb }: Raster, toWidth: number, toHeight: number): Raster {
  const out = new Uint8ClampedArray(toWidth * toHeight * 3);
  for (let c = 0; c < 3; c++) {
    const channel = resize(Float32Array.from({ length: width * height }, (_, i) => rgb[i * 3 + c]!), width, height, toWidth, toHeight);
    for (let i = 0; i < channel.length; i++) out[i * 3 + c] = channel[i]!;
  }
  return { width: toWidth, height: toHeight, rgb: out };
}

/** Share of hair per pixel by color and place, learned from this photo alone; `null` when there is no hair to learn from. */
function classify(field: Field): Plane | null {
  const { features, person, places, image } = field;
  const skin = fitMixture(features, places.skinSeed, 2, FLOOR, 20);
  if (!skin) return null;
  const crown = places.hairSeed.map((value, i) => value * smoothstep(0.7, 0.95, person[i]!));
  const seeds = crown.map((value, i) => value * smoothstep(1.5, 3, deviation(skin, features, i)));
  if (sum(crown) < 12 || sum(seeds) < 0.15 * sum(crown)) return null;
  const hair = fitMixture(features, seeds, 3, FLOOR, 6);
  if (!hair) return null;
  const behind = fitMixture(features, person.map((value) => smoothstep(0.3, 0.05, value)), 4, FLOOR, 40);
  const models: Models = { hair, skin, clothes: clothesModel(field, hair, null), behind };
  let share = tell(field, models);
  for (let round = 1; round < ROUNDS; round++) {
    models.hair = fitMixture(features, hairWeights(field, share, seeds), 3, FLOOR, 6) ?? models.hair;
    models.clothes = clothesModel(field, models.hair, share);
    share = tell(field, models);
  }
  return guidedFilter(image, share, 3, 1e-3).map((value) => clamp(value, 0, 1));
}

function sum(plane: Plane): number {
  let total = 0;
  for (const value of plane) total += value;
  return total;
}

function hairWeights({ places }: Field, share: Plane, seeds: Plane): Plane {
  return share.map((value, i) => Math.max(seeds[i]! * 0.5, smoothstep(0.6, 0.95, value) * places.hair[i]!));
}

function clothesModel({ features, person, places }: Field, hair: Mixture, share: Plane | null): Mixture | null {
  const weight = places.clothesSeed.map((value, i) => {
    if (value === 0 || person[i]! < 0.8) return 0;
    return share ? 1 - share[i]! : smoothstep(1, 2.5, deviation(hair, features, i));
  });
  return fitMixture(features, weight, 3, FLOOR, 12);
}

/** One step of Bayes: color under each model, weighed by place, evened out over a few pixels. */
function tell({ features, person, places, image }: Field, { hair, skin, clothes, behind }: Models): Plane {
  const odds = new Float32Array(person.length);
  for (let i = 0; i < odds.length; i++) {
    const p = person[i]!;
    if (p < 0.03) {
      odds[i] = -6;
      continue;
    }
    const prior = clamp(places.hair[i]!, 0.01, 0.95);
    const clad = clothes ? places.clothes[i]! : 0;
    const own = logDensity(hair, features, i) + Math.log(prior * p);
    let other = (1 - clad) * (1 - prior) * p * Math.exp(clamp(logDensity(skin, features, i), -60, 60)) + 1e-30;
    if (clothes) other += Math.max(clad, 0.05) * (1 - prior) * p * Math.exp(clamp(logDensity(clothes, features, i), -60, 60));
    if (behind) other += (1 - p) * Math.exp(clamp(logDensity(behind, features, i), -60, 60));
    // Something that is neither: jewellery, glasses, a hand.
    other += (1 - prior) * p * 3e-7;
    odds[i] = clamp(own - Math.log(other), -6, 6);
  }
  const even = boxBlur(boxBlur(odds, image.width, image.height, 1), image.width, image.height, 1);
  return even.map((value) => 1 / (1 + Math.exp(-value)));
}

/** Keeps what hangs together with hair at the crown; the rest is beard, sleeves, somebody else. */
function keepJoined(share: Plane, { image, places }: Field): Plane {
  const { width } = image;
  const out = new Float32Array(share.length);
  const queue: number[] = [];
  const visit = (i: number): void => {
    if (i < 0 || i >= share.length || out[i]! > 0 || share[i]! < 0.35) return;
    out[i] = share[i]!;
    queue.push(i);
  };
  for (let i = 0; i < share.length; i++) if (places.crown[i]! > 0.5 && share[i]! > 0.6) visit(i);
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x + 1 < width) visit(i + 1);
    visit(i - width);
    visit(i + width);
  }
  // Soft rims belong to what they surround.
  const near = boxBlur(out.map((value) => (value > 0 ? 1 : 0)), width, image.height, 2);
  return share.map((value, i) => value * smoothstep(0, 0.3, near[i]!));
}
