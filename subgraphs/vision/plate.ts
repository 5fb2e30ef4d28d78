import { fromLinear, percentile, toLinear } from './color.ts';
import { drawCranium } from './cranium.ts';
import type { Cranium } from './cranium.ts';
import { pushPull } from './inpaint.ts';
import { FACE_OVAL, POINT, fillPolygon, pointOf, ring } from './mesh.ts';
import type { FaceFrame } from './mesh.ts';
import { blur, boxBlur, clamp, dilate, smoothstep } from './raster.ts';
import type { Plane, Raster } from './raster.ts';
import type { Shading } from './skin.ts';
import { hashed } from './strands/numbers.ts';
import { project } from './strands/head.ts';

/** What the hair is taken out of. */
export type Scene = {
  image: Raster;
  points: Float32Array;
  frame: FaceFrame;
  person: Plane;
  hair: Plane;
  skin: Plane;
  shading: Shading;
  grain: number;
};

type Planes = [Plane, Plane, Plane];

/** The photo without hair: background, then body, then a bare head, laid in where hair was. */
export function removeHair(scene: Scene): { plate: Uint8ClampedArray; quality: 'ok' | 'low' } {
  const { image, frame, hair } = scene;
  const { width, height } = image;
  const removal = removalMask(scene);
  const cranium = drawCranium(scene.points, width, height);
  const body = bodyMask(scene, removal, cranium);
  const background = fill(image, backgroundKnown(scene, removal));
  const clothes = fill(image, bodyKnown(scene, removal, body));
  const skull = skullColor(scene, removal, cranium);
  const head = blur(headMask(scene, cranium), width, height, Math.max(0.8, frame.unit / 300));
  const plate = Uint8ClampedArray.from(image.rgb);
  for (let i = 0; i < removal.length; i++) {
    const share = removal[i]!;
    if (share <= 0) continue;
    const noise = scene.grain * grainAt(i);
    for (const c of [0, 1, 2] as const) {
      const behind = background[c][i]! * (1 - body[i]!) + clothes[c][i]! * body[i]!;
      const value = behind * (1 - head[i]!) + skull[c][i]! * head[i]! + noise;
      plate[i * 3 + c] = image.rgb[i * 3 + c]! * (1 - share) + value * share + 0.5;
    }
  }
  return { plate, quality: fallenShare(scene, hair) > 0.1 ? 'low' : 'ok' };
}

/** Approximately normal, standard deviation 1, the same for the same pixel. */
function grainAt(i: number): number {
  return (hashed(i, 7, 1) + hashed(i, 7, 2) + hashed(i, 7, 3) - 1.5) * 2;
}

/** Hair with a margin: wide where wisps stand before the background, narrow on the face. */
function removalMask({ image, frame, hair, points, person }: Scene): Plane {
  const { width, height } = image;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const near = dilate(hair, width, height, frame.unit * 0.018);
  const far = dilate(hair, width, height, frame.unit * 0.05);
  const raw = near.map((value, i) => {
    const outside = smoothstep(0.9, 0.5, person[i]!) * (1 - oval[i]!);
    return smoothstep(0.15, 0.5, Math.max(value * (1 - 0.4 * oval[i]!), far[i]! * outside));
  });
  return blur(raw, width, height, Math.max(1, frame.unit * 0.008)).map((value, i) => Math.max(value, smoothstep(0.1, 0.5, hair[i]!)));
}

function fill({ width, height, rgb }: Raster, known: Plane): Planes {
  const one = (c: number): Plane => pushPull(Float32Array.from(known, (_, i) => rgb[i * 3 + c]!), known, width, height);
  return [one(0), one(1), one(2)];
}

function backgroundKnown({ image, frame, person, hair }: Scene, removal: Plane): Plane {
  const { width, height } = image;
  const taken = dilate(person.map((value, i) => Math.max(value, hair[i]!, removal[i]!)), width, height, frame.unit * 0.02);
  return taken.map((value) => smoothstep(0.2, 0.02, value));
}

