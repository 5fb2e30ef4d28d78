import type { FaceFrame } from '../mesh.ts';
import { clamp } from '../raster.ts';
import type { Plane } from '../raster.ts';

/** What is shown: the face with the beginning of the shoulders, both shoulders, or the chest as well. */
export type Framing = 'close' | 'portrait' | 'bust';
export type Aspect = '4:5' | '1:1';

/** A part of the picture, px; it may reach beyond the picture where nothing of the person is cut off there. */
export type Frame = { x: number; y: number; width: number; height: number; /** Where the eyes are, 0 at the upper edge, 1 at the lower. */ eyes: number };

/** What is known of the person's outline, px of the picture. */
export type Outline = {
  width: number;
  height: number;
  frame: FaceFrame;
  /** Upper end of hair or hat. */
  top: number;
  /** First row in which the person reaches the left or right border of the picture; its height when nowhere. */
  leavesLeft: number;
  leavesRight: number;
  /** Whether hair or hat reach the upper border: then nobody knows how the head goes on. */
  isHeadCut: boolean;
};

/** Heights of a picture in heights of the face, and where the eyes are to be. */
const SIZES: Record<Framing, { height: number; least: number; eyes: number }> = {
  close: { height: 2.5, least: 2.15, eyes: 0.4 },
  portrait: { height: 3.05, least: 2.6, eyes: 0.38 },
  bust: { height: 3.8, least: 3.2, eyes: 0.355 },
};
/** Free height above the head and the lowest place of the eyes; how far the face may be from the middle, in widths. */
const HEAD_ROOM = 0.13;
const LOWEST_EYES = 0.46;
const TALLEST = 4;
const ASIDE = 0.12;
const SQUARER = { '4:5': 0.8, '1:1': 1 } as const;
/** A square of the same width as a tall picture cuts off the chest, not the head. */
const SQUARE_HEIGHT = 0.88;

/** Whether a pixel counts as the person. */
const SOLID = 0.5;

/** Measures where the person begins and is cut off by the picture. */
export function outlineOf(alpha: Plane, width: number, height: number, frame: FaceFrame): Outline {
  const { x, unit } = frame;
  const [left, right] = [Math.max(0, Math.floor(x - unit)), Math.min(width, Math.ceil(x + unit))];
  const isSolid = (row: number): boolean => {
    for (let column = left; column < right; column++) if (alpha[row * width + column]! > SOLID) return true;
    return false;
  };
  let top = 0;
  while (top < height - 1 && !isSolid(top)) top += 1;
  const leaves = (column: number): number => {
    for (let row = 0; row < height; row++) if (alpha[row * width + column]! > 0.2) return row;
    return height;
  };
  return { width, height, frame, top, leavesLeft: leaves(1), leavesRight: leaves(width - 2), isHeadCut: top <= Math.max(1, unit * 0.012) };
}

/** The best picture of that kind; null when the photo does not hold one. */
export function frameOf(outline: Outline, framing: Framing, aspect: Aspect): Frame | null {
  const { height, least, eyes } = SIZES[framing];
  if (outline.isHeadCut) return null;
  const square = aspect === '1:1' ? SQUARE_HEIGHT : 1;
  const { y, unit } = outline.frame;
  // High hair needs a taller picture, or it would touch the edge.
  const needed = ((y - outline.top) / unit + HEAD_ROOM) / LOWEST_EYES / square;
  for (let size = Math.min(TALLEST, Math.max(height, needed)); size >= least; size -= 0.03) {
    const found = tryFrame(outline, size * square * outline.frame.unit, eyes, SQUARER[aspect]);
    if (found) return found;
  }
  return null;
}

function tryFrame({ width, height, frame: { x, y, unit }, top, leavesLeft, leavesRight }: Outline, tall: number, wished: number, ratio: number): Frame | null {
  const eyes = Math.max(wished, (y - top + unit * HEAD_ROOM) / tall);
  if (eyes > LOWEST_EYES + 1e-6) return null;
  const [upper, wide] = [y - eyes * tall, tall * ratio];
  const lower = upper + tall;
  // Below the photo there is nothing to stand on.
  if (lower > height) return null;
  const middle = x - wide / 2;
  const aside = wide * ASIDE;
  const least = leavesLeft < lower ? 0 : -Infinity;
  const most = leavesRight < lower ? width - wide : Infinity;
  if (least > most || middle + aside < least || middle - aside > most) return null;
  return { x: clamp(middle, least, most), y: upper, width: wide, height: tall, eyes };
}

/** Share of the lower edge that shows the person: less than a third would float. */
export function standsOn(alpha: Plane, width: number, height: number, { x, y, width: wide, height: tall }: Frame): number {
  const row = Math.min(height - 1, Math.round(y + tall) - 1);
  let solid = 0;
  for (let column = Math.max(0, Math.round(x)); column < Math.min(width, x + wide); column++) if (alpha[row * width + column]! > SOLID) solid += 1;
  return solid / wide;
}
