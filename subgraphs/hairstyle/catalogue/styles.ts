import { curls, look, type Look } from '../../vision/looks/look.ts';

export type HairStyle = {
  /** Six digits, never reused. */
  id: number;
  /** Family, dash, variant: "Bob - disheveled". */
  description: string;
  sex: 'feminine' | 'masculine' | 'unisex';
  tags: readonly string[];
  look: Look;
};

const style = (id: number, sex: HairStyle['sex'], description: string, tags: readonly string[], differences: Partial<Look>): HairStyle =>
  ({ id, description, sex, tags, look: look(differences) });

const all = (share: number): Look['length'] => ({ top: share, sides: share, back: share });
const cropped = (top: number, sides: number): Look['length'] => ({ top, sides, back: sides });
const fringe = (kind: Look['fringe']['kind'], length: number): Look['fringe'] => ({ kind, length });
const fine = { sizeCm: 0.6, strength: 0.3 }, locks = { sizeCm: 1.3, strength: 0.7 }, pieces = { sizeCm: 0.75, strength: 0.75 };
/** What every short cut shares. */
const short = { layers: 1, part: 'none', volume: 0.22, framing: 0, clump: { sizeCm: 0.6, strength: 0.5 } } as const satisfies Partial<Look>;
const tied = { part: 'none', slick: 0.45, volume: 0.25, length: all(1) } as const satisfies Partial<Look>;
const coily = { part: 'none', comb: 'out', layers: 1, clump: { sizeCm: 0.6, strength: 0.55 }, messiness: 0.4 } as const satisfies Partial<Look>;

