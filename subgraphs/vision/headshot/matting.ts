import { dilate } from '../dilate.ts';
import { guidedFilter } from '../guided.ts';
import { pushPull } from '../inpaint.ts';
import { blur, clamp, smoothstep } from '../raster.ts';
import type { Plane, Raster } from '../raster.ts';

/**
 * A person lifted off what is behind: how much of a pixel is the person, the colors in front and behind carried on over everything, each as
 * three planes, and where the background is calm enough (0..1) for what is seen through hair to be told from hair.
 */
export type Layers = { alpha: Plane; front: Planes; back: Planes; calm: Plane };
export type Planes = [Plane, Plane, Plane];

type Guess = { image: Raster; /** 0..1, right but for its edges. */ person: Plane; /** How sure that is, 0..1, as the net says it. */ belief: Plane; hair: Plane; /** 1 within the face. */ face: Plane; /** 1 where the bare head is. */ skull: Plane; /** Height of the face, px. */ unit: number };

/**
 * Finds out how transparent the edges are, from the colors on both sides of them: narrow along skin and clothes, wide along hair before a calm
 * background. Where both sides have the same color, or the background is restless, the guess stays.
 */
export function matte({ image, person, belief, hair, face, skull, unit }: Guess): Layers {
  const { width, height } = image;
  const [narrow, wide] = [Math.max(2, unit * 0.012), Math.max(3, unit * 0.05)];
  const notFront = person.map((value) => (value < 0.97 ? 1 : 0));
  const notBack = person.map((value) => (value > 0.03 ? 1 : 0));
  const far = dilate(notBack, width, height, wide);
  const calm = calmOf(image, dilate(notBack, width, height, narrow * 2).map((value) => 1 - value), unit);
  const isHairy = blur(dilate(hair.map((value) => (value > 0.3 ? 1 : 0)), width, height, unit * 0.06), width, height, unit * 0.02).map((value, i) => value * calm[i]!);
  const known = {
    front: mixed(dilate(notFront, width, height, narrow), dilate(notFront, width, height, wide), isHairy).map((value) => 1 - value),
    back: mixed(dilate(notBack, width, height, narrow), far, isHairy).map((value) => 1 - value),
  };
  const back = spread(image, known.back);
  openGaps(known.front, image, back, { belief, hair, face, skull, calm, unit });
  const front = spread(image, known.front);
  const soft = blur(person, width, height, Math.max(1, unit * 0.006));
  const split = splitColors(image, soft, known, { front, back, calm });
  const fine = guidedFilter(image, split, Math.max(2, Math.round(unit * 0.012)), 2e-5);
  const alpha = fine.map((value, i) => {
    if (known.back[i] === 1) return 0;
    // Along leaves and stripes the edges of the picture are not the person's.
    const edge = value * calm[i]! + soft[i]! * (1 - calm[i]!);
    return known.front[i] === 1 ? 1 : smoothstep(0.04 + 0.2 * (1 - calm[i]!), 0.96, edge);
  });
  return { alpha, front, back, calm };
}

/** Distance from the background's color, 0..255 units, that a gap between locks may have, and how far hair must be from both. */
const GAP = 26;
/** What the net is as sure of is no gap: a white blouse under long hair may be as pale as the wall. */
const CERTAIN = 0.97;

/** Where the background shows between locks of hair the person is not certain after all. */
function openGaps(known: Plane, { width, height, rgb }: Raster, back: Planes, { belief, hair, face, skull, calm, unit }: Pick<Guess, 'belief' | 'hair' | 'face' | 'skull' | 'unit'> & { calm: Plane }): void {
  const among = dilate(hair.map((value) => (value > 0.5 ? 1 : 0)), width, height, unit * 0.08);
  // Before the head nothing is seen through: what is as pale as the wall there is light on a forehead.
  const solid = dilate(face, width, height, unit * 0.08).map((value, i) => Math.max(value, skull[i]!));
  const lock = spread({ width, height, rgb }, hair.map((value) => (value > 0.9 ? 1 : 0)));
  const gap = known.map((value, i) => {
    if (value === 0 || among[i] === 0 || solid[i]! > 0 || calm[i]! < 0.5 || belief[i]! > CERTAIN) return 0;
    const distance = (planes: Planes): number => Math.hypot(rgb[i * 3]! - planes[0][i]!, rgb[i * 3 + 1]! - planes[1][i]!, rgb[i * 3 + 2]! - planes[2][i]!);
    return distance(back) < GAP && distance(lock) > GAP * 2 ? 1 : 0;
  });
  // A single pixel may be a highlight.
  const wide = dilate(dilate(dilate(gap, width, height, -1), width, height, 1), width, height, Math.max(2, unit * 0.015));
  for (let i = 0; i < known.length; i++) if (wide[i]! > 0) known[i] = 0;
}

const mixed = (a: Plane, b: Plane, share: Plane): Plane => a.map((value, i) => value + (b[i]! - value) * clamp(share[i]!, 0, 1));

/** The known colors carried on smoothly over everything else. */
function spread({ width, height, rgb }: Raster, known: Plane): Planes {
  const channel = (c: number): Plane => pushPull(known.map((_, i) => rgb[i * 3 + c]!), known, width, height);
  return [channel(0), channel(1), channel(2)];
}

/** Spread of the background's own brightness nearby, 0..255 units: a wall's stays below the first, that of leaves is above the second. */
const CALM = 12;
const RESTLESS = 34;

function calmOf({ width, height, rgb }: Raster, known: Plane, unit: number): Plane {
  const near = (plane: Plane): Plane => blur(plane, width, height, Math.max(2, unit * 0.05));
  const weight = near(known);
  const light = known.map((value, i) => value * (0.2126 * rgb[i * 3]! + 0.7152 * rgb[i * 3 + 1]! + 0.0722 * rgb[i * 3 + 2]!));
  const mean = near(light);
  const square = near(known.map((value, i) => value * (0.2126 * rgb[i * 3]! + 0.7152 * rgb[i * 3 + 1]! + 0.0722 * rgb[i * 3 + 2]!) ** 2));
  const spreads = known.map((_, i) => {
    const share = Math.max(1e-3, weight[i]!);
    return Math.sqrt(Math.max(0, square[i]! / share - (mean[i]! / share) ** 2));
  });
  return pushPull(spreads, weight.map((value) => (value > 0.1 ? value : 0)), width, height).map((value) => smoothstep(RESTLESS, CALM, value));
}

/** Distance of the colors on both sides, 0..255 units, from which the split is believed. */
const ALIKE = 18;
const APART = 60;

type Sides = { front: Planes; back: Planes; calm: Plane };

function splitColors({ rgb }: Raster, person: Plane, known: { front: Plane; back: Plane }, { front, back, calm }: Sides): Plane {
  const out = new Float32Array(person.length);
  for (let i = 0; i < out.length; i++) {
    let [along, apart] = [0, 0];
    for (const c of [0, 1, 2] as const) {
      const way = front[c][i]! - back[c][i]!;
      along += (rgb[i * 3 + c]! - back[c][i]!) * way;
      apart += way * way;
    }
    const trust = smoothstep(ALIKE, APART, Math.sqrt(apart)) * calm[i]!;
    const found = clamp(along / Math.max(1, apart), 0, 1);
    out[i] = known.front[i] === 1 ? 1 : known.back[i] === 1 ? 0 : found * trust + person[i]! * (1 - trust);
  }
  return out;
}
