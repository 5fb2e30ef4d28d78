import { fromRaster, openPhoto, toRaster, WORKING_SIDE_PX } from './decode.ts';
import type { ImageIssue } from './engine.ts';
import { judgeLight, lightOf, measureFace } from './exposure.ts';
import type { FaceMeasure, Strictness } from './exposure.ts';
import { detectFaces, subjectFaces } from './faces.ts';
import type { Face } from './faces.ts';
import { fitMesh } from './mesh.ts';
import { pyramid } from './raster.ts';
import type { Raster } from './raster.ts';
import { tiltOf } from './upright.ts';

/** What a look at a photo found. */
export type Inspection = {
  /** Size of the upright original, px. */
  width: number;
  height: number;
  /** Type of the bytes that were given. */
  mime: string;
  /** Faces that compete for being the subject; much smaller ones in the background do not count. */
  faces: number;
  /** The largest face, px of the upright original. */
  faceBox: { x: number; y: number; width: number; height: number } | null;
  /** Why it cannot be used; what to tell first comes first. */
  issues: ImageIssue[];
  /** What may make pictures of it worse; empty where there are issues. */
  remarks: ImageIssue[];
  /** Upright JPEG without metadata, longest side at most 2048 px. */
  normalised: Uint8Array;
};

const KEPT_SIDE_PX = 2048;
const LEAST_SIDE_PX = 256;
/** Degrees. Of 50 portraits none has more than 11. */
const MOST_TILT = { refuse: 45, doubt: 25 };
const LEAST_FACE_PX = { refuse: 80, doubt: 120 };

/** Decodes, detects and measures a photo. Refuses with UNSUPPORTED_IMAGE what cannot be decoded. */
export async function inspectPhoto(bytes: Uint8Array): Promise<Inspection> {
  const { raster: kept, ...original } = await openPhoto(bytes, KEPT_SIDE_PX);
  const normalised = await fromRaster(kept).jpeg({ quality: 92, chromaSubsampling: '4:4:4' }).toBuffer();
  const levels = pyramid(await toRaster(fromRaster(kept), WORKING_SIDE_PX));
  const faces = await findSubjects(levels);
  const [subject, rival] = faces;
  const face = subject?.face ?? null;
  const tilt = subject ? await tiltOf(levels, subject.face, subject.points) : 0;
  const faceBox = face ? scaleBox(face, original.width / levels[0]!.width) : null;
  const measure = face ? measureFace(levels, face) : null;
  const shortest = Math.min(original.width, original.height);
  const light = lightOf(levels, measure);
  const judge = (strictness: Strictness): ImageIssue[] => [
    ...judgeLight(light, measure !== null, strictness), ...judgeSize(shortest, faceBox?.width, strictness),
    ...(rival ? (['MULTIPLE_FACES'] as const) : judgeDetail(measure, strictness)), ...(tilt > MOST_TILT[strictness] ? (['NOT_UPRIGHT'] as const) : []),
  ];
  const issues = judge('refuse');
  const remarks = issues.length > 0 ? [] : judge('doubt');
  return { ...original, faces: faces.length, faceBox, issues, remarks, normalised: new Uint8Array(normalised) };
}

/** Detections that compete for being the subject and that the mesh agrees are faces. */
async function findSubjects(levels: readonly Raster[]): Promise<{ face: Face; points: Float32Array }[]> {
  const real: { face: Face; points: Float32Array }[] = [];
  for (const face of subjectFaces(await detectFaces(levels))) {
    const { presence, points } = await fitMesh(levels, face);
    if (presence > 0.5) real.push({ face, points });
  }
  return real;
}

function scaleBox({ x, y, width, height }: Face, scale: number): NonNullable<Inspection['faceBox']> {
  const px = (value: number): number => Math.round(value * scale);
  return { x: px(x), y: px(y), width: px(width), height: px(height) };
}

function judgeSize(shortest: number, faceWidth: number | undefined, strictness: Strictness): ImageIssue[] {
  return shortest < LEAST_SIDE_PX || (faceWidth !== undefined && faceWidth < LEAST_FACE_PX[strictness]) ? ['TOO_SMALL'] : [];
}

/** Least share of fine detail in a face: of 50 portraits all have 0.27 or more, and blurred by a fortieth of the face's width 49 have less than 0.1. */
const LEAST_DETAIL = { refuse: 0.1, doubt: 0.16 };

function judgeDetail(measure: FaceMeasure | null, strictness: Strictness): ImageIssue[] {
  if (!measure) return ['NO_FACE'];
  return measure.detail < LEAST_DETAIL[strictness] ? ['BLURRY'] : [];
}
