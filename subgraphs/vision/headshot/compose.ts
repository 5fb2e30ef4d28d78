import sharp from 'sharp';
import { measureFidelity } from '../fidelity.ts';
import { guidedFilter } from '../guided.ts';
import { blur, clamp, smoothstep } from '../raster.ts';
import type { Plane, Raster } from '../raster.ts';
import { paintBackdrop } from './backdrop.ts';
import type { Backdrop } from './backdrop.ts';
import type { Frame } from './framing.ts';
import { applyBalance } from './light.ts';
import type { Balance } from './light.ts';
import type { Subject } from './subject.ts';

/** Largest picture, px, and how much larger than the photo shows it a person may be drawn. */
const MOST_HEIGHT = { '4:5': 1280, '1:1': 1024 } as const;
const MOST_ENLARGED = 1.7;

export type Shot = { backdrop: Backdrop; frame: Frame; aspect: '4:5' | '1:1' };

/** Sets the person before a background. `mostHeight` makes a smaller picture than the photo would allow. */
export async function compose(subject: Subject, balance: Balance, shot: Shot, seed: number, mostHeight = Infinity): Promise<Raster> {
  const view = await viewOf(subject, shot, mostHeight);
  const { width, height } = view.image;
  const planes = sampled(subject, view);
  const alpha = sharpened(view, planes.alpha, planes.calm, subject.frame.unit * view.scale);
  const half = subject.frame.unit / 2;
  const { grain } = measureFidelity(subject.small, { x: subject.frame.x - half, y: subject.frame.y - half, width: half * 2, height: half * 2.4 });
  const back = await paintBackdrop(shot.backdrop, { width, height, seed, light: balance.light, grain: grain * 0.8 });
  const lit = applyBalance({ width, height, rgb: lift(view.image, alpha, planes) }, balance, { x: (subject.frame.x - view.x) * view.scale, unit: subject.frame.unit * view.scale });
  return { width, height, rgb: laidOver(lit, back, alpha) };
}

/** A part of the photo as large as the picture. `scale`: px of the picture for one of `small`, whose px `x` and `y` are. */
type View = { image: Raster; x: number; y: number; scale: number; inside: { x: number; y: number; width: number; height: number } };

async function viewOf({ image, small }: Subject, { frame, aspect }: Shot, mostHeight: number): Promise<View> {
  const detail = image.width / small.width;
  const [left, top] = [Math.round(frame.x * detail), Math.round(frame.y * detail)];
  const tall = Math.round(frame.height * detail);
  const height = 2 * Math.round(Math.min(MOST_HEIGHT[aspect], mostHeight, tall * MOST_ENLARGED) / 2);
  const width = aspect === '1:1' ? height : 2 * Math.round((height * 0.8) / 2);
  const enlarged = height / tall;
  const wide = width / enlarged;
  const [x0, y0] = [Math.max(0, left), Math.max(0, top)];
  const [x1, y1] = [Math.min(image.width, Math.floor(left + wide)), Math.min(image.height, top + tall)];
  const inside = {
    x: Math.round((x0 - left) * enlarged), y: Math.round((y0 - top) * enlarged),
    width: Math.min(width, Math.round((x1 - x0) * enlarged)), height: Math.min(height, Math.round((y1 - y0) * enlarged)),
  };
  inside.width = Math.min(inside.width, width - inside.x);
  inside.height = Math.min(inside.height, height - inside.y);
  const { data } = await sharp(image.rgb, { raw: { width: image.width, height: image.height, channels: 3 } })
    .extract({ left: x0, top: y0, width: x1 - x0, height: y1 - y0 }).resize(inside.width, inside.height, { fit: 'fill', kernel: 'lanczos3' })
    .extend({ left: inside.x, top: inside.y, right: width - inside.x - inside.width, bottom: height - inside.y - inside.height, extendWith: 'copy' })
    .raw().toBuffer({ resolveWithObject: true });
  return { image: { width, height, rgb: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength) }, x: left / detail, y: top / detail, scale: enlarged * detail, inside };
}

type Sampled = { alpha: Plane; calm: Plane; front: Plane[]; back: Plane[] };

