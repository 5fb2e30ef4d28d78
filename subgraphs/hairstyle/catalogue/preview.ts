import type { PreparedPhoto } from '../../vision/engine.ts';
import { curls, look, type Look } from '../../vision/looks/look.ts';
import { mannequin } from '../../vision/strands/mannequin.ts';
import { renderLook } from '../../vision/strands/render.ts';
import { renderTress } from '../../vision/strands/tress.ts';

export type Picture = { width: number; height: number; rgb: Uint8ClampedArray };

const brown = '#5b3a26';
const busts = new Map<string, PreparedPhoto>();

function getBust(width: number, height: number): PreparedPhoto {
  const key = `${width}x${height}`;
  const known = busts.get(key) ?? mannequin(width, height, { x: width / 2, y: height * 0.5, pxPerCm: width / 35 });
  busts.set(key, known);
  return known;
}

/** Shows a look on our own mannequin; 4:5 portrait, `size` is the width in pixels. */
export function renderStylePreview(shown: Look, size: number): Picture {
  const bust = getBust(size, Math.round(size * 1.25));
  const { rgb } = renderLook(bust, shown, { color: { hex: brown }, forceNewHairline: false, seed: 11, onProgress: () => {} });
  return { width: bust.width, height: bust.height, rgb };
}

/** Shows a color as a wavy tress; square, `size` in pixels. */
export function renderColorPreview(hex: string, size: number): Picture {
  const rgb = renderTress(look({ curl: curls['2B'], clump: { sizeCm: 1.1, strength: 0.6 }, messiness: 0.12 }), { hex }, size, 5);
  return { width: size, height: size, rgb };
}
