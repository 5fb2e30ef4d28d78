import { clamp, cut, resize, sample, smoothstep } from './raster.ts';
import type { Affine, Plane, Raster } from './raster.ts';
import { guidedFilter } from './guided.ts';
import { mirroredIndex } from './hair/window.ts';
import { runModel } from './runtime.ts';
import type { FaceFrame } from './mesh.ts';

const SIDE = 256;
/** Squares about the head, in heights of the face, and the share of their height above the eyes. */
const VIEWS = [{ span: 3.4, above: 0.47 }, { span: 2.2, above: 0.38 }] as const;

/** How much more than all before it a nearer view counts. */
const NEARER = 0.55;

/** `person` is 0..1 for each pixel: is it the person? `belief` is the same as the net says it, before the edges follow the picture. */
export type PersonFind = { person: Plane; belief: Plane };

/**
 * Asks about the whole picture and about the head from further and from nearer, each also mirrored: what is behind ears and neck is taken
 * for the person in one view or another, seldom in all.
 */
export async function personMatte(levels: readonly Raster[], frame: FaceFrame): Promise<PersonFind> {
  const image = levels[0]!;
  const { width, height } = image;
  const belief = resize(await segment(levels, [width / SIDE, 0, 0, 0, height / SIDE, 0]), SIDE, SIDE, width, height);
  for (const { span, above } of VIEWS) {
    const side = frame.unit * span;
    const map: Affine = [side / SIDE, 0, frame.x - side / 2, 0, side / SIDE, frame.y - side * above];
    blendHead(belief, width, height, await segment(levels, map), map);
  }
  const radius = Math.max(4, Math.round(Math.max(width, height) / 64));
  const person = guidedFilter(image, belief, radius, 1e-4);
  for (let i = 0; i < person.length; i++) person[i] = smoothstep(0.12, 0.88, person[i]!);
  return { person, belief };
}

/** The mean of what the net says of a view and of its mirror image. */
async function segment(levels: readonly Raster[], map: Affine): Promise<Plane> {
  const seen = await ask(levels, map);
  const mirrored = await ask(levels, [-map[0], map[1], map[2] + map[0] * SIDE, map[3], map[4], map[5]]);
  return seen.map((value, i) => (value + mirrored[mirroredIndex(i, SIDE)]!) / 2);
}

async function ask(levels: readonly Raster[], map: Affine): Promise<Plane> {
  const input = cut(levels, map, SIDE, SIDE);
  for (let i = 0; i < input.length; i++) input[i]! /= 255;
  const [mask] = await runModel('person', input, [1, SIDE, SIDE, 3]);
  if (!mask) throw new Error('person answered nothing');
  return mask;
}

/** Mixes a nearer view's mask in, fading out towards the window's border. */
function blendHead(plane: Plane, width: number, height: number, head: Plane, map: Affine): void {
  const x1 = Math.min(width, Math.ceil(map[2] + map[0] * SIDE));
  const y1 = Math.min(height, Math.ceil(map[5] + map[4] * SIDE));
  for (let y = Math.max(0, Math.floor(map[5])); y < y1; y++) {
    for (let x = Math.max(0, Math.floor(map[2])); x < x1; x++) {
      const u = (x - map[2]) / map[0];
      const v = (y - map[5]) / map[4];
      const edge = Math.min(u, v, SIDE - u, SIDE - v) / SIDE;
      const weight = NEARER * clamp(edge / 0.15, 0, 1);
      const i = y * width + x;
      plane[i] = plane[i]! * (1 - weight) + sample(head, SIDE, SIDE, u, v) * weight;
    }
  }
}
