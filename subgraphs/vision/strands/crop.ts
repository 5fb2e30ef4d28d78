import type { PreparedPhoto } from '../engine.ts';
import type { Look } from '../looks/look.ts';
import { project, toHeadDirection, type Head } from './head.ts';
import { clamp } from './numbers.ts';

/** The part of a photo that hair can reach. */
export type Window = { x: number; y: number; width: number; height: number };

/** Rows of an awkward length: with 4096-byte rows every step down a strand would meet the same cache line. */
const awkward = (width: number): number => width + ((19 - width % 32) + 32) % 32;

export function windowFor(photo: PreparedPhoto, head: Head, look: Look): Window {
  const reach = 9 + 14 * look.volume + (look.comb === 'out' || look.comb === 'up' ? 16 * look.length.top : 2);
  const down = 8 + 23 * Math.max(look.length.sides, look.length.back, look.updo.startsWith('pony') ? look.length.top : 0);
  const [cx, cy] = project(head, 0, 2, -4), px = head.pxPerCm;
  const lean = Math.abs(toHeadDirection(head, [0, -1, 0])[0]) * 10;
  const left = clamp(Math.floor(cx - (reach + lean + 7) * px), 0, photo.width - 1), right = clamp(Math.ceil(cx + (reach + lean + 7) * px), left + 1, photo.width);
  const top = clamp(Math.floor(cy - (reach + 18) * px), 0, photo.height - 1), bottom = clamp(Math.ceil(cy + (down + 4) * px), top + 1, photo.height);
  return { x: left, y: top, width: awkward(right - left), height: bottom - top };
}

function cutPlane<T extends Float32Array | Uint8ClampedArray>(from: T, to: T, photo: PreparedPhoto, window: Window, channels: number): T {
  for (let y = 0; y < window.height; y += 1) for (let x = 0; x < window.width; x += 1) {
    const source = ((y + window.y) * photo.width + Math.min(photo.width - 1, x + window.x)) * channels, target = (y * window.width + x) * channels;
    for (let c = 0; c < channels; c += 1) to[target + c] = from[source + c]!;
  }
  return to;
}

/** The window as a photo of its own; beyond the right border the last column is repeated. */
export function cropPhoto(photo: PreparedPhoto, window: Window): PreparedPhoto {
  const size = window.width * window.height;
  return {
    ...photo, width: window.width, height: window.height,
    rgb: new Uint8ClampedArray(0), plate: cutPlane(photo.plate, new Uint8ClampedArray(size * 3), photo, window, 3),
    ears: cutPlane(photo.ears, new Float32Array(size), photo, window, 1),
    person: cutPlane(photo.person, new Float32Array(size), photo, window, 1), hair: cutPlane(photo.hair, new Float32Array(size), photo, window, 1),
    landmarks: photo.landmarks.map((value, i) => i % 3 === 0 ? value - window.x : i % 3 === 1 ? value - window.y : value),
  };
}

/** The whole plate with the finished window put back. */
export function pasteWindow(photo: PreparedPhoto, window: Window, finished: Uint8ClampedArray): Uint8ClampedArray {
  const out = Uint8ClampedArray.from(photo.plate);
  const width = Math.min(window.width, photo.width - window.x);
  for (let y = 0; y < window.height; y += 1) {
    out.set(finished.subarray(y * window.width * 3, (y * window.width + width) * 3), ((y + window.y) * photo.width + window.x) * 3);
  }
  return out;
}
