import type { Look } from '../looks/look.ts';
import { hangFrom, tieRopes } from './braids.ts';
import { headCm } from './flow.ts';
import { comb, groom, planFor, type Grooming, type Strands } from './groom.ts';
import type { Hairline } from './hairline.ts';
import type { Vector } from './numbers.ts';
import { layRopes } from './rope.ts';
import { sowRoots, type Root } from './roots.ts';
import { tiesOf, type Tie } from './ties.ts';

const isRoped = (look: Look): boolean => look.braids === 'box' || look.braids === 'twists' || look.braids === 'locs' || look.braids === 'cornrows';

/** Short hair that braiding leaves on the scalp. */
function stubble(look: Look, hairline: Hairline, options: Grooming): Strands {
  const clipped = (root: Root): Root => ({ ...root, clippedCm: 0.45 });
  const sown = (count: number): Root[] => sowRoots(look, hairline, count, options.random, options.wanted).map(clipped);
  return comb(look, sown(500), sown(Math.round(options.count * 0.35)), planFor(look), options);
}

function tail(look: Look, tie: Tie, options: Grooming): Strands {
  const { random } = options;
  const lengthCm = headCm * Math.max(look.length.back, look.length.top);
  const roots = (count: number): Root[] => Array.from({ length: count }, () => {
    const angle = random() * Math.PI * 2, far = Math.sqrt(random()) * tie.sizeCm;
    const spread: Vector = [Math.cos(angle) * far, Math.sin(angle) * far * 0.6, 0.6 + random() * 0.8];
    return hangFrom(look, tie, lengthCm, spread).root;
  });
  const growth = (root: Root) => hangFrom(look, tie, lengthCm * (1 - 0.15 * look.layers), [root.at[0] - tie.at[0], root.at[1] - tie.at[1], root.at[2] - tie.at[2]]);
  return comb(look, roots(90), roots(Math.round(options.count * 0.3)), { growth, way: growth }, options);
}

/** Everything that is hair on this head: what hangs, what is tied, what is plaited. */
export function growHair(look: Look, hairline: Hairline, options: Grooming): Strands[] {
  const loose = isRoped(look) ? stubble(look, hairline, options) : groom(look, hairline, options);
  const ropes = tieRopes(look, hairline, options.random, options.down, options.seed);
  const tails = tiesOf(look).filter((tie) => tie.made === 'tail').map((tie) => tail(look, tie, options));
  return ropes.length === 0 ? [loose, ...tails] : [loose, ...tails, layRopes(ropes, options.pxPerCm, options.seed)];
}
