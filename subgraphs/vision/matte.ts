import { clamp, cut, resize, sample, smoothstep } from './raster.ts';
import type { Affine, Plane, Raster } from './raster.ts';
import { guidedFilter } from './guided.ts';
import { runModel } from './runtime.ts';
import type { FaceFrame } from './mesh.ts';

const SIDE = 256;

/** 0..1 for each pixel: is it the person? Sees the whole picture and, for finer edges, the head once more. */
export async function personMatte(levels: readonly Raster[], frame: FaceFrame): Promise<Plane> {
  const image = levels[0]!;
  const { width, height } = image;
  const whole = await segment(levels, [width / SIDE, 0, 0, 0, height / SIDE, 0]);
  const coarse = resize(whole, SIDE, SIDE, width, height);
  const side = frame.unit * 3.4;
  const map: Affine = [side / SIDE, 0, frame.x - side / 2, 0, side / SIDE, frame.y - side * 0.47];
  const head = await segment(levels, map);
  blendHead(coarse, width, height, head, map);
  const radius = Math.max(4, Math.round(Math.max(width, height) / 64));
  const fine = guidedFilter(image, coarse, radius, 1e-4);
  for (let i = 0; i < fine.length; i++) fine[i] = smoothstep(0.12, 0.88, fine[i]!);
  return fine;
}

async function segment(levels: readonly Raster[], map: Affine): Promise<Plane> {
  const input = cut(levels, map, SIDE, SIDE);
  for (let i = 0; i < input.length; i++) input[i]! /= 255;
  const [mask] = await runModel('person', input, [1, SIDE, SIDE, 3]);
  if (!mask) throw new Error('person answered nothing');
  return mask;
}

/** Mixes the head's own mask in, fading out towards the window's border. */
function blendHead(plane: Plane, width: number, height: number, head: Plane, map: Affine): void {
  const x1 = Math.min(width, Math.ceil(map[2] + map[0] * SIDE));
  const y1 = Math.min(height, Math.ceil(map[5] + map[4] * SIDE));
  for (let y = Math.max(0, Math.floor(map[5])); y < y1; y++) {
    for (let x = Math.max(0, Math.floor(map[2])); x < x1; x++) {
      const u = (x - map[2]) / map[0];
      const v = (y - map[5]) / map[4];
      const edge = Math.min(u, v, SIDE - u, SIDE - v) / SIDE;
      const weight = 0.7 * clamp(edge / 0.15, 0, 1);
      const i = y * width + x;
      plane[i] = plane[i]! * (1 - weight) + sample(head, SIDE, SIDE, u, v) * weight;
    }
  }
}
