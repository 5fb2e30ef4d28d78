import sharp from 'sharp';
import { percentile } from '../color.ts';
import { drawCranium } from '../cranium.ts';
import { decodeRaster } from '../decode.ts';
import { dilate } from '../dilate.ts';
import { EngineRefusal } from '../engine.ts';
import { detectFaces, subjectFaces } from '../faces.ts';
import type { Face } from '../faces.ts';
import { findHair } from '../hair.ts';
import { personMatte } from '../matte.ts';
import { FACE_OVAL, faceFrame, fillPolygon, fitMesh, ring } from '../mesh.ts';
import type { FaceFrame } from '../mesh.ts';
import { pyramid, smoothstep } from '../raster.ts';
import type { Plane, Raster } from '../raster.ts';
import { matte } from './matting.ts';
import type { Layers } from './matting.ts';
import { withoutStrays } from './strays.ts';

/** A person in a photo, ready to be set before another background. */
export type Subject = Layers & {
  /** The part of the photo around the person, as detailed as it is. */
  image: Raster;
  /** The same as large as everything else here is measured in. */
  small: Raster;
  /** 468 * 3, in px of `small`. */
  points: Float32Array;
  frame: FaceFrame;
  /** 0..1, the person's own hair. */
  hair: Plane;
  /** Heights of the face along which somebody else had to be cut away. */
  seam: number;
};

/** Longest side of a photo, and of what is worked on, px; height of the face at which edges are found well enough, px. */
const PHOTO_SIDE_PX = 2048;
const WORK_SIDE_PX = 1152;
const FACE_PX = 240;
/** What may be seen of the person, in heights of the face from between the eyes. */
const AROUND = { left: 2.7, right: 2.7, above: 2, below: 3.7 };

/** Finds the one person of a photo. Refuses with NO_FACE or UNSUPPORTED_IMAGE. */
export async function findSubject(bytes: Uint8Array, report: (fraction: number) => void = () => {}): Promise<Subject> {
  const photo = await decodeRaster(bytes, PHOTO_SIDE_PX).catch((cause: unknown) => {
    throw new EngineRefusal('UNSUPPORTED_IMAGE', `The photo cannot be decoded: ${cause instanceof Error ? cause.message : 'unknown reason'}`);
  });
  const image = await cutOut(photo);
  report(0.1);
  const small = await shrunk(image, Math.min(1, WORK_SIDE_PX / Math.max(image.raster.width, image.raster.height), FACE_PX / image.unit));
  const levels = pyramid(small);
  const faces = await detectFaces(levels);
  const [face] = subjectFaces(faces);
  if (!face) throw noFace();
  const { points } = await fitMesh(levels, face);
  const frame = faceFrame(points);
  const { person: found, belief } = await personMatte(levels, frame);
  report(0.4);
  const { hair, covered } = await findHair({ levels, points, frame, person: found });
  report(0.6);
  const oval = fillPolygon(small.width, small.height, ring(points, FACE_OVAL));
  const seen = withoutStrays({ image: small, person: found, belief, hair, oval, frame, isCovered: covered > COVERED });
  const { alone, seam } = without(await othersOf(levels, faces, face), face, seen, small);
  const { inside: skull } = drawCranium(points, small.width, small.height);
  const person = joined(covered > COVERED ? alone : withinHead(alone, small, points, frame, hair, skull), small, points);
  const layers = matte({ image: small, person, belief, hair, face: oval, skull, unit: frame.unit });
  report(1);
  return { ...layers, alpha: joined(layers.alpha, small, points), image: image.raster, small, points, frame, hair, seam: seam / frame.unit };
}

const noFace = (): EngineRefusal => new EngineRefusal('NO_FACE', 'No face was found in the photo');

/** The part of the photo that a headshot may show. */
async function cutOut(photo: Raster): Promise<{ raster: Raster; unit: number }> {
  const levels = pyramid(photo);
  const [face] = subjectFaces(await detectFaces(levels));
  if (!face) throw noFace();
  const { unit, x, y } = faceFrame((await fitMesh(levels, face)).points);
  const left = Math.max(0, Math.floor(x - unit * AROUND.left));
  const top = Math.max(0, Math.floor(y - unit * AROUND.above));
  const width = Math.min(photo.width, Math.ceil(x + unit * AROUND.right)) - left;
  const height = Math.min(photo.height, Math.ceil(y + unit * AROUND.below)) - top;
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * photo.width + left) * 3;
    rgb.set(photo.rgb.subarray(from, from + width * 3), row * width * 3);
  }
  return { raster: { width, height, rgb }, unit };
}

async function shrunk({ raster }: { raster: Raster }, scale: number): Promise<Raster> {
  if (scale >= 1) return raster;
  const [width, height] = [Math.round(raster.width * scale), Math.round(raster.height * scale)];
  const data = await sharp(raster.rgb, { raw: { width: raster.width, height: raster.height, channels: 3 } }).resize(width, height, { fit: 'fill' }).raw().toBuffer();
  return { width, height, rgb: new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength) };
}

/** A hat or scarf as certain as that: then the head ends where the person does, not where hair or skull do. */
const COVERED = 0.3;

/** A fold of cloth may look like a face, but seldom to both models. */
async function othersOf(levels: readonly Raster[], faces: readonly Face[], own: Face): Promise<Face[]> {
  const others: Face[] = [];
  for (const face of faces) if (face !== own && face.score > 0.7 && (await fitMesh(levels, face)).presence > 0.9) others.push(face);
  return others;
}