/** The layers as large as the picture; nothing of the person lies beyond the photo. */
function sampled({ alpha, calm, front, back, small }: Subject, view: View): Sampled {
  const grow = enlarger(view, small.width, small.height);
  const { image: { width }, inside } = view;
  const seen = grow(alpha);
  for (let i = 0; i < seen.length; i++) if (!isInside(inside, i % width, (i / width) | 0)) seen[i] = 0;
  return { alpha: seen, calm: grow(calm), front: front.map(grow), back: back.map(grow) };
}

const isInside = ({ x, y, width, height }: View['inside'], column: number, row: number): boolean => column >= x && row >= y && column < x + width && row < y + height;

/** Bilinear, the places worked out once for all planes; edge pixels are repeated. */
function enlarger({ image: { width, height }, x, y, scale }: View, fromWidth: number, fromHeight: number): (plane: Plane) => Plane {
  const axis = (count: number, start: number, most: number) => {
    const [low, share] = [new Int32Array(count), new Float32Array(count)];
    for (let k = 0; k < count; k++) {
      const at = clamp(start + (k + 0.5) / scale - 0.5, 0, most - 1.001);
      low[k] = Math.floor(at);
      share[k] = at - low[k]!;
    }
    return { low, share };
  };
  const [columns, rows] = [axis(width, x, fromWidth), axis(height, y, fromHeight)];
  return (plane) => {
    const out = new Float32Array(width * height);
    for (let row = 0, i = 0; row < height; row++) {
      const [top, down] = [rows.low[row]! * fromWidth, rows.share[row]!];
      for (let column = 0; column < width; column++, i++) {
        const p = top + columns.low[column]!;
        const across = columns.share[column]!;
        const upper = plane[p]! + (plane[p + 1]! - plane[p]!) * across;
        const lower = plane[p + fromWidth]! + (plane[p + fromWidth + 1]! - plane[p + fromWidth]!) * across;
        out[i] = upper + (lower - upper) * down;
      }
    }
    return out;
  };
}

/** Edges found at a smaller size follow the picture again. */
function sharpened({ image, scale, inside }: View, alpha: Plane, calm: Plane, unit: number): Plane {
  if (scale < 1.15) return alpha;
  const fine = guidedFilter(image, alpha, Math.max(2, Math.round(unit * 0.01)), 3e-5);
  const { width } = image;
  return fine.map((value, i) => {
    const row = (i / width) | 0;
    if (!isInside(inside, i - row * width, row)) return 0;
    return smoothstep(0.03, 0.97, clamp(value, 0, 1) * calm[i]! + alpha[i]! * (1 - calm[i]!));
  });
}

/** The person's own colors: what shines through at the edges is taken out. */
function lift({ rgb }: Raster, alpha: Plane, { front, back, calm }: Sampled): Uint8ClampedArray {
  const out = new Uint8ClampedArray(rgb.length);
  for (let i = 0, p = 0; i < alpha.length; i++) {
    const a = alpha[i]!;
    if (a === 0) {
      p += 3;
      continue;
    }
    const trust = smoothstep(0.15, 0.65, a) * calm[i]! + smoothstep(0.75, 1, a) * (1 - calm[i]!);
    for (let c = 0; c < 3; c++, p++) {
      const lifted = clamp((rgb[p]! - (1 - a) * back[c]![i]!) / Math.max(a, 0.15), 0, 255);
      out[p] = a > 0.995 ? rgb[p]! : front[c]![i]! * (1 - trust) + lifted * trust + 0.5;
    }
  }
  return out;
}

/** Share of the background's light that falls around the edges. */
const WRAP = 0.1;

function laidOver(person: Raster, back: Raster, alpha: Plane): Uint8ClampedArray {
  const { width, height } = person;
  const near = blur(alpha, width, height, Math.max(2, height / 220));
  const out = new Uint8ClampedArray(person.rgb.length);
  for (let i = 0, p = 0; i < alpha.length; i++) {
    const a = alpha[i]!;
    const wrap = WRAP * (1 - near[i]!) * 2;
    for (let c = 0; c < 3; c++, p++) {
      const front = person.rgb[p]! * (1 - wrap) + back.rgb[p]! * wrap;
      out[p] = front * a + back.rgb[p]! * (1 - a) + 0.5;
    }
  }
  return out;
}
