import type { SelfieCheck, SelfieCheckKind } from '../../schema/types/headshot.ts';
import type { Quota } from '../quotas.ts';
import type { ImageIssue } from '../vision/engine.ts';
import type { SelfieAssessment } from './rules.ts';

export const mostSelfies = 20;
/** Selfies that can be used, without which there are no headshots. */
export const leastSelfies = 1;
/** Of addresses for selfies that one link is given: all that a person may need, and at most 300 MB of what nobody took. */
export const uploadsOfLink: Quota = { name: 'selfie-uploads', limit: 60, window: 'HOUR' };

/** The name of a file without its folder and what cannot be shown, at most 120 characters; null when nothing is left. */
export function cleanSelfieName(name: string | null | undefined): string | null {
  const last = (name ?? '').split(/[\\/]/).at(-1) ?? '';
  return Array.from(last.replaceAll(/\p{C}/gu, '').trim()).slice(0, 120).join('') || null;
}

/** What to do about a selfie in which that is wrong. */
const advices: Readonly<Record<ImageIssue, string>> = {
  UNREACHABLE: 'The photo did not arrive. Please send it again.',
  NOT_AN_IMAGE: 'This file is not a photo that can be read. Please choose another one.',
  TOO_LARGE: 'The photo is over 5 MB or 50 megapixels. Please send a smaller one.',
  TOO_SMALL: 'Your face is too small in the photo. Come closer, or send it in full size.',
  UNSUPPORTED_TYPE: 'Please send a PNG, JPEG, WebP or HEIC photo.',
  NO_FACE: 'No face was found. Look into the camera, with nothing in front of your face.',
  MULTIPLE_FACES: 'Somebody else is in the photo. Please send one of you alone.',
  TOO_DARK: 'It is too dark. Face a window or a lamp.',
  TOO_BRIGHT: 'It is too bright. Step out of the direct light.',
  BLURRY: 'It is blurred. Hold the camera still and wipe its lens.',
  GREYSCALE: 'It has no color. Please send a color photo.',
  HEAD_CUT_OFF: 'The top of your head is cut off. Leave some room above it.',
  BODY_CUT_OFF: 'Your shoulders are not in the photo. Hold the camera at arm’s length.',
  NOT_UPRIGHT: 'The photo is not upright. Turn it, and add it again.',
  FACE_TURNED: 'Your face is turned away. Look into the camera.',
  EYES_CLOSED: 'Your eyes are closed.',
  NO_HAIR: 'No hair was found.',
  HEAD_COVERED: 'Your hair is hidden. Take off what covers it.',
  HAIR_CUT_OFF: 'Your hair is cut off at the edge of the photo.',
};

/** One sentence for the person about the first thing that is wrong. */
export const adviceFor = (issue: ImageIssue): string => advices[issue];

/** What to do about a selfie, or what would make it better; null: nothing. */
export function adviceOf({ issues, remarks }: Pick<SelfieAssessment, 'issues' | 'remarks'>): string | null {
  const [first] = issues.length > 0 ? issues : remarks;
  return first === undefined ? null : adviceFor(first);
}

type Kind = { kind: SelfieCheckKind; good: string; bad: Partial<Record<ImageIssue, string>>; /** What makes it impossible to tell. */ hiddenBy: readonly ImageIssue[] };

const early = ['NO_FACE', 'TOO_SMALL', 'MULTIPLE_FACES', 'TOO_DARK', 'TOO_BRIGHT', 'BLURRY'] as const satisfies readonly ImageIssue[];
const kinds: readonly Kind[] = [
  { kind: 'FACE', good: 'Face found', bad: { NO_FACE: 'No face', TOO_SMALL: 'Face too small' }, hiddenBy: [] },
  { kind: 'ALONE', good: 'One person', bad: { MULTIPLE_FACES: 'Somebody else' }, hiddenBy: ['NO_FACE'] },
  { kind: 'SHARP', good: 'Sharp', bad: { BLURRY: 'Blurred' }, hiddenBy: ['NO_FACE', 'MULTIPLE_FACES'] },
  { kind: 'LIGHT', good: 'Good light', bad: { TOO_DARK: 'Dark', TOO_BRIGHT: 'Too bright', GREYSCALE: 'No color' }, hiddenBy: ['NO_FACE'] },
  { kind: 'POSE', good: 'Looks at the camera', bad: { NOT_UPRIGHT: 'Not upright', FACE_TURNED: 'Turned away', EYES_CLOSED: 'Eyes closed' }, hiddenBy: early },
  { kind: 'FRAMING', good: 'Head and shoulders', bad: { HEAD_CUT_OFF: 'Head cut off', BODY_CUT_OFF: 'No shoulders' }, hiddenBy: early },
];

/** What was looked for in a selfie and what was found, one of each kind. */
export function checksOf({ issues, remarks }: Pick<SelfieAssessment, 'issues' | 'remarks'>): SelfieCheck[] {
  return kinds.map(({ kind, good, bad, hiddenBy }) => {
    const wordsOf = (found: readonly ImageIssue[]): string | undefined => found.map((issue) => bad[issue]).find((words) => words !== undefined);
    const [wrong, doubtful] = [wordsOf(issues), wordsOf(remarks)];
    if (wrong !== undefined) return { kind, result: 'BAD', message: wrong };
    if (issues.some((issue) => hiddenBy.includes(issue))) return { kind, result: 'UNKNOWN', message: 'Not looked at' };
    return doubtful === undefined ? { kind, result: 'GOOD', message: good } : { kind, result: 'FAIR', message: `${doubtful}, but it will do` };
  });
}

/** Of 256 bits, those that may differ while two likenesses are of one picture: shrunk and hard compressed it differs in at most 22, other people in 78 or more. */
const nearBits = 24;

/** Whether two likenesses are those of one picture, maybe in another size or compression. */
export function isAlike(one: string, other: string): boolean {
  let differing = 0;
  for (let bits = BigInt(`0x${one}`) ^ BigInt(`0x${other}`); bits > 0n; bits >>= 1n) differing += Number(bits & 1n);
  return differing <= nearBits;
}
