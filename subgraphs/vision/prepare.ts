import { medianLab } from './color.ts';
import { decodeRaster, WORKING_SIDE_PX } from './decode.ts';
import { EngineRefusal } from './engine.ts';
import type { EngineStage, PreparedPhoto } from './engine.ts';
import { detectFaces, subjectFaces } from './faces.ts';
import type { Face } from './faces.ts';
import { measureFidelity } from './fidelity.ts';
import { findHair } from './hair.ts';
import { personMatte } from './matte.ts';
import { faceFrame, fitMesh } from './mesh.ts';
import { removeHair, shrinkScene } from './plate.ts';
import type { Scene } from './plate.ts';
import { pyramid } from './raster.ts';
import type { Raster } from './raster.ts';
import { estimateLight, skinLabOf, skinMask } from './skin.ts';

export type Report = (stage: EngineStage, fraction: number) => void;

/** Analyses a photo for rendering. Refuses with NO_FACE, MULTIPLE_FACES, FACE_TOO_SMALL, HEAD_COVERED, UNSUPPORTED_IMAGE. */
export async function preparePhoto(bytes: Uint8Array, report: Report = () => {}): Promise<PreparedPhoto> {
  const image = await decodeRaster(bytes, WORKING_SIDE_PX).catch((cause: unknown) => {
    throw new EngineRefusal('UNSUPPORTED_IMAGE', `The photo cannot be decoded: ${cause instanceof Error ? cause.message : 'unknown reason'}`);
  });
  report('decode', 1);
  const levels = pyramid(image);
  const face = getSubject(await detectFaces(levels));
  const { points } = await fitMesh(levels, face);
  report('detect', 1);
  const frame = faceFrame(points);
  const { person } = await personMatte(levels, frame);
  report('segment', 0.3);
  const { hair, covered } = await findHair({ levels, points, frame, person });
  if (covered > COVERED_MOST) throw new EngineRefusal('HEAD_COVERED', 'The hair in the photo is hidden under a hat or a scarf');
  report('segment', 0.5);
  return analyse(image, points, person, hair, report);
}

const SMALLEST_FACE_PX = 40;

function getSubject(faces: readonly Face[]): Face {
  const [face, rival] = subjectFaces(faces);
  if (!face) throw new EngineRefusal('NO_FACE', 'No face was found in the photo');
  if (rival) throw new EngineRefusal('MULTIPLE_FACES', 'More than one face is in the photo');
  if (face.width < SMALLEST_FACE_PX) throw new EngineRefusal('FACE_TOO_SMALL', 'The face in the photo is too small');
  return face;
}

/** Least hair whose color counts, in squares of the face's height. */
const HAIR_LEAST = 0.02;
/** A hat is refused when it is all but certain: a wrong refusal costs more than hair drawn over a hat. */
const COVERED_MOST = 0.6;

function analyse(image: Raster, points: Float32Array, person: Float32Array, hair: Float32Array, report: Report): PreparedPhoto {
  const { width, height } = image;
  const frame = faceFrame(points);
  const scene: Scene = { image, points, frame, person, hair };
  const small = shrinkScene(scene);
  const mask = skinMask(small.image.width, small.image.height, small.points, small.frame.unit, small.hair);
  const { light, shading } = estimateLight(small.image, small.points, mask);
  const half = frame.unit / 2;
  const { sharpness, grain } = measureFidelity(image, { x: frame.x - half, y: frame.y - half, width: frame.unit, height: frame.unit * 1.2 });
  const { plate, ears, quality } = removeHair(scene, small, { mask, shading, grain });
  report('segment', 1);
  const enough = Math.max(20, HAIR_LEAST * small.frame.unit * small.frame.unit);
  return {
    width, height, rgb: image.rgb, landmarks: points, person, hair, plate, ears, plateQuality: quality,
    hairLab: medianLab(small.image, small.hair, 0.8, enough), skinLab: skinLabOf(small.image, mask), light, sharpness, grain,
  };
}
