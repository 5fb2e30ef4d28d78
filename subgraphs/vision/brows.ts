import { dilate } from './dilate.ts';
import { fillPolygon, LEFT_BROW, RIGHT_BROW, ring } from './mesh.ts';
import type { Scene } from './plate.ts';
import { blur, boxBlur, smoothstep } from './raster.ts';
import type { Plane } from './raster.ts';

type Color = readonly [number, number, number];
type Box = { x: number; y: number; width: number; height: number };

/** In face heights: what around a brow says whether hair lies over it, how wide the strands at its rim are, and how soft its own hairs end. */
const REACH = 0.05;
const RIM = 0.025;
const SOFT = 0.006;
/** A brow of which more is hidden is left as it is: dark hair in its shape looks more like it than anything that is known. */
const MOST_HIDDEN = 0.6;
/** How much a drawn hair covers. */
const COVER = 0.7;

/**
 * Where a lock lies over a part of a brow, that part is drawn anew on the plate: skin, and on it the brow in the color that its visible part has. The hair's mask
 * spares brows, so of such a lock a piece in the brow's shape would stay. `skinAt` gives the bare skin of a pixel.
 */
export function redrawHiddenBrows(plate: Uint8ClampedArray, scene: Scene, skinAt: (pixel: number) => Color): void {
  const { image: { width, height }, points, frame: { unit } } = scene;
  for (const brow of [RIGHT_BROW, LEFT_BROW]) {
    const outline = ring(points, brow);
    const box = boxAround(outline, unit * (REACH + RIM), { width, height });
    if (box.width < 3 || box.height < 3) continue;
    const inside = fillPolygon(box.width, box.height, outline.map((value, i) => value - (i % 2 === 0 ? box.x : box.y)));
    const hidden = hiddenBy(scene, box, inside);
    if (!hidden) continue;
    const color = colorOf(scene, box, inside, hidden);
    if (!color) continue;
    const shape = blur(inside, box.width, box.height, Math.max(0.5, unit * SOFT));
    for (let k = 0; k < shape.length; k++) {
      const share = hidden[k]!;
      if (share <= 0) continue;
      const i = pixelOf(k, box, width);
      const skin = skinAt(i);
      for (const c of [0, 1, 2] as const) {
        const drawn = skin[c] + (color[c] - skin[c]) * shape[k]! * COVER;
        plate[i * 3 + c] = plate[i * 3 + c]! * (1 - share) + drawn * share;
      }
    }
  }
}

/** 0..1 for each pixel of the box: how certainly hair lies over the brow there, as what is around it says. Null: nowhere, or nearly everywhere. */
function hiddenBy({ hair, image: { width }, frame: { unit } }: Scene, box: Box, inside: Plane): Plane | null {
  const near = dilate(inside, box.width, box.height, unit * RIM);
  const radius = Math.max(1, Math.round(unit * REACH));
  const known = boxBlur(near.map((value) => (value > 0 ? 0 : 1)), box.width, box.height, radius);
  const seen = boxBlur(near.map((value, k) => (value > 0 ? 0 : hair[pixelOf(k, box, width)]!)), box.width, box.height, radius);
  let [all, over] = [0, 0];
  const hidden = near.map((value, k) => {
    const share = value > 0 && known[k]! > 0.05 ? smoothstep(0.45, 0.75, seen[k]! / known[k]!) : 0;
    all += inside[k]!;
    over += inside[k]! * share;
    return share;
  });
  return all === 0 || over / all < 0.02 || over / all > MOST_HIDDEN ? null : blur(hidden, box.width, box.height, 1);
}

/** Of the darker half of what is seen of the brow. */
function colorOf({ image: { rgb, width } }: Scene, box: Box, inside: Plane, hidden: Plane): Color | null {
  const seen: Color[] = [];
  for (let k = 0; k < inside.length; k++) {
    if (inside[k]! < 1 || hidden[k]! > 0.05) continue;
    const i = pixelOf(k, box, width) * 3;
    seen.push([rgb[i]!, rgb[i + 1]!, rgb[i + 2]!]);
  }
  if (seen.length < 8) return null;
  const dark = seen.toSorted((a, b) => a[0] + a[1] + a[2] - (b[0] + b[1] + b[2])).slice(0, Math.ceil(seen.length / 2));
  const mean = (c: 0 | 1 | 2): number => dark.reduce((sum, color) => sum + color[c], 0) / dark.length;
  return [mean(0), mean(1), mean(2)];
}

const pixelOf = (k: number, { x, y, width }: Box, imageWidth: number): number => (y + Math.floor(k / width)) * imageWidth + x + (k % width);

function boxAround(outline: readonly number[], margin: number, { width, height }: { width: number; height: number }): Box {
  const [xs, ys] = [0, 1].map((axis) => outline.filter((_, i) => i % 2 === axis)) as [number[], number[]];
  const [x0, y0] = [Math.max(0, Math.floor(Math.min(...xs) - margin)), Math.max(0, Math.floor(Math.min(...ys) - margin))];
  const [x1, y1] = [Math.min(width, Math.ceil(Math.max(...xs) + margin)), Math.min(height, Math.ceil(Math.max(...ys) + margin))];
  return { x: x0, y: y0, width: x1 - x0, height: y1 - y0 };
}
