import sharp from 'sharp';
import { clamp } from '../raster.ts';
import type { Raster } from '../raster.ts';
import { hashed } from '../strands/numbers.ts';

/** Backgrounds of our own drawing. */
export type Backdrop = keyof typeof backdrops;
export type BackdropKind = 'studio' | 'gradient' | 'office';

type Paint = { kind: 'studio'; light: string; dark: string; /** Radius of the lit part, in heights. */ reach: number } | { kind: 'gradient'; from: string; to: string; angle: number } | { kind: 'office'; draw: (random: () => number) => string };

export const backdrops = {
  'studio-grey': { kind: 'studio', light: '#b4b8bd', dark: '#6d7177', reach: 0.85 },
  'studio-white': { kind: 'studio', light: '#fafbfb', dark: '#d5d9dd', reach: 1.05 },
  'studio-charcoal': { kind: 'studio', light: '#5b6068', dark: '#22252a', reach: 0.75 },
  'studio-blue': { kind: 'studio', light: '#66809d', dark: '#25364a', reach: 0.8 },
  'studio-sand': { kind: 'studio', light: '#dccfbf', dark: '#a18f7c', reach: 0.95 },
  'gradient-mist': { kind: 'gradient', from: '#eef1f4', to: '#b3bfcb', angle: 70 },
  'gradient-sage': { kind: 'gradient', from: '#cfd8cd', to: '#8a9a8b', angle: 110 },
  'gradient-slate': { kind: 'gradient', from: '#7d8a99', to: '#3b4552', angle: 60 },
  'office-windows': { kind: 'office', draw: windows },
  'office-lounge': { kind: 'office', draw: lounge },
  'office-plants': { kind: 'office', draw: plants },
  'office-evening': { kind: 'office', draw: evening },
} as const satisfies Record<string, Paint>;

/** Size of the drawing that is enlarged: nothing in it is sharp. */
const DRAWN = { width: 240, height: 300 };

/**
 * Paints a background. `light`: where the light on the person comes from, -1 left to 1 right; the bright part of a studio's paper is on the
 * other side, as a photographer sets it. `grain`: standard deviation of the photo's noise, 0..255.
 */
export async function paintBackdrop(name: Backdrop, { width, height, seed, light, grain }: { width: number; height: number; seed: number; light: number; grain: number }): Promise<Raster> {
  const paint: Paint = backdrops[name];
  const rgb = paint.kind === 'office' ? await drawOffice(paint.draw(randomOf(seed)), width, height) : paintPlain(paint, width, height, light);
  // A gradient in eight bits shows bands unless it is as noisy as the photo before it.
  const noise = Math.max(0.7, grain);
  const out = new Uint8ClampedArray(rgb.length);
  for (let i = 0, p = 0; p < rgb.length; i++) {
    const value = (hashed(i, seed % 4096, 1) + hashed(i, seed % 4096, 2) + hashed(i, seed % 4096, 3) - 1.5) * 2 * noise + 0.5;
    for (let c = 0; c < 3; c++, p++) out[p] = rgb[p]! + value;
  }
  return { width, height, rgb: out };
}

function paintPlain(paint: Exclude<Paint, { kind: 'office' }>, width: number, height: number, light: number): Float32Array {
  const rgb = new Float32Array(width * height * 3);
  const [near, far] = paint.kind === 'studio' ? [paint.light, paint.dark] : [paint.from, paint.to];
  const [a, b] = [channels(near), channels(far)];
  const share = paint.kind === 'studio' ? studioShare(paint.reach, light) : gradientShare(paint.angle);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const t = share(x / width - 0.5, y / height - 0.5, width / height);
      for (let c = 0; c < 3; c++, p++) rgb[p] = a[c]! + (b[c]! - a[c]!) * t;
    }
  }
  return rgb;
}

type Share = (x: number, y: number, ratio: number) => number;

/** Paper lit by one lamp behind the shoulders: falls off smoothly, darker towards the corners. */
const studioShare = (reach: number, light: number): Share => (x, y, ratio) => {
  const away = Math.hypot((x + light * 0.18) * ratio, y - 0.06) / reach;
  return clamp(1 - Math.exp(-1.9 * away * away), 0, 1);
};

const gradientShare = (angle: number): Share => {
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return (x, y) => {
    const t = clamp(0.5 + (x * cos + y * sin), 0, 1);
    return t * t * (3 - 2 * t);
  };
};

