/** Hair types by the Andre Walker letters, straight to coil. */
export type CurlPattern = '1A' | '1B' | '2A' | '2B' | '2C' | '3A' | '3B' | '3C' | '4A' | '4B' | '4C';

/** Geometry of one curl: a helix round the way the strand falls. */
export type Curl = {
  /** Width of the helix. */
  diameterCm: number;
  /** Distance along the strand of one turn. */
  pitchCm: number;
  /** 0 none to 1 a full helix; waves stay low. */
  amplitude: number;
  /** 0 every strand of a lock curls together, 1 each for itself. */
  frizz: number;
};

export type Fringe = {
  kind: 'none' | 'curtain' | 'blunt' | 'side' | 'wispy';
  /** 0 at the hairline, 1 at the brows, above 1 longer at the sides (eyes stay free). */
  length: number;
};

export type Braids = 'none' | 'box' | 'twists' | 'locs' | 'cornrows' | 'two' | 'side' | 'crown';
export type Updo = 'none' | 'bun-low' | 'bun-high' | 'top-knot' | 'space-buns' | 'ponytail' | 'ponytail-low' | 'half-up' | 'half-bun' | 'chignon';

/** How to grow, cut and style one head of hair: plain data, safe to store as JSON and to pass between threads. */
export type Look = {
  /** Head heights (chin to crown, about 23 cm). Hanging hair of the sides and back is measured down from the top of the ear. */
  length: { top: number; sides: number; back: number };
  /** 0 flat on the skull, 1 very full. */
  volume: number;
  curl: Curl;
  /** Locks: their width, and how strongly hair gathers into them (0 to 1). */
  clump: { sizeCm: number; strength: number };
  /** From the wearer's view; none = hair grows from the whorl at the crown. */
  part: 'left' | 'middle' | 'right' | 'none';
  /** Where the top is combed to; `fall` lets it hang from the part or whorl. */
  comb: 'fall' | 'forward' | 'back' | 'up' | 'side' | 'out';
  fringe: Fringe;
  /** 0 one length, 1 every hair its zone's own length. */
  layers: number;
  /** How high up the sides are clipped; `skin` ends in bare skin. */
  fade: 'none' | 'low' | 'mid' | 'high' | 'skin';
  /** 0 combed, 1 tousled. */
  messiness: number;
  braids: Braids;
  updo: Updo;
  /** 0 lies on the scalp, 1 stands up at the root. */
  rootLift: number;
  /** 0 loose, 1 wet and flat. */
  slick: number;
  /** Sides and back clipped to one short length under a long top. */
  undercut: boolean;
  /** Only a strip along the middle stays long. */
  mohawk: boolean;
  ends: 'natural' | 'blunt' | 'in' | 'out';
  /** Loose strands along the face, 0 to 1. */
  framing: number;
  /** Ears left free: hair passes behind them. */
  tuck: 'none' | 'left' | 'right' | 'both';
};

const table = (diameterCm: number, pitchCm: number, amplitude: number, frizz: number): Curl => ({ diameterCm, pitchCm, amplitude, frizz });

/** Measured curl widths of the hair types, the diameters of pens and rods that stylists name. */
export const curls: Readonly<Record<CurlPattern, Curl>> = {
  '1A': table(0.4, 14, 0.1, 0.1), '1B': table(0.8, 13, 0.2, 0.15),
  '2A': table(1.6, 11, 0.5, 0.15), '2B': table(1.9, 8.5, 0.65, 0.2), '2C': table(2.1, 6.8, 0.8, 0.22),
  '3A': table(2.3, 5.4, 0.95, 0.16), '3B': table(1.8, 3.9, 1, 0.18), '3C': table(1.3, 2.7, 1, 0.22),
  '4A': table(0.9, 1.7, 1, 0.3), '4B': table(0.65, 1.2, 1, 0.4), '4C': table(0.5, 0.9, 1, 0.55),
};

const plain: Look = {
  length: { top: 0.5, sides: 0.5, back: 0.5 }, volume: 0.35, curl: curls['1B'], clump: { sizeCm: 0.9, strength: 0.45 },
  part: 'middle', comb: 'fall', fringe: { kind: 'none', length: 0 }, layers: 0.3, fade: 'none', messiness: 0.25,
  braids: 'none', updo: 'none', rootLift: 0.25, slick: 0, undercut: false, mohawk: false, ends: 'natural', framing: 0.3, tuck: 'none',
};

/** A look that says only where it differs from plain, middle-parted hair. */
export function look(differences: Partial<Look>): Look {
  return { ...plain, ...differences };
}