/** Takes away what is nearer to somebody else, in widths of their faces. `seam`: rows in which that cuts through what hangs together. */
function without(others: readonly Face[], own: Face, person: Plane, { width, height }: Raster): { alone: Plane; seam: number } {
  const middle = (face: Face): number => face.x + face.width / 2;
  const alone = person.slice();
  let seam = 0;
  for (const other of others) {
    const between = (middle(own) * other.width + middle(other) * own.width) / (own.width + other.width);
    const soft = Math.max(1, Math.abs(middle(other) - middle(own)) * 0.04);
    const side = Math.sign(middle(other) - middle(own));
    // Above their head there may be ours.
    for (let y = Math.max(0, Math.floor(other.y - other.height * 0.6)); y < height; y++) {
      const at = Math.min(width - 1, Math.max(0, Math.round(between)));
      if (person[y * width + at]! > 0.5) seam += 1;
      for (let x = 0; x < width; x++) alone[y * width + x]! *= smoothstep(soft, -soft, (x - between) * side);
    }
  }
  return { alone, seam };
}

/**
 * Above the mouth only hair, skull and ears belong to the person, whatever the outline says: a shelf behind the head does not, nor does a thin
 * post. Lower down shoulders may come beside the face.
 */
function withinHead(guess: Plane, { width, height }: Raster, points: Float32Array, frame: FaceFrame, hair: Plane, skull: Plane): Plane {
  const { unit, y: eyes } = frame;
  const locks = hair.map((value) => (value > 0.15 ? 1 : 0));
  const bare = skull.slice();
  const oval = fillPolygon(width, height, ring(points, FACE_OVAL));
  for (let i = 0; i < bare.length; i++) bare[i] = Math.max(bare[i]!, oval[i]!);
  const hairy = dilate(opened(locks, width, height, unit * 0.05), width, height, unit * 0.05);
  // A skull is a guess, and ears stand off; where the hair is seen, it is the better limit.
  const limit = dilate(bare, width, height, unit * (hairAbove(locks, bare, width, eyes) > 0.25 ? 0.03 : 0.12));
  const ears = dilate(oval, width, height, unit * 0.12);
  const thick = opened(guess, width, height, unit * 0.07);
  const isUsual = usualHead(guess, width, height, frame);
  return guess.map((value, i) => {
    const y = Math.floor(i / width);
    const doubt = isUsual(i - y * width, y) ? 1 : smoothstep(0.88, 0.98, Math.min(value, hair[i]!));
    const solid = Math.max(Math.min(value, thick[i]!), Math.min(value, hair[i]!)) * doubt;
    const near = Math.max(hairy[i]!, limit[i]!, ears[i]! * smoothstep(eyes - unit * 0.35, eyes - unit * 0.2, y));
    const beside = smoothstep(eyes + unit * 0.15, eyes + unit * 0.4, y);
    return Math.max(solid * Math.max(near, beside), value * smoothstep(eyes + unit * 0.9, eyes + unit * 1.1, y));
  });
}

/** Degrees between two rays from the middle of the head, and how many to both sides a ray is compared with. */
const RAY = 5;
const NEIGHBOURS = 7;

/** Whether a place above the eyes is within the head's outline once narrow horns are left out: those are more often a chair's than hair. */
function usualHead(guess: Plane, width: number, height: number, { x, y, unit }: FaceFrame): (column: number, row: number) => boolean {
  const [middleX, middleY] = [x, y - unit * 0.15];
  const reach = Array.from({ length: 180 / RAY + 1 }, (_, ray) => {
    const angle = Math.PI + (ray * RAY * Math.PI) / 180;
    let far = unit * 0.3;
    for (; far < unit * 1.7; far += 1) {
      const [column, row] = [Math.round(middleX + Math.cos(angle) * far), Math.round(middleY + Math.sin(angle) * far)];
      if (column < 0 || row < 0 || column >= width || row >= height || guess[row * width + column]! < 0.5) break;
    }
    return far;
  });
  const usual = reach.map((_, ray) => percentile(reach.slice(Math.max(0, ray - NEIGHBOURS), ray + NEIGHBOURS + 1), 0.5));
  return (column, row) => {
    const [dx, dy] = [column - middleX, row - middleY];
    if (dy >= 0) return true;
    const ray = Math.round((Math.atan2(-dy, -dx) * 180) / Math.PI / RAY);
    return Math.hypot(dx, dy) <= (usual[Math.min(usual.length - 1, Math.max(0, ray))] ?? 0) * 1.05 + unit * 0.02;
  };
}

/** Share of the skull above the eyes that shows hair. */
function hairAbove(hair: Plane, skull: Plane, width: number, eyes: number): number {
  let [covered, all] = [0, 1e-6];
  for (let i = 0; i < Math.max(0, Math.floor(eyes)) * width; i++) {
    all += skull[i]!;
    covered += skull[i]! * hair[i]!;
  }
  return covered / all;
}

/** Without what is thinner than twice the radius. */
const opened = (plane: Plane, width: number, height: number, radius: number): Plane => dilate(dilate(plane, width, height, -radius), width, height, radius);

/** What hangs together with the face; soft rims belong to what they surround. */
function joined(person: Plane, { width, height }: Raster, points: Float32Array): Plane {
  const reached = new Float32Array(person.length);
  const queue: number[] = [];
  const visit = (i: number): void => {
    if (reached[i]! > 0 || person[i]! < 0.3) return;
    reached[i] = 1;
    queue.push(i);
  };
  fillPolygon(width, height, ring(points, FACE_OVAL)).forEach((value, i) => value > 0 && visit(i));
  for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x + 1 < width) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i + width < person.length) visit(i + width);
  }
  const near = dilate(reached, width, height, 4);
  return person.map((value, i) => value * near[i]!);
}
