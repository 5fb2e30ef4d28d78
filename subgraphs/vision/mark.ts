/** Strokes of the letters on a grid 4 wide and 6 high. */
const LETTERS = {
  T: 'M0 0H4M2 0V6',
  E: 'M4 0H0V6H4M0 3H3.2',
  S: 'M4 0.9C3.6 0.2 2.9 0 2 0C0.8 0 0 0.6 0 1.5C0 3.6 4 2.4 4 4.5C4 5.4 3.2 6 2 6C1 6 0.3 5.8 0 5.1',
} as const;

const ADVANCE = 5.6;
const WORD = (['T', 'E', 'S', 'T'] as const).map((letter, index) => `<path transform="translate(${index * ADVANCE} 0)" d="${LETTERS[letter]}"/>`).join('');

/** Words and gaps per longest side: large enough to be read on a thumbnail. */
const UNITS = 120;
const TILE = { width: 34, height: 24 } as const;

/** An SVG of the size of a picture: the word TEST all over it, aslant, legible on light and on dark. No font is needed. */
export function testMark(width: number, height: number): string {
  const scale = Math.max(width, height) / UNITS;
  const ink = (color: string, opacity: number, stroke: number): string => `<g stroke="${color}" stroke-opacity="${opacity}" stroke-width="${stroke}">${WORD}</g>`;
  const word = ink('#000', 0.25, 1.7) + ink('#fff', 0.6, 1);
  const at = (x: number, y: number): string => `<g transform="translate(${x} ${y})">${word}</g>`;
  // Two rows, the second shifted by half a tile and cut in two by the tile's edge.
  const words = at(6, 3) + at(6 - TILE.width / 2, 3 + TILE.height / 2) + at(6 + TILE.width / 2, 3 + TILE.height / 2);
  const pattern = `<pattern id="p" width="${TILE.width}" height="${TILE.height}" patternUnits="userSpaceOnUse" patternTransform="rotate(-30) scale(${scale})">${words}</pattern>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="none" stroke-linecap="round" stroke-linejoin="round"><defs>${pattern}</defs><rect width="100%" height="100%" fill="url(#p)"/></svg>`;
}
