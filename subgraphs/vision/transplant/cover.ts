import type { Cranium } from '../cranium.ts';
import type { PreparedPhoto } from '../engine.ts';
import { clamp } from '../raster.ts';
import { skullMiddle } from './anchors.ts';
import type { OpenPiece } from './piece.ts';
import { warpAt } from './warp.ts';
import type { Warp } from './warp.ts';

/** Directions round the skull that are looked along, a whole turn. */
const RAYS = 180;
/** Most that hair is drawn out, as a factor of its distance from the skull's middle. */
const MOST = 1.4;
const OVER_SKULL_CM = 0.45;

/** For each direction: how far the hair reaches, how far it must, and where drawing it out begins, px from the middle. */
type Reach = { hair: number; wanted: number };

/**
 * Draws the hair out where it would not cover the skull that the plate shows: no two heads have the same shape above the face. Where the
 * piece is bald it stays so. `factor`: px of the picture for one px of the cranium's planes.
 */
export function coverSkull(warp: Warp, piece: OpenPiece, cranium: Cranium, photo: Seen, factor: number): Warp {
  const [smallX, smallY] = skullMiddle(cranium.head);
  const [cx, cy] = [(smallX + 0.5) * factor, (smallY + 0.5) * factor];
  const px = cranium.head.pxPerCm * factor;
  const reaches = Array.from({ length: RAYS }, (_, ray) => reachAlong(warp, piece, cranium, photo, factor, { cx, cy, angle: (ray / RAYS) * Math.PI * 2 }, px));
  const stretch = smoothRing(reaches.map(({ hair, wanted }) => (hair === 0 || hair < wanted * 0.72 ? 1 : clamp(wanted / hair, 1, MOST))));
  if (stretch.every((value) => value < 1.003)) return warp;
  const out: Warp = { ...warp, x: new Float32Array(warp.x.length), y: new Float32Array(warp.y.length) };
  const place = new Float32Array(2);
  for (let g = 0; g < warp.x.length; g++) {
    const [dx, dy] = [(g % warp.columns) * warp.step - cx, Math.floor(g / warp.columns) * warp.step - cy];
    const r = Math.hypot(dx, dy);
    const turn = ((Math.atan2(dy, dx) / (Math.PI * 2)) * RAYS + RAYS) % RAYS;
    const [ray, share] = [Math.floor(turn), turn % 1];
    const by = stretch[ray]! * (1 - share) + stretch[(ray + 1) % RAYS]! * share;
    const { hair } = reaches[ray]!;
    const from = shrunk(r, by, hair > 0 ? hair : r);
    const scale = r > 0 ? from / r : 1;
    warpAt(warp, clamp(cx + dx * scale, 0, (warp.columns - 2) * warp.step), clamp(cy + dy * scale, 0, (warp.rows - 2) * warp.step), place);
    [out.x[g], out.y[g]] = [place[0]!, place[1]!];
  }
  return out;
}

/** Where on the ray the hair comes from: the same near the face, drawn out up to its rim, moved along beyond it. */
function shrunk(r: number, by: number, hair: number): number {
  const inner = hair * 0.45;
  if (by <= 1 || r <= inner) return r;
  const rim = hair * by;
  return r < rim ? inner + ((r - inner) * (hair - inner)) / (rim - inner) : r - (rim - hair);
}

type Seen = Pick<PreparedPhoto, 'person' | 'width' | 'height'>;
type Ray = { cx: number; cy: number; angle: number };

function reachAlong(warp: Warp, piece: OpenPiece, { inside }: Cranium, { person, width, height }: Seen, factor: number, { cx, cy, angle }: Ray, px: number): Reach {
  const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
  const [w, h] = [Math.round(width / factor), Math.round(height / factor)];
  const place = new Float32Array(2);
  const reach: Reach = { hair: 0, wanted: 0 };
  // Below the ears the neck begins, and hair may hang as it likes.
  if (uy > 0.35) return reach;
  for (let r = px; r < px * 17; r += px * 0.1) {
    const [x, y] = [cx + ux * r, cy + uy * r];
    if (x < 0 || y < 0 || x >= width || y >= height) break;
    const [sx, sy] = [Math.floor(x / factor), Math.floor(y / factor)];
    if (sx < w && sy < h && inside[sy * w + sx]! > 0.5 && person[Math.floor(y) * width + Math.floor(x)]! > 0.5) reach.wanted = r + px * OVER_SKULL_CM;
    warpAt(warp, x, y, place);
    const [qx, qy] = [Math.round(place[0]!), Math.round(place[1]!)];
    if (qx >= 0 && qy >= 0 && qx < piece.about.width && qy < piece.about.height && piece.alpha[qy * piece.about.width + qx]! > 0.6) reach.hair = r;
  }
  return reach;
}

/** Each direction takes the greatest of its neighbours, smoothly. */
function smoothRing(values: readonly number[]): number[] {
  const around = (i: number, reach: number): number[] => Array.from({ length: 2 * reach + 1 }, (_, k) => values[(i + k - reach + values.length) % values.length]!);
  const greatest = values.map((_, i) => Math.max(...around(i, 5)));
  return greatest.map((_, i) => {
    let sum = 0;
    for (let k = -6; k <= 6; k++) sum += greatest[(i + k + values.length) % values.length]!;
    return sum / 13;
  });
}