function bodyKnown({ image, points, frame, person }: Scene, removal: Plane, body: Plane): Plane {
  const { width, height } = image;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const margin = dilate(removal, width, height, frame.unit * 0.015);
  return person.map((value, i) => smoothstep(0.9, 1, value) * (1 - margin[i]!) * (1 - oval[i]!) * (body[i]! > 0.5 ? 1 : 0));
}

/** Neck, shoulders, chest: as seen outside the hair; under it between what is seen and a usual body below this head. */
function bodyMask({ image, points, frame, person }: Scene, removal: Plane, { head }: Cranium): Plane {
  const { width, height } = image;
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  const margin = dilate(removal, width, height, frame.unit * 0.01);
  const neck = project(head, 0, -6, -5);
  const shoulder = project(head, 0, -13.2, -5);
  const known = person.map((_, i) => (Math.floor(i / width) > neck[1] ? (1 - margin[i]!) * (1 - oval[i]!) : 0));
  const seen = pushPull(person, known, width, height);
  const px = head.pxPerCm;
  return person.map((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const along = Math.abs(x - shoulder[0]) / px;
    const line = shoulder[1] + Math.max(0, along - 6.5) * 0.42 * px;
    const usual = Math.max(
      smoothstep(-1, 1, (y - line) / px),
      smoothstep(6, 5.4, along + Math.max(0, (line - y) / px) * 0.05) * smoothstep(-1, 1, (y - neck[1]) / px),
    );
    const guess = smoothstep(0.38, 0.62, 0.5 * seen[i]! + 0.5 * usual);
    const below = smoothstep(-1, 1, (y - neck[1]) / px);
    return (value * (1 - removal[i]!) + guess * removal[i]!) * below;
  });
}

function headMask({ image, points }: Scene, { inside }: Cranium): Plane {
  const face = fillPolygon(image.width, image.height, ring(points, FACE_OVAL));
  return inside.map((value, i) => Math.max(value, face[i]!));
}

/** Skin on the skull: the face's light on its normals, corrected so that it meets the forehead and temples without a seam. */
function skullColor({ image, skin, shading, frame }: Scene, removal: Plane, { inside, normals }: Cranium): Planes {
  const { width, height } = image;
  const margin = dilate(removal, width, height, frame.unit * 0.02);
  const known = skin.map((value, i) => value * smoothstep(0.3, 0, margin[i]!));
  const coefficients = [shading.red, shading.green, shading.blue] as const;
  const one = (c: 0 | 1 | 2): Plane => {
    const [low, high] = skinRange(image, known, c);
    const [c0, cx, cy, cz] = coefficients[c];
    const model = skin.map((_, i) => {
      const facing = inside[i]! > 0 ? c0 + cx * normals[0][i]! + cy * normals[1][i]! + cz * Math.max(0.2, normals[2][i]!) : c0 + cz * 0.8;
      return clamp(facing, low, high);
    });
    const ratio = model.map((value, i) => Math.log(Math.max(0.002, toLinear(image.rgb[i * 3 + c]!)) / value));
    const smooth = pushPull(boxBlur(ratio.map((value, i) => value * known[i]!), width, height, 3), known, width, height);
    return model.map((value, i) => fromLinear(value * Math.exp(clamp(smooth[i]!, -0.7, 0.7))));
  };
  return [one(0), one(1), one(2)];
}

/** Linear light that skin of this face spans, without shine and creases. */
function skinRange({ rgb }: Raster, known: Plane, c: number): [number, number] {
  const values: number[] = [];
  for (let i = 0; i < known.length; i += 2) if (known[i]! > 0.5) values.push(toLinear(rgb[i * 3 + c]!));
  if (values.length < 20) return [0.02, 0.9];
  return [percentile(values, 0.12), percentile(values, 0.9)];
}

/** Hair hanging below the chin, in squares of the face's height. */
function fallenShare({ image, points, frame }: Scene, hair: Plane): number {
  const chin = pointOf(points, POINT.chin)[1] + frame.unit * 0.15;
  let sum = 0;
  for (let i = Math.max(0, Math.floor(chin)) * image.width; i < hair.length; i++) sum += hair[i]!;
  return sum / (frame.unit * frame.unit);
}