/** The built-in hairstyles; ids are public and stay. */
export const styles: readonly HairStyle[] = [
  // bobs
  style(817941, 'feminine', 'Bob - disheveled', ['disheveled', 'bob'], { length: { top: 0.5, sides: 0.5, back: 0.45 }, part: 'left', messiness: 0.85, layers: 0.55, curl: curls['2A'], clump: pieces, volume: 0.5 }),
  style(462817, 'feminine', 'Bob - classic', ['classic', 'bob', 'straight'], { length: { top: 0.5, sides: 0.48, back: 0.45 }, part: 'left', ends: 'in', layers: 0.05, messiness: 0.1, curl: curls['1A'] }),
  style(739205, 'feminine', 'Bob - blunt with bangs', ['blunt', 'bob', 'bangs'], { length: all(0.5), part: 'none', fringe: fringe('blunt', 1), ends: 'blunt', layers: 0, messiness: 0.06, curl: curls['1A'], clump: fine }),
  style(158634, 'feminine', 'Bob - long', ['long bob', 'lob', 'bob'], { length: all(0.78), part: 'middle', ends: 'blunt', layers: 0.08, messiness: 0.12, curl: curls['1A'] }),
  style(904371, 'feminine', 'Bob - wavy', ['wavy', 'bob', 'lob'], { length: all(0.66), part: 'right', curl: curls['2B'], clump: locks, layers: 0.35, volume: 0.55, messiness: 0.35 }),
  style(326598, 'feminine', 'Bob - curly', ['curly', 'bob'], { length: all(0.5), part: 'middle', curl: curls['3B'], clump: locks, layers: 0.6, volume: 0.6 }),
  style(587120, 'feminine', 'Bob - chin length', ['chin', 'bob', 'french'], { length: all(0.37), part: 'none', fringe: fringe('wispy', 0.95), ends: 'in', layers: 0.1, messiness: 0.2 }),
  style(271946, 'feminine', 'Bob - flipped ends', ['flip', 'bob', 'retro'], { length: all(0.62), part: 'left', ends: 'out', layers: 0.12, volume: 0.6, messiness: 0.1 }),
  style(643082, 'feminine', 'Bob - sleek tucked', ['sleek', 'bob', 'straight'], { length: all(0.5), part: 'middle', ends: 'blunt', layers: 0, messiness: 0.03, slick: 0.7, curl: curls['1A'], clump: fine, framing: 0 }),
  style(195763, 'feminine', 'Bob - curtain bangs', ['curtain', 'bob', 'bangs'], { length: all(0.62), part: 'middle', fringe: fringe('curtain', 1), layers: 0.3, volume: 0.45, curl: curls['2A'] }),
  // pixies and short feminine cuts
  style(850417, 'feminine', 'Pixie - classic', ['pixie', 'short'], { ...short, length: { top: 0.24, sides: 0.12, back: 0.12 }, comb: 'side', part: 'left', fringe: fringe('side', 0.75), messiness: 0.25 }),
  style(412569, 'feminine', 'Pixie - tousled', ['pixie', 'tousled', 'short'], { ...short, length: { top: 0.26, sides: 0.14, back: 0.14 }, comb: 'forward', fringe: fringe('wispy', 0.6), messiness: 0.95, clump: pieces, rootLift: 0.6, volume: 0.4 }),
  style(968230, 'feminine', 'Pixie - long fringe', ['pixie', 'fringe', 'short'], { ...short, length: { top: 0.32, sides: 0.13, back: 0.12 }, comb: 'side', part: 'right', fringe: fringe('side', 1.05), messiness: 0.2, volume: 0.35 }),
  style(523784, 'feminine', 'Pixie - curly', ['pixie', 'curly', 'short'], { ...short, length: { top: 0.28, sides: 0.12, back: 0.12 }, comb: 'forward', fringe: fringe('wispy', 0.5), curl: curls['3B'], clump: pieces, volume: 0.5, rootLift: 0.6 }),
  style(706951, 'feminine', 'Shag - short', ['shag', 'layers', 'bangs'], { length: { top: 0.42, sides: 0.44, back: 0.5 }, part: 'none', fringe: fringe('wispy', 1), layers: 0.9, messiness: 0.85, curl: curls['2A'], clump: pieces, volume: 0.5 }),
  // medium and long
  style(384126, 'feminine', 'Shag - long', ['shag', 'layers', 'curtain bangs'], { length: { top: 0.6, sides: 0.95, back: 1.05 }, part: 'middle', fringe: fringe('curtain', 1), layers: 0.9, messiness: 0.75, curl: curls['2B'], clump: pieces, volume: 0.55 }),
  style(619872, 'feminine', 'Long - straight', ['long', 'straight'], { length: { top: 1.4, sides: 1.45, back: 1.5 }, part: 'middle', curl: curls['1A'], layers: 0.05, messiness: 0.06, clump: fine, volume: 0.28 }),
  style(237405, 'feminine', 'Long - side part', ['long', 'straight', 'side part'], { length: { top: 1.3, sides: 1.35, back: 1.4 }, part: 'left', layers: 0.2, messiness: 0.2, volume: 0.4 }),
  style(891653, 'feminine', 'Long - layered', ['long', 'layers'], { length: { top: 0.85, sides: 1.2, back: 1.4 }, part: 'middle', layers: 0.85, messiness: 0.35, curl: curls['2A'], clump: locks, volume: 0.5 }),
  style(540298, 'feminine', 'Long - beach waves', ['long', 'wavy', 'beach'], { length: { top: 1.1, sides: 1.2, back: 1.3 }, part: 'middle', curl: curls['2C'], clump: locks, layers: 0.45, messiness: 0.5, volume: 0.5 }),
  style(172839, 'feminine', 'Long - glamour waves', ['long', 'wavy', 'glamour'], { length: { top: 1.1, sides: 1.15, back: 1.2 }, part: 'left', curl: curls['2B'], clump: { sizeCm: 2, strength: 0.85 }, layers: 0.2, messiness: 0.04, volume: 0.55 }),
  style(465910, 'feminine', 'Long - curls', ['long', 'curly'], { length: { top: 0.9, sides: 1.05, back: 1.15 }, part: 'left', curl: curls['3A'], clump: { sizeCm: 1.6, strength: 0.85 }, layers: 0.6, volume: 0.65 }),
  style(908346, 'feminine', 'Long - blunt bangs', ['long', 'bangs', 'straight'], { length: { top: 1.3, sides: 1.3, back: 1.35 }, part: 'none', fringe: fringe('blunt', 1.02), layers: 0.05, messiness: 0.08, curl: curls['1A'], clump: fine }),
  style(351724, 'feminine', 'Long - wispy bangs', ['long', 'bangs', 'wispy'], { length: { top: 1.1, sides: 1.2, back: 1.25 }, part: 'none', fringe: fringe('wispy', 0.98), layers: 0.35, messiness: 0.25, curl: curls['2A'] }),
  style(786435, 'feminine', 'Long - curtain bangs', ['long', 'curtain', 'bangs'], { length: { top: 1, sides: 1.15, back: 1.25 }, part: 'middle', fringe: fringe('curtain', 1), layers: 0.5, curl: curls['2A'], clump: locks, volume: 0.55 }),
  style(623591, 'feminine', 'Medium - straight', ['medium', 'straight'], { length: all(0.9), part: 'middle', curl: curls['1A'], layers: 0.12, messiness: 0.1 }),
  style(148207, 'feminine', 'Medium - bouncy blowout', ['medium', 'blowout', 'volume'], { length: { top: 0.7, sides: 0.85, back: 0.9 }, part: 'left', ends: 'in', layers: 0.6, volume: 0.8, rootLift: 0.6, curl: curls['2A'], clump: locks }),
  style(937568, 'feminine', 'Medium - wavy', ['medium', 'wavy'], { length: all(0.85), part: 'right', curl: curls['2C'], clump: locks, layers: 0.45, messiness: 0.4, volume: 0.5 }),
  style(284690, 'feminine', 'Medium - ringlets', ['medium', 'curly', 'ringlets'], { length: all(0.75), part: 'middle', curl: curls['3C'], clump: { sizeCm: 1, strength: 0.9 }, layers: 0.7, volume: 0.7 }),
  style(570183, 'unisex', 'Medium - wolf cut', ['medium', 'wolf cut', 'layers'], { length: { top: 0.4, sides: 0.62, back: 0.95 }, part: 'middle', fringe: fringe('curtain', 0.9), layers: 1, messiness: 0.9, curl: curls['2A'], clump: pieces, volume: 0.6, rootLift: 0.5 }),
  style(815326, 'feminine', 'Medium - hime cut', ['medium', 'hime', 'bangs', 'straight'], { length: { top: 0.9, sides: 0.42, back: 1.1 }, part: 'none', fringe: fringe('blunt', 0.98), ends: 'blunt', layers: 0, messiness: 0.02, curl: curls['1A'], clump: fine, volume: 0.25 }),
  // coils
  style(493657, 'unisex', 'Afro - rounded', ['afro', 'coils', 'natural'], { ...coily, length: all(0.26), curl: curls['4B'], volume: 0.8 }),
  style(160948, 'unisex', 'Afro - large', ['afro', 'coils', 'volume'], { ...coily, length: all(0.4), curl: curls['4A'], volume: 1 }),
  style(732816, 'unisex', 'Afro - short', ['afro', 'short', 'coils'], { ...coily, length: all(0.11), curl: curls['4C'], volume: 0.4 }),
  style(258473, 'masculine', 'Afro - tapered', ['afro', 'taper', 'fade'], { ...coily, length: cropped(0.2, 0.08), curl: curls['4B'], volume: 0.5, fade: 'mid' }),
  style(609134, 'masculine', 'Afro - high top', ['afro', 'high top', 'fade'], { ...coily, comb: 'up', length: cropped(0.34, 0.05), curl: curls['4C'], volume: 0.5, fade: 'high', messiness: 0.1 }),
  style(374905, 'feminine', 'Coils - shoulder length', ['coils', 'curly', 'natural'], { length: { top: 0.5, sides: 0.62, back: 0.62 }, part: 'middle', curl: curls['4A'], clump: { sizeCm: 0.8, strength: 0.8 }, layers: 0.8, volume: 0.9, messiness: 0.4 }),
  // braids and locs
  style(946281, 'unisex', 'Braids - box', ['braids', 'box braids', 'protective'], { length: all(1.3), braids: 'box', layers: 0.15, volume: 0.2, part: 'middle', messiness: 0.1 }),
  style(517362, 'feminine', 'Braids - box bob', ['braids', 'box braids', 'bob'], { length: all(0.52), braids: 'box', layers: 0.05, volume: 0.2, part: 'left', messiness: 0.1 }),
  style(683049, 'unisex', 'Braids - cornrows', ['braids', 'cornrows', 'protective'], { length: { top: 0.4, sides: 0.4, back: 0.5 }, braids: 'cornrows' }),
  style(129857, 'feminine', 'Braids - two plaits', ['braids', 'plaits', 'pigtails'], { length: all(0.95), braids: 'two', part: 'middle', slick: 0.35, volume: 0.3, framing: 0.4 }),
  style(840716, 'feminine', 'Braid - side', ['braid', 'side'], { length: all(1), braids: 'side', part: 'left', slick: 0.2, volume: 0.4, framing: 0.7, messiness: 0.5 }),
  style(295643, 'feminine', 'Braid - crown', ['braid', 'crown', 'updo'], { length: { top: 0.8, sides: 0.2, back: 0.2 }, braids: 'crown', updo: 'bun-low', comb: 'back', part: 'none', slick: 0.4, volume: 0.25, framing: 0.5 }),
  style(761508, 'unisex', 'Twists - long', ['twists', 'protective'], { length: all(0.95), braids: 'twists', layers: 0.2, volume: 0.3, part: 'middle' }),
  style(438192, 'masculine', 'Twists - short', ['twists', 'short'], { length: all(0.2), braids: 'twists', layers: 1, volume: 0.4, part: 'none', rootLift: 0.5 }),
  style(972634, 'unisex', 'Locs - shoulder length', ['locs', 'dreadlocks'], { length: all(0.8), braids: 'locs', layers: 0.3, volume: 0.35, part: 'middle', messiness: 0.3 }),
  // updos
  style(316785, 'feminine', 'Bun - low', ['bun', 'updo', 'low'], { ...tied, updo: 'bun-low', part: 'middle', framing: 0.5 }),
  style(859420, 'feminine', 'Bun - high', ['bun', 'updo', 'ballerina'], { ...tied, updo: 'bun-high', framing: 0.1, messiness: 0.05 }),
  style(204317, 'feminine', 'Bun - messy', ['bun', 'updo', 'messy'], { ...tied, updo: 'bun-high', framing: 1, messiness: 0.95, slick: 0.05, volume: 0.4 }),
  style(648739, 'feminine', 'Bun - space buns', ['bun', 'updo', 'space buns'], { ...tied, updo: 'space-buns', part: 'middle', framing: 0.4, messiness: 0.3 }),
  style(591276, 'feminine', 'Chignon - classic', ['chignon', 'updo', 'elegant'], { ...tied, updo: 'chignon', part: 'left', slick: 0.3, framing: 0.3, volume: 0.4 }),
  style(180365, 'feminine', 'Ponytail - high', ['ponytail', 'updo', 'high'], { ...tied, updo: 'ponytail', slick: 0.6, framing: 0.15, length: all(1.7) }),
  style(723948, 'feminine', 'Ponytail - low', ['ponytail', 'updo', 'low'], { ...tied, updo: 'ponytail-low', part: 'middle', slick: 0.35, framing: 0.6, length: all(1.15) }),
  style(436571, 'feminine', 'Half-up - straight', ['half-up', 'long', 'straight'], { length: all(1.2), updo: 'half-up', part: 'none', layers: 0.2, framing: 0.3, volume: 0.3 }),
  style(967102, 'feminine', 'Half-up - wavy', ['half-up', 'long', 'wavy'], { length: all(1.1), updo: 'half-up', part: 'none', curl: curls['2C'], clump: locks, layers: 0.4, framing: 0.7, volume: 0.45 }),
  style(352890, 'unisex', 'Half-up - top bun', ['half-up', 'bun'], { length: all(0.85), updo: 'half-bun', part: 'none', layers: 0.2, messiness: 0.5, curl: curls['2A'], framing: 0.4 }),
  // masculine
  style(614253, 'masculine', 'Buzz cut - even', ['buzz', 'short', 'military'], { ...short, length: all(0.03), comb: 'forward', volume: 0, messiness: 0.05, clump: fine }),
  style(287916, 'masculine', 'Buzz cut - fade', ['buzz', 'fade', 'short'], { ...short, length: all(0.035), comb: 'forward', volume: 0, fade: 'skin', messiness: 0.05, clump: fine }),
  style(905748, 'masculine', 'Crew cut - classic', ['crew cut', 'short'], { ...short, length: cropped(0.11, 0.06), comb: 'forward', fade: 'low', rootLift: 0.6, messiness: 0.25 }),
  style(473065, 'masculine', 'Crop - textured', ['crop', 'textured', 'fade'], { ...short, length: cropped(0.16, 0.05), comb: 'forward', fade: 'high', fringe: fringe('wispy', 0.35), messiness: 0.85, clump: pieces }),
  style(138579, 'masculine', 'Crop - french', ['crop', 'french', 'fringe'], { ...short, length: cropped(0.14, 0.06), comb: 'forward', fade: 'mid', fringe: fringe('blunt', 0.4), messiness: 0.25 }),
  style(796420, 'masculine', 'Caesar - classic', ['caesar', 'short', 'fringe'], { ...short, length: all(0.1), comb: 'forward', fringe: fringe('blunt', 0.3), messiness: 0.15, volume: 0.12 }),
  style(541837, 'masculine', 'Side part - gentleman', ['side part', 'classic', 'business'], { ...short, length: cropped(0.26, 0.08), comb: 'side', part: 'left', fade: 'low', slick: 0.3, messiness: 0.05, rootLift: 0.35, volume: 0.3 }),
  style(869304, 'masculine', 'Side part - hard', ['side part', 'fade'], { ...short, length: cropped(0.24, 0.06), comb: 'side', part: 'right', fade: 'high', slick: 0.4, messiness: 0.02, rootLift: 0.45, volume: 0.35 }),
  style(320679, 'masculine', 'Pompadour - classic', ['pompadour', 'volume'], { ...short, length: cropped(0.4, 0.1), comb: 'back', fade: 'low', rootLift: 1, volume: 0.6, messiness: 0.1 }),
  style(651942, 'masculine', 'Quiff - modern', ['quiff', 'volume', 'fade'], { ...short, length: cropped(0.3, 0.06), comb: 'back', fade: 'mid', rootLift: 1, volume: 0.5, messiness: 0.6, clump: pieces }),
  style(214586, 'masculine', 'Slick back - undercut', ['slick back', 'undercut'], { ...short, length: cropped(0.42, 0.05), comb: 'back', undercut: true, slick: 0.75, messiness: 0.02, clump: { sizeCm: 0.5, strength: 0.7 } }),
  style(987453, 'masculine', 'Slick back - classic', ['slick back', 'wet'], { ...short, length: cropped(0.4, 0.3), comb: 'back', slick: 0.8, messiness: 0.02 }),
  style(405168, 'masculine', 'Spiky - short', ['spiky', 'short'], { ...short, length: cropped(0.17, 0.05), comb: 'up', fade: 'mid', messiness: 0.6, clump: { sizeCm: 1.1, strength: 0.9 } }),
  style(758231, 'masculine', 'Mohawk - classic', ['mohawk', 'punk'], { ...short, length: cropped(0.42, 0.03), comb: 'up', mohawk: true, messiness: 0.15, clump: { sizeCm: 1.1, strength: 0.8 } }),
  style(163092, 'masculine', 'Mohawk - faux', ['faux hawk', 'fade'], { ...short, length: cropped(0.22, 0.07), comb: 'up', fade: 'mid', mohawk: true, messiness: 0.4, clump: pieces }),
  style(692537, 'masculine', 'Curls - fade', ['curly', 'fade', 'short'], { ...short, length: cropped(0.26, 0.06), comb: 'forward', fade: 'mid', curl: curls['3B'], clump: pieces, volume: 0.5, rootLift: 0.6, fringe: fringe('wispy', 0.45) }),
  style(347810, 'masculine', 'Curtains - nineties', ['curtains', 'middle part'], { length: { top: 0.42, sides: 0.2, back: 0.2 }, part: 'middle', layers: 1, fringe: fringe('curtain', 0.9), messiness: 0.2, volume: 0.4, rootLift: 0.4 }),
  style(820195, 'masculine', 'Mullet - modern', ['mullet', 'layers'], { length: { top: 0.26, sides: 0.12, back: 0.62 }, part: 'none', comb: 'forward', layers: 1, fringe: fringe('wispy', 0.5), messiness: 0.7, clump: pieces, curl: curls['2A'], volume: 0.35 }),
  style(536974, 'masculine', 'Bowl cut - soft', ['bowl', 'fringe'], { length: { top: 0.5, sides: 0.12, back: 0.12 }, part: 'none', fringe: fringe('blunt', 0.85), layers: 0.1, ends: 'blunt', messiness: 0.1, volume: 0.35 }),
  style(179648, 'masculine', 'Top knot - undercut', ['top knot', 'man bun', 'undercut'], { ...tied, updo: 'top-knot', undercut: true, fade: 'mid', slick: 0.6, framing: 0, messiness: 0.2 }),
  style(948305, 'masculine', 'Long - surfer', ['long', 'wavy', 'surfer'], { length: { top: 0.7, sides: 0.75, back: 0.8 }, part: 'middle', curl: curls['2B'], clump: pieces, layers: 0.6, messiness: 0.7, volume: 0.4 }),
  style(263517, 'masculine', 'Long - swept back', ['long', 'swept back'], { length: { top: 0.6, sides: 0.5, back: 0.55 }, part: 'none', comb: 'back', layers: 0.7, rootLift: 0.6, slick: 0.4, messiness: 0.2, volume: 0.6 }),
  style(709826, 'masculine', 'Ivy league - neat', ['ivy league', 'short', 'business'], { ...short, length: cropped(0.16, 0.08), comb: 'side', part: 'left', rootLift: 0.5, messiness: 0.1, fade: 'low' }),
];
