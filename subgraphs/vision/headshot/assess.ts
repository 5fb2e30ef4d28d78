import { percentile } from '../color.ts';
import type { ImageIssue } from '../engine.ts';
import { EngineRefusal } from '../engine.ts';
import { measureFace } from '../exposure.ts';
import { detectFaces, subjectFaces } from '../faces.ts';
import { inspectPhoto } from '../inspect.ts';
import type { Inspection } from '../inspect.ts';
import { pyramid, smoothstep } from '../raster.ts';
import { fitHead } from '../strands/head.ts';
import { frameOf, outlineOf, standsOn } from './framing.ts';
import type { Aspect, Framing, Outline } from './framing.ts';
import { opennessOf } from './gaze.ts';
import { findSubject } from './subject.ts';
import type { Subject } from './subject.ts';

/** What a selfie is good for. */
export type Assessment = Pick<Inspection, 'normalised' | 'remarks'> & {
  /** Why it cannot be used; what to tell first comes first. */
  issues: ImageIssue[];
  /** 0..1: sharpness, light, pose, eyes, size, and how surely the edges were found. 0 where there are issues. */
  score: number;
  /** The pictures that it holds without cutting off the person. */
  framings: { framing: Framing; aspect: Aspect }[];
};

export const kinds: readonly { framing: Framing; aspect: Aspect }[] = [
  { framing: 'portrait', aspect: '4:5' }, { framing: 'close', aspect: '1:1' }, { framing: 'bust', aspect: '4:5' }, { framing: 'close', aspect: '4:5' },
  { framing: 'portrait', aspect: '1:1' }, { framing: 'bust', aspect: '1:1' },
];

/** Degrees by which a face may be turned aside, and raised or lowered, and from which it is worth less. */
const MOST_TURNED = { aside: 38, nodded: 30 };
const WELL_TURNED = { aside: 14, nodded: 14 };
/** See `opennessOf`. */
const CLOSED = 0.2;
const OPEN = 0.55;
/** Height of a face, px, below which a headshot is coarse, and from which more is no better. */
const SMALL_FACE = 90;
const LARGE_FACE = 330;
/** Where somebody stands behind the person, cutting them away leaves a straight edge; so much of one is not seen. */
const LONGEST_SEAM = 0.15;
/** Less of the person at the lower edge would float. */
const LEAST_STANDING = 0.34;

/** Looks at a selfie as a photographer would. Refuses with UNSUPPORTED_IMAGE what cannot be decoded. */
export async function assessSelfie(bytes: Uint8Array): Promise<Assessment> {
  const { issues, remarks, normalised } = await inspectPhoto(bytes);
  const useless = { normalised, remarks, score: 0, framings: [] };
  if (issues.length > 0) return { ...useless, issues };
  const subject = await findSubject(normalised).catch((error: unknown) => {
    if (error instanceof EngineRefusal && error.code === 'NO_FACE') return null;
    throw error;
  });
  if (!subject) return { ...useless, issues: ['NO_FACE'] };
  const { score, wrong } = await judge(subject);
  const outline = outlineOf(subject.alpha, subject.small.width, subject.small.height, subject.frame);
  const framings = framingsOf(subject);
  if (subject.seam > LONGEST_SEAM || hasNeighbour(outline)) wrong.push('MULTIPLE_FACES');
  if (outline.isHeadCut) wrong.push('HEAD_CUT_OFF');
  else if (framings.length === 0) wrong.push('BODY_CUT_OFF');
  return wrong.length > 0 ? { ...useless, issues: wrong } : { issues: [], remarks, normalised, score: score * (0.7 + 0.3 * edgesOf(subject)), framings };
}

/** Whoever leaves the picture sideways above these eyes and so far from this face, in its heights, is somebody else whose own face is cut off. */
const BESIDE = 0.82;

function hasNeighbour({ frame: { x, y, unit }, width, leavesLeft, leavesRight }: Outline): boolean {
  return (leavesLeft < y && x > BESIDE * unit) || (leavesRight < y && width - x > BESIDE * unit);
}

/** Kinds of pictures that a photo holds. */
export function framingsOf({ alpha, small: { width, height }, frame }: Subject): Assessment['framings'] {
  const outline = outlineOf(alpha, width, height, frame);
  return kinds.filter(({ framing, aspect }) => {
    const found = frameOf(outline, framing, aspect);
    return found !== null && standsOn(alpha, width, height, found) >= LEAST_STANDING;
  });
}

async function judge({ image, small, points, frame }: Subject): Promise<{ score: number; wrong: ImageIssue[] }> {
  const levels = pyramid(small);
  const [face] = subjectFaces(await detectFaces(levels));
  const detail = face ? measureFace(levels, face) : null;
  const { aside, nodded } = poseOf(points);
  const open = opennessOf(levels, points);
  const wrong: ImageIssue[] = [];
  if (aside > MOST_TURNED.aside || nodded > MOST_TURNED.nodded) wrong.push('FACE_TURNED');
  if (open < CLOSED) wrong.push('EYES_CLOSED');
  const pose = smoothstep(MOST_TURNED.aside, WELL_TURNED.aside, aside) * smoothstep(MOST_TURNED.nodded, WELL_TURNED.nodded, nodded);
  const size = smoothstep(SMALL_FACE, LARGE_FACE, (frame.unit * image.width) / small.width);
  const sharp = smoothstep(0.1, 0.45, detail?.detail ?? 0);
  return { score: (0.35 + 0.65 * pose) * (0.4 + 0.6 * smoothstep(CLOSED, OPEN, open)) * (0.4 + 0.6 * size) * (0.3 + 0.7 * sharp) * (0.5 + 0.5 * lightScore(detail?.light ?? [])), wrong };
}

/** Degrees, without sign. */
function poseOf(points: Float32Array): { aside: number; nodded: number } {
  const { rotation: r } = fitHead(points);
  const degrees = (angle: number): number => Math.abs((angle * 180) / Math.PI);
  return { aside: degrees(Math.atan2(-r[6]!, r[8]!)), nodded: degrees(Math.asin(Math.min(1, Math.max(-1, r[7]!)))) };
}

/** 1 for a face with bright and dark parts, neither of them lost. */
function lightScore(light: readonly number[]): number {
  const [low, high] = [percentile([...light], 0.1), percentile([...light], 0.9)];
  return smoothstep(40, 120, high) * smoothstep(252, 236, low) * smoothstep(255, 244, high - (high - low) * 0.05);
}

/** Colors in front and behind that are this far apart tell the edge, 0..255 units. */
const APART = 60;

function edgesOf({ alpha, front, back, calm }: Subject): number {
  let [sure, all] = [0, 1e-6];
  for (let i = 0; i < alpha.length; i++) {
    const edge = alpha[i]! * (1 - alpha[i]!) * 4;
    if (edge < 0.05) continue;
    const apart = Math.hypot(front[0][i]! - back[0][i]!, front[1][i]! - back[1][i]!, front[2][i]! - back[2][i]!);
    sure += edge * Math.min(1, apart / APART) * calm[i]!;
    all += edge;
  }
  return sure / all;
}
