import sharp from 'sharp';
import { isBald } from '../amount.ts';
import { EngineRefusal } from '../engine.ts';
import type { ImageIssue, PreparedPhoto } from '../engine.ts';
import { faceFrame } from '../mesh.ts';
import { preparePhoto } from '../prepare.ts';
import { fitHead } from '../strands/head.ts';
import { mannequin } from '../strands/mannequin.ts';
import { cutPiece } from './piece.ts';
import type { HairPiece } from './piece.ts';
import { renderPiece } from './render.ts';

/** What a portrait gave: its hair for others to wear, shown on a neutral head (WebP, 384 x 480); or why it gives none, the worst first. */
export type LiftedHair = { issues: []; piece: HairPiece; preview: Uint8Array } | { issues: [ImageIssue, ...ImageIssue[]] };

/** Length of the frame's edges that hair may touch, in face heights. A cut is a straight line in the hair of everybody who wears it. */
const CUT = { top: 0.08, side: 0.08, bottom: 0.12 };
/** Degrees. Hair that is seen from the side cannot be turned to the front. */
const MOST_YAW = 22;
const MOST_PITCH = 20;
/** The camera stands a little above most faces, px of the mesh say. */
const USUAL_PITCH = -6;
const LEAST_FACE_PX = 150;

/** Takes the hair out of a portrait that `inspectPhoto` accepted. */
export async function liftHair(bytes: Uint8Array): Promise<LiftedHair> {
  let photo: PreparedPhoto;
  try {
    photo = await preparePhoto(bytes);
  } catch (error) {
    const [issue] = error instanceof EngineRefusal ? [issueOf[error.code]] : [];
    if (issue === undefined) throw error;
    return { issues: [issue] };
  }
  const turn = turnOf(photo);
  const [first, ...more] = judge(photo, turn);
  if (first !== undefined) return { issues: [first, ...more] };
  if (photo.hairLab === null) return { issues: ['NO_HAIR'] };
  const piece = await cutPiece(photo, photo.hairLab, turn.yaw);
  return { issues: [], piece, preview: await previewOf(piece) };
}

const issueOf: Record<EngineRefusal['code'], ImageIssue> = {
  NO_FACE: 'NO_FACE', MULTIPLE_FACES: 'MULTIPLE_FACES', FACE_TOO_SMALL: 'TOO_SMALL', NO_HAIR: 'NO_HAIR', HEAD_COVERED: 'HEAD_COVERED', GREYSCALE: 'GREYSCALE',
  UNSUPPORTED_IMAGE: 'NOT_AN_IMAGE', IMAGE_TOO_LARGE: 'TOO_LARGE',
};

type Turn = { yaw: number; pitch: number };

function turnOf({ landmarks }: PreparedPhoto): Turn {
  const { rotation } = fitHead(landmarks);
  const degrees = (value: number): number => (Math.asin(Math.max(-1, Math.min(1, value))) * 180) / Math.PI;
  return { yaw: degrees(rotation[2]!), pitch: degrees(rotation[5]!) };
}

function judge(photo: PreparedPhoto, { yaw, pitch }: Turn): ImageIssue[] {
  const { unit } = faceFrame(photo.landmarks);
  if (isBald(photo)) return ['NO_HAIR'];
  return [
    ...(Math.abs(yaw) > MOST_YAW || Math.abs(pitch - USUAL_PITCH) > MOST_PITCH ? (['FACE_TURNED'] as const) : []),
    ...(isCutOff(photo, unit) ? (['HAIR_CUT_OFF'] as const) : []),
    ...(unit < LEAST_FACE_PX ? (['TOO_SMALL'] as const) : []),
  ];
}

function isCutOff({ hair, width, height }: PreparedPhoto, unit: number): boolean {
  const along = (count: number, at: (k: number) => number): number => {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += hair[at(k)]!;
    return sum / unit;
  };
  return along(width, (x) => x) > CUT.top || along(width, (x) => (height - 1) * width + x) > CUT.bottom
    || along(height, (y) => y * width) > CUT.side || along(height, (y) => y * width + width - 1) > CUT.side;
}

const PREVIEW = { width: 384, height: 480 };

/** In its own color, on the head of the catalogue's previews. */
async function previewOf(piece: HairPiece): Promise<Uint8Array> {
  const [width, height] = [PREVIEW.width * 1.5, PREVIEW.height * 1.5];
  const bust = mannequin(width, height, { x: width / 2, y: height * 0.5, pxPerCm: width / 35 });
  const { rgb } = await renderPiece(bust, piece, { color: null, forceNewHairline: false, seed: 11, onProgress: () => {} });
  const shown = sharp(rgb, { raw: { width, height, channels: 3 } }).resize(PREVIEW.width, PREVIEW.height, { kernel: 'lanczos3' });
  return new Uint8Array(await shown.webp({ quality: 82, effort: 5 }).toBuffer());
}
