import { heicBombs } from './heic.ts';
import { jpegBombs } from './jpeg.ts';
import { pngBombs } from './png.ts';
import { tiffBombs } from './tiff.ts';
import { webpBombs } from './webp.ts';
import type { Bomb } from './bomb.ts';

export const bombs: Readonly<Record<string, Bomb>> = { ...pngBombs, ...jpegBombs, ...webpBombs, ...heicBombs, ...tiffBombs };
