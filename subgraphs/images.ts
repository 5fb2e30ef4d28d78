import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import { findOverload } from './image-structure.ts';
import type { ImageIssue } from './vision/engine.ts';
import { EngineFault, EngineRefusal } from './vision/engine.ts';
import type { VisionEngine } from './vision/index.ts';

/** One plain sentence for each thing that can be wrong with a photo. */
export const ISSUE_SENTENCES: Readonly<Record<ImageIssue, string>> = {
  UNREACHABLE: 'The image could not be fetched.',
  NOT_AN_IMAGE: 'The file is not an image that can be read.',
  TOO_LARGE: 'The image is over 5 MB or 50 megapixels.',
  TOO_SMALL: 'The image or the face in it is too small.',
  UNSUPPORTED_TYPE: 'The image is not a PNG, JPEG, WebP or HEIC photo.',
  NO_FACE: 'No face was found in the image.',
  MULTIPLE_FACES: 'More than one face was found in the image.',
  TOO_DARK: 'The image is too dark.',
  TOO_BRIGHT: 'The image is too bright.',
  BLURRY: 'The image is blurred.',
  GREYSCALE: 'The image has no color.',
  NOT_UPRIGHT: 'The image is not upright: the face lies on its side or upside down.',
  HEAD_CUT_OFF: 'The head is cut off at the upper edge of the image.',
  BODY_CUT_OFF: 'The neck and shoulders are not in the image.',
  FACE_TURNED: 'The face is turned away from the camera.',
  EYES_CLOSED: 'The eyes are closed.',
  NO_HAIR: 'No hair was found in the image.',
  HEAD_COVERED: 'The hair in the image is hidden under a hat or a scarf.',
  HAIR_CUT_OFF: 'The hair is cut off at the edge of the image.',
};

/** What became of a photo: ready for work, or why not. */
export type ExaminedImage =
  | { accepted: true; /** Upright, no metadata, longest side at most 2048 px. */ jpeg: Uint8Array; width: number; height: number; /** Remarks only. */ issues: readonly ImageIssue[] }
  | { accepted: false; issues: readonly ImageIssue[]; message: string };

const LIMIT_BYTES = 5 * 1024 * 1024;
const LIMIT_PIXELS = 50_000_000;
const LIMIT_MS = 60_000;

const sharpTypes = new Set(['image/png', 'image/jpeg', 'image/webp']);
const heicTypes = new Set(['image/heic', 'image/heif']);

/**
 * Decides whether a photo can be worked on: size, type by content and pixels before anything is decoded, then what a look at it finds.
 * `width` and `height` are those of `jpeg`. Rejects with EngineFault when the look was not finished in a minute, or with the signal's reason.
 */
export async function examineImage(vision: Pick<VisionEngine, 'inspect'>, bytes: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<ExaminedImage> {
  const early = await findEarlyIssue(bytes);
  if (early) return refused([early]);
  return examined(async (until) => {
    const { issues, remarks, normalised } = await vision.inspect(bytes, { signal: until });
    return issues.length > 0 ? refused(issues) : accepted(normalised, remarks);
  }, signal);
}

async function accepted(jpeg: Uint8Array, issues: readonly ImageIssue[]): Promise<ExaminedImage> {
  const { width, height } = await sharp(jpeg).metadata();
  return { accepted: true, jpeg, width, height, issues };
}

async function examined(look: (until: AbortSignal) => Promise<ExaminedImage>, signal: AbortSignal | undefined): Promise<ExaminedImage> {
  const deadline = AbortSignal.timeout(LIMIT_MS);
  try {
    return await look(signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch (error) {
    if (error instanceof EngineRefusal) return refused(['NOT_AN_IMAGE']);
    if (deadline.aborted && !signal?.aborted) throw new EngineFault('TIMEOUT', 'the photo was not looked at in time', { cause: error });
    throw error;
  }
}

/** The same for a picture that is only kept and shown: whatever it is of, it becomes an upright JPEG without metadata. */
export async function examinePicture(vision: Pick<VisionEngine, 'inspect'>, bytes: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<ExaminedImage> {
  const early = await findEarlyIssue(bytes);
  if (early) return refused([early]);
  return examined(async (until) => {
    const { normalised } = await vision.inspect(bytes, { signal: until });
    return accepted(normalised, []);
  }, signal);
}

function refused(issues: readonly [ImageIssue, ...ImageIssue[]] | readonly ImageIssue[]): ExaminedImage {
  const [first = 'NOT_AN_IMAGE'] = issues;
  return { accepted: false, issues, message: ISSUE_SENTENCES[first] };
}

/** What the size, the first bytes and the header tell; null when nothing is wrong with them. `allowed`: types by content, by default all that can be decoded. */
export async function findEarlyIssue(bytes: Uint8Array, allowed?: ReadonlySet<string>): Promise<ImageIssue | null> {
  if (bytes.byteLength > LIMIT_BYTES) return 'TOO_LARGE';
  const overload = findOverload(bytes);
  if (overload) return overload;
  const type = await fileTypeFromBuffer(bytes).catch(() => undefined);
  if (!type?.mime.startsWith('image/')) return 'NOT_AN_IMAGE';
  if (allowed && !allowed.has(type.mime)) return 'UNSUPPORTED_TYPE';
  if (heicTypes.has(type.mime)) return heicPixels(bytes) > LIMIT_PIXELS ? 'TOO_LARGE' : null;
  // An animated PNG has a type of its own.
  return sharpTypes.has(type.mime) ? headerIssue(bytes) : 'UNSUPPORTED_TYPE';
}

async function headerIssue(bytes: Uint8Array): Promise<ImageIssue | null> {
  // The header is read without a limit: the limit is what it is read for.
  const header = await sharp(bytes, { failOn: 'truncated', limitInputPixels: false }).metadata().catch(() => null);
  if (!header) return 'NOT_AN_IMAGE';
  if ((header.pages ?? 1) > 1) return 'UNSUPPORTED_TYPE';
  return header.width * header.height > LIMIT_PIXELS ? 'TOO_LARGE' : null;
}

/** The greatest extent that a HEIC states for one of its pictures (box `ispe`: version and flags, width, height). */
function heicPixels(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let most = 0;
  for (let at = buffer.indexOf('ispe'); at >= 0 && at + 16 <= buffer.length; at = buffer.indexOf('ispe', at + 4)) {
    most = Math.max(most, buffer.readUInt32BE(at + 8) * buffer.readUInt32BE(at + 12));
  }
  return most;
}