function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Numbers 0..1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let at = 0;
  return () => hashed(seed % 65_536, at++, 5);
}

/** Far out of focus. */
async function drawOffice(shapes: string, width: number, height: number): Promise<Float32Array> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${DRAWN.width}" height="${DRAWN.height}">${shapes}</svg>`;
  const drawn = await sharp(Buffer.from(svg)).flatten({ background: '#777' }).blur(5.5).toBuffer();
  const data = await sharp(drawn).resize(width, height, { fit: 'cover', kernel: 'cubic' }).blur(Math.max(1, height / 190)).removeAlpha().toColorspace('srgb').raw().toBuffer();
  return Float32Array.from(data);
}

const box = (x: number, y: number, width: number, height: number, fill: string, opacity = 1): string => `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}" opacity="${opacity}"/>`;
const disc = (x: number, y: number, radius: number, fill: string, opacity = 1): string => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${fill}" opacity="${opacity}"/>`;
const wash = (id: string, top: string, bottom: string): string => `<defs><linearGradient id="${id}" x2="0" y2="1"><stop offset="0" stop-color="${top}"/><stop offset="1" stop-color="${bottom}"/></linearGradient></defs>${box(0, 0, DRAWN.width, DRAWN.height, `url(#${id})`)}`;

/** A bright room with a row of windows and a table. */
function windows(random: () => number): string {
  const shift = random() * 40 - 20;
  const panes = [-40, 22, 84, 146, 208].map((x) => box(x + shift, 30, 52, 170, '#eef5fa') + box(x + shift, 118, 52, 82, '#c6d6dc', 0.8));
  const posts = [14, 76, 138, 200].map((x) => box(x + shift, 20, 8, 190, '#77818a'));
  return `${wash('w', '#cfd6da', '#8d9497')}${panes.join('')}${posts.join('')}${box(0, 200, 240, 12, '#868d90')}${box(0, 236, 240, 64, '#7c6f62')}${box(120 + shift, 205, 70, 40, '#5c646b', 0.7)}`;
}

/** Warm wood, a lamp and shelves. */
function lounge(random: () => number): string {
  const shift = random() * 36 - 18;
  const shelves = [60, 110, 160].map((y) => box(150 + shift, y, 110, 7, '#8a6a4c') + [0, 1, 2, 3, 4].map((k) => box(154 + shift + k * 18, y - 26 - random() * 6, 12, 28, ['#c8b08d', '#7d8a86', '#a3795a', '#d9cdb9', '#5f6b70'][k] ?? '#999')).join(''));
  return `${wash('l', '#cdbda8', '#8f7a66')}${box(-10 + shift, 0, 90, 210, '#b9a58c')}${shelves.join('')}${disc(52 + shift, 82, 20, '#fff1d2')}${disc(52 + shift, 82, 38, '#ffe9bd', 0.35)}${box(0, 226, 240, 74, '#6b5848')}`;
}

/** A pale wall, green in the corners. */
function plants(random: () => number): string {
  const leaves = Array.from({ length: 26 }, (_, k) => {
    const isLeft = k % 2 === 0;
    const [x, y] = [(isLeft ? 18 : 214) + (random() - 0.5) * 70, 110 + random() * 150];
    return `<ellipse cx="${x}" cy="${y}" rx="${9 + random() * 9}" ry="${20 + random() * 16}" transform="rotate(${random() * 120 - 60} ${x} ${y})" fill="${['#5f7f5d', '#7c9a72', '#48694b', '#93ad86'][k % 4]}" opacity="0.85"/>`;
  });
  return `${wash('p', '#e9ebe6', '#bfc2b8')}${box(70 + random() * 20, 36, 96, 120, '#f6f7f4')}${leaves.join('')}${box(0, 262, 240, 38, '#a79a89')}`;
}

/** Glass at dusk with the lights of a town. */
function evening(random: () => number): string {
  const lights = Array.from({ length: 34 }, () => disc(random() * 240, 70 + random() * 150, 3 + random() * 5, ['#ffd9a0', '#ffefcf', '#ffb877', '#bcd6ff'][Math.floor(random() * 4)] ?? '#fff', 0.55 + random() * 0.4));
  const posts = [38, 118, 198].map((x) => box(x, 0, 7, 240, '#1f2733', 0.9));
  return `${wash('e', '#53657f', '#29313f')}${lights.join('')}${posts.join('')}${box(0, 240, 240, 60, '#2b2a2c')}`;
}
