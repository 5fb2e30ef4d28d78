import { clamp, cut } from './raster.ts';
import type { Affine, Raster } from './raster.ts';
import { runModel } from './runtime.ts';
import type { ModelName } from './models.ts';

/** A detected face in px of the picture; `eyes` are the person's right and left. */
export type Face = {
  x: number;
  y: number;
  width: number;
  height: number;
  eyes: [[number, number], [number, number]];
  /** 0..1. */
  score: number;
};

type Anchor = readonly [x: number, y: number];
type Detector = { model: ModelName; side: number; anchors: Anchor[] };

const NEAR: Detector = { model: 'faceNear', side: 128, anchors: [...grid(16, 2), ...grid(8, 6)] };
const FAR: Detector = { model: 'faceFar', side: 192, anchors: grid(48, 1) };

const FLOOR = 0.5;
const OVERLAP = 0.3;
const REGRESSORS = 16;

function grid(cells: number, each: number): Anchor[] {
  const anchors: Anchor[] = [];
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells; x++) {
      for (let k = 0; k < each; k++) anchors.push([(x + 0.5) / cells, (y + 0.5) / cells]);
    }
  }
  return anchors;
}

/** Every face of a picture (first of its pyramid), the largest first. */
export async function detectFaces(levels: readonly Raster[]): Promise<Face[]> {
  const [near, far] = [await detect(NEAR, levels), await detect(FAR, levels)];
  return merge([...near, ...far]).sort((a, b) => b.width - a.width);
}

/** Share of the picture's longest side above which the net for near faces has no need of the other one, nor misses a rival half as large. */
const LARGE = 0.25;

/** The same, three times as fast where a face fills much of the picture; faces much smaller than it may be missed then. */
export async function detectLargeFaces(levels: readonly Raster[]): Promise<Face[]> {
  const near = merge(await detect(NEAR, levels)).sort((a, b) => b.width - a.width);
  const { width, height } = levels[0]!;
  return near[0] && near[0].width >= LARGE * Math.max(width, height) ? near : merge([...near, ...(await detect(FAR, levels))]).sort((a, b) => b.width - a.width);
}

/** The faces that compete for being the subject: at least a third as wide as the largest, which comes first. */
export function subjectFaces(faces: readonly Face[]): Face[] {
  const largest = faces[0];
  return largest ? faces.filter((face) => face.width * 3 >= largest.width) : [];
}

async function detect({ model, side, anchors }: Detector, levels: readonly Raster[]): Promise<Face[]> {
  const { width, height } = levels[0]!;
  const longest = Math.max(width, height);
  const scale = longest / side;
  const map: Affine = [scale, 0, (width - longest) / 2, 0, scale, (height - longest) / 2];
  const input = cut(levels, map, side, side);
  for (let i = 0; i < input.length; i++) input[i] = input[i]! / 127.5 - 1;
  const [boxes, scores] = await runModel(model, input, [1, side, side, 3]);
  if (!boxes || !scores) throw new Error(`${model} answered without boxes and scores`);
  const faces: Face[] = [];
  anchors.forEach((anchor, i) => {
    const score = 1 / (1 + Math.exp(-clamp(scores[i]!, -80, 80)));
    if (score >= FLOOR) faces.push(readFace(boxes.subarray(i * REGRESSORS), anchor, side, map, score));
  });
  return faces;
}

function readFace(box: Float32Array, [ax, ay]: Anchor, side: number, map: Affine, score: number): Face {
  const scale = map[0];
  const x = (value: number): number => (value + ax * side) * scale + map[2];
  const y = (value: number): number => (value + ay * side) * scale + map[5];
  const width = box[2]! * scale;
  const height = box[3]! * scale;
  return {
    x: x(box[0]!) - width / 2,
    y: y(box[1]!) - height / 2,
    width,
    height,
    eyes: [[x(box[4]!), y(box[5]!)], [x(box[6]!), y(box[7]!)]],
    score,
  };
}

/** Joins overlapping finds into their mean, weighted by score. */
function merge(found: Face[]): Face[] {
  const rest = found.toSorted((a, b) => b.score - a.score);
  const merged: Face[] = [];
  while (rest.length > 0) {
    const best = rest[0]!;
    const same = rest.filter((face) => overlap(best, face) > OVERLAP);
    merged.push(mean(same));
    for (const face of same) rest.splice(rest.indexOf(face), 1);
  }
  return merged;
}

function overlap(a: Face, b: Face): number {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (w <= 0 || h <= 0) return 0;
  return (w * h) / (a.width * a.height + b.width * b.height - w * h);
}

function mean(faces: Face[]): Face {
  const total = faces.reduce((sum, face) => sum + face.score, 0);
  const of = (read: (face: Face) => number): number => faces.reduce((sum, face) => sum + read(face) * face.score, 0) / total;
  return {
    x: of((face) => face.x),
    y: of((face) => face.y),
    width: of((face) => face.width),
    height: of((face) => face.height),
    eyes: [
      [of((face) => face.eyes[0][0]), of((face) => face.eyes[0][1])],
      [of((face) => face.eyes[1][0]), of((face) => face.eyes[1][1])],
    ],
    score: Math.max(...faces.map((face) => face.score)),
  };
}
