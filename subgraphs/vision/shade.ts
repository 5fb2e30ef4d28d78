import { readSkin } from './complexion.ts';
import { openPhoto } from './decode.ts';
import { doubtsOf } from './doubts.ts';
import { EngineRefusal } from './engine.ts';
import type { SkinShade } from './engine.ts';
import { detectFaces, detectLargeFaces } from './faces.ts';
import type { Face } from './faces.ts';
import { FACE_OVAL, LEFT_BROW, LEFT_EYE, LIPS, NOSE, POINT, RIGHT_BROW, RIGHT_EYE, faceFrame, fillPolygon, fitMesh, pointOf, ring } from './mesh.ts';
import { cut, pyramid } from './raster.ts';
import type { Affine, Plane, Raster } from './raster.ts';

/** Longest side of the picture that faces are looked for in, px: a face a tenth as wide still has more pixels than its mean color needs. */
const SHADE_SIDE_PX = 640;
/** Side of the upright cut-out of the face that is read, px, and the share of its height that the face fills. */
const CUTOUT_PX = 160;
const FACE_SHARE = 0.77;
/** In the original. */
const SMALLEST_FACE_PX = 40;

/** Reads the shade of the one face of a photo. Refuses as `SkinShadeEngine.detectShade` says. */
export async function detectShade(bytes: Uint8Array): Promise<SkinShade> {
  const { raster, width } = await openPhoto(bytes, SHADE_SIDE_PX);
  const levels = pyramid(raster);
  const { face, points } = await findSubject(levels);
  const facePx = (face.width * width) / raster.width;
  if (facePx < SMALLEST_FACE_PX) throw new EngineRefusal('FACE_TOO_SMALL', 'The face in the photo is too small');
  const { map, outline } = cutoutOf(points);
  const turn = turnOf(outline);
  const cutout = { side: CUTOUT_PX, rgb: cut(levels, map, CUTOUT_PX, CUTOUT_PX), skin: bareSkin(outline, turn), outline, turn, facePx };
  const reading = readSkin(cutout);
  return { lab: reading.lab, ...doubtsOf(cutout, reading) };
}

type Subject = { face: Face; points: Float32Array };

/** The largest thing that both a detector and the mesh take for a face. */
async function findSubject(levels: readonly Raster[]): Promise<Subject> {
  // One fit of the mesh is enough for a mean color: with two, shades of 50 portraits are neither nearer to the labels nor steadier.
  const found = (await realFaces(levels, await detectLargeFaces(levels), 1)) ?? (await realFaces(levels, await detectFaces(levels), 2));
  if (!found) throw new EngineRefusal('NO_FACE', 'No face was found in the photo');
  return found;
}

/** A second face beside the largest makes it unclear whose shade is asked for when it is at least this part as wide. */
const RIVAL = 0.5;

async function realFaces(levels: readonly Raster[], faces: readonly Face[], fits: 1 | 2): Promise<Subject | null> {
  let subject: Subject | null = null;
  for (const face of faces) {
    if (subject && face.width < subject.face.width * RIVAL) break;
    const { points, presence } = await fitMesh(levels, face, fits);
    if (presence <= 0.5) continue;
    if (subject) throw new EngineRefusal('MULTIPLE_FACES', 'More than one face is in the photo');
    subject = { face, points };
  }
  return subject;
}

/** Where the upright cut-out lies in the photo, and the mesh in px of the cut-out. */
function cutoutOf(points: Float32Array): { map: Affine; outline: Float32Array } {
  const { cos, sin, unit } = faceFrame(points);
  const [top, chin] = [pointOf(points, POINT.top), pointOf(points, POINT.chin)];
  const scale = unit / (CUTOUT_PX * FACE_SHARE);
  const [c, s, half] = [cos * scale, sin * scale, CUTOUT_PX / 2];
  const [x, y] = [(top[0] + chin[0]) / 2 - (c - s) * half, (top[1] + chin[1]) / 2 - (s + c) * half];
  const outline = new Float32Array(points.length);
  for (let p = 0; p < points.length; p += 3) {
    const [dx, dy] = [points[p]! - x, points[p + 1]! - y];
    outline[p] = (c * dx + s * dy) / (scale * scale);
    outline[p + 1] = (c * dy - s * dx) / (scale * scale);
  }
  return { map: [c, -s, x, s, c, y], outline };
}

/** 1 inside the oval of the face, but not on eyes, brows, nose and lips, and of a face that is turned away only on its near side. */
function bareSkin(outline: Float32Array, turn: number): Plane {
  const skin = fillPolygon(CUTOUT_PX, CUTOUT_PX, ring(outline, FACE_OVAL));
  const features = new Float32Array(skin.length);
  for (const part of [RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW, NOSE, LIPS]) fillPolygon(CUTOUT_PX, CUTOUT_PX, ring(outline, part), features);
  const [top, chin] = [pointOf(outline, POINT.top), pointOf(outline, POINT.chin)];
  for (let i = 0; i < skin.length; i++) {
    const [x, y] = [i % CUTOUT_PX, Math.floor(i / CUTOUT_PX)];
    const middle = top[0] + ((chin[0] - top[0]) * (y - top[1])) / (chin[1] - top[1]);
    if (features[i]! > 0 || (Math.abs(turn) > TURNED && (x - middle) * turn > 0)) skin[i] = 0;
  }
  return skin;
}

/** From here on the far side of the oval may hold what is behind the face. */
const TURNED = 0.3;

/** How far the tip of the nose is from the middle between the sides of the face, as a part of its width: 0 from the front, 0.5 and more in profile. */
function turnOf(outline: Float32Array): number {
  const [right, nose, left] = [pointOf(outline, POINT.right)[0], pointOf(outline, POINT.nose)[0], pointOf(outline, POINT.left)[0]];
  return (nose - right) / (left - right) - 0.5;
}
