import { dilate } from '../dilate.ts';
import type { FaceFrame } from '../mesh.ts';
import { blur, smoothstep } from '../raster.ts';
import type { Plane, Raster } from '../raster.ts';

type Guess = {
  image: Raster; person: Plane; /** As the net says it. */ belief: Plane; hair: Plane; /** 1 within the face. */ oval: Plane; frame: FaceFrame;
  /** A scarf or a veil hangs beside the face. */
  isCovered: boolean;
};

/** As far below the eyes, in heights of the face, a scarf or a veil hangs beside the face. */
const CHIN = 0.65;

/** Takes away what stands behind ears, cheeks and neck and was taken for the person: flowers, headrests, posts. */
export function withoutStrays(guess: Guess): Plane {
  const { person, image: { width }, frame: { x, y, unit }, isCovered } = guess;
  const from = y + unit * (isCovered ? CHIN : 0);
  const beside = person.map((_, i) => {
    const [column, row] = [i % width, Math.floor(i / width)];
    return smoothstep(from, from + unit * 0.1, row) * smoothstep(y + unit * 1.4, y + unit * 1.2, row) * smoothstep(unit, unit * 0.9, Math.abs(column - x));
  });
  const left = withoutDoubtful(guess, beside);
  return isCovered ? left : withoutForeign(guess, left, beside);
}

/** How sure the net is of the person itself; and how far from there an edge is that it only sees blurred, in heights of the face. */
const SURE = 0.9;
const BLURRED = 0.02;

/** The edge of the person is as narrow as the net can draw it: what it half believes over a wider place is none, unless it is hair. */
function withoutDoubtful({ image: { width, height }, person, belief, hair, frame: { unit } }: Guess, beside: Plane): Plane {
  const locks = dilate(hair.map((value) => (value > 0.3 ? 1 : 0)), width, height, unit * 0.03);
  const near = blur(dilate(belief.map((value) => (value > SURE ? 1 : 0)), width, height, unit * BLURRED), width, height, 1);
  return person.map((value, i) => value * Math.max(near[i]!, locks[i]!, 1 - beside[i]!));
}

/** How deep a stray may reach into the outline, and from how far colors are compared, in heights of the face. */
const DEEP = 0.07;
const FAR = 0.15;
/** A color is foreign that is further than this from all of the person's nearby, 0..255 units, and so much nearer to one of the background's. */
const FOREIGN = 24;
const NEARER = 0.5;
/** What the net is as sure of is the person in whatever color, such as the shadow within a collar. */
const SURER = 0.98;

/** Along the outline whatever has a color of the background nearby and none of the person's. */
function withoutForeign({ image, belief, oval, frame: { unit } }: Guess, person: Plane, beside: Plane): Plane {
  const { width, height } = image;
  const inside = person.map((value) => (value > 0.5 ? 1 : 0));
  const core = dilate(inside, width, height, -unit * DEEP);
  const halo = dilate(inside, width, height, 2);
  const foreign = inside.map((value, i) => (value === 1 && core[i] === 0 && oval[i]! < 0.5 && beside[i]! > 0.5 && belief[i]! < SURER && isForeign(image, i, { core, halo, unit }) ? 1 : 0));
  const most = blur(foreign, width, height, 1);
  const gone = blur(dilate(most.map((value) => (value > 0.5 ? 1 : 0)), width, height, 1), width, height, 1);
  return person.map((value, i) => value * (1 - gone[i]!));
}

function isForeign({ width, height, rgb }: Raster, at: number, { core, halo, unit }: { core: Plane; halo: Plane; unit: number }): boolean {
  const reach = Math.round(unit * FAR);
  const step = Math.max(1, Math.round(unit * 0.0125));
  const [x, y] = [at % width, Math.floor(at / width)];
  let [own, other] = [Infinity, Infinity];
  for (let row = Math.max(0, y - reach); row < Math.min(height, y + reach); row += step) {
    for (let column = Math.max(0, x - reach); column < Math.min(width, x + reach); column += step) {
      const i = row * width + column;
      if (core[i] === 0 && halo[i] === 1) continue;
      const away = (rgb[i * 3]! - rgb[at * 3]!) ** 2 + (rgb[i * 3 + 1]! - rgb[at * 3 + 1]!) ** 2 + (rgb[i * 3 + 2]! - rgb[at * 3 + 2]!) ** 2;
      if (core[i] === 1) own = Math.min(own, away);
      else other = Math.min(other, away);
    }
  }
  return own < Infinity && own > FOREIGN ** 2 && other < own * NEARER ** 2;
}
