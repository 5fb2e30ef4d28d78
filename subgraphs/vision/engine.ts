import type { Assessment } from './headshot/assess.ts';
import type { Backdrop } from './headshot/backdrop.ts';
import type { Aspect, Framing } from './headshot/framing.ts';
import type { Look } from './looks/look.ts';
import type { HairPiece } from './transplant/piece.ts';

export type { Aspect, Assessment, Backdrop, Framing, HairPiece };

/** Part of the work a progress report speaks of, in the order it is done. */
export type EngineStage = 'decode' | 'detect' | 'segment' | 'render' | 'encode' | 'remote';

/** What every engine call is given: how to stop it, what makes it repeatable, where to report. */
export type EngineContext = {
  signal: AbortSignal;
  seed: number;
  /** `test` marks the picture visibly. */
  mode: 'live' | 'test';
  /** `fraction` is 0..1 within its stage. */
  onProgress(progress: { stage: EngineStage; fraction: number }): void;
};

/** An sRGB color, `#rrggbb`. */
export type HairColorTarget = { hex: string };

/** One picture to make. */
export type HairstyleRequest = {
  /** Upright JPEG, PNG or WebP, as `examineImage` returns it. */
  photo: Uint8Array;
  /** Content hash of `photo`; styles of one job share its analysis under this key. */
  photoKey: string;
  /** What to grow, or another person's hair to put on. */
  look: Look | HairPiece;
  /** `null` keeps the color of the person's hair. */
  color: HairColorTarget | null;
  /** Draw the look's own hairline where it normally follows the person's. A hair piece brings its own anyway. */
  forceNewHairline: boolean;
  /** What the style is called, for engines that are told in words. */
  words?: { description: string; tags: readonly string[]; color: string | null; gender: string };
};

/** A finished picture; `low` means it is complete but not one to be proud of. */
export type RenderedImage = {
  bytes: Uint8Array;
  mime: 'image/jpeg';
  width: number;
  height: number;
  quality: 'ok' | 'low';
  warnings: string[];
  timingsMs: Partial<Record<EngineStage, number>>;
  /** Left out by the embedded engine when it was asked itself. */
  madeBy?: { engine: string; isFallback: boolean };
};

/** Makes hairstyle pictures; one call, one picture. */
export interface HairstyleEngine {
  info(): { id: string; version: string; quality: 'preview' | 'photoreal' };
  /** Rejects with `EngineRefusal` when the photo cannot be used, with `EngineFault` when trying again may help. */
  generate(request: HairstyleRequest, context: EngineContext): Promise<RenderedImage>;
  close(): Promise<void>;
}

/** What makes a reading of skin less sure than it looks; the worst comes first. */
export type ShadeWarning = 'UNEVEN_LIGHT' | 'CLIPPED' | 'TOO_DARK' | 'LOW_CHROMA' | 'COLOR_CAST' | 'COVERED_FACE' | 'TURNED_FACE' | 'SMALL_FACE';

/** The color of a face's skin as the photo shows it. */
export type SkinShade = {
  /** Mean CIELAB (D65) of the lit skin. */
  lab: [l: number, a: number, b: number];
  /** 0..1: what the warnings leave of it. */
  confidence: number;
  warnings: ShadeWarning[];
};

/** Reads skin shades; one call, one face. */
export interface SkinShadeEngine {
  /**
   * Takes PNG, JPEG, WebP and HEIC. Rejects with EngineRefusal NO_FACE, MULTIPLE_FACES, FACE_TOO_SMALL, GREYSCALE or UNSUPPORTED_IMAGE, with
   * EngineFault, or with the signal's reason.
   */
  detectShade(bytes: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<SkinShade>;
}

/** One headshot to make. */
export type HeadshotRequest = {
  /** Upright JPEG, as `assess` returns it. */
  photo: Uint8Array;
  /** Content hash of `photo`; pictures of one photo share its analysis under this key. */
  photoKey: string;
  shot: HeadshotShot;
  /** Longest side of the picture, px. Left out: as large as the photo allows, at most 1280. */
  mostHeight?: number;
};
export type HeadshotShot = { backdrop: Backdrop; framing: Framing; aspect: Aspect };

/** A finished headshot; `original` is the same picture hardly compressed. */
export type RenderedHeadshot = Pick<RenderedImage, 'bytes' | 'mime' | 'width' | 'height' | 'madeBy'> & { original: Uint8Array };

/** Makes headshots of selfies; one call, one picture. */
export interface HeadshotEngine {
  /** Says what a selfie is good for. Rejects with EngineRefusal UNSUPPORTED_IMAGE, with EngineFault, or with the signal's reason. */
  assess(bytes: Uint8Array, options?: { signal?: AbortSignal }): Promise<Assessment>;
  /** Rejects with `EngineRefusal` when the photo does not hold the picture, with `EngineFault` when trying again may help. */
  shoot(request: HeadshotRequest, context: EngineContext): Promise<RenderedHeadshot>;
}

/** Everything that can be wrong with a photo before work on it starts. */
export type ImageIssue =
  | 'UNREACHABLE'
  | 'NOT_AN_IMAGE'
  | 'TOO_LARGE'
  | 'TOO_SMALL'
  | 'UNSUPPORTED_TYPE'
  | 'NO_FACE'
  | 'MULTIPLE_FACES'
  | 'TOO_DARK'
  | 'TOO_BRIGHT'
  | 'BLURRY'
  | 'GREYSCALE'
  | 'HEAD_CUT_OFF'
  | 'BODY_CUT_OFF'
  | 'NOT_UPRIGHT'
  | 'FACE_TURNED'
  | 'EYES_CLOSED'
  | 'NO_HAIR'
  | 'HEAD_COVERED'
  | 'HAIR_CUT_OFF';

export type RefusalCode =
  | 'NO_FACE'
  | 'FACE_TOO_SMALL'
  | 'MULTIPLE_FACES'
  | 'NO_HAIR'
  | 'HEAD_COVERED'
  | 'GREYSCALE'
  | 'UNSUPPORTED_IMAGE'
  | 'IMAGE_TOO_LARGE';

/** The photo cannot be used; the same photo will be refused again. */
export class EngineRefusal extends Error {
  readonly code: RefusalCode;
  readonly retryable = false;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'EngineRefusal';
    this.code = code;
  }
}

/** The engine did not finish; the same request may succeed later. */
export class EngineFault extends Error {
  readonly code: 'TIMEOUT' | 'UNAVAILABLE';
  readonly retryable = true;

  constructor(code: 'TIMEOUT' | 'UNAVAILABLE', message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineFault';
    this.code = code;
  }
}

/** One analysed photo, longest side at most 1024 px; planes are row by row from the top left. */
export type PreparedPhoto = {
  width: number;
  height: number;
  /** width * height * 3, sRGB. */
  rgb: Uint8ClampedArray;
  /** 468 * 3, MediaPipe face mesh: x and y in px of this image, z in the same unit, negative towards the camera. */
  landmarks: Float32Array;
  /** width * height, 0..1. */
  person: Float32Array;
  /** width * height, 0..1: soft alpha of the present hair, without brows and beard. */
  hair: Float32Array;
  /** width * height * 3: the photo without hair, a skin-toned skull before background, neck and clothes. */
  plate: Uint8ClampedArray;
  /** width * height, 0..1: ears that the plate shows, the person's own and those drawn where hair had hidden them. */
  ears: Float32Array;
  /** `low` when long hair had to be taken from shoulders or clothes. */
  plateQuality: 'ok' | 'low';
  /** Median CIELAB (D65) of the present hair; `null` when there is next to none. */
  hairLab: [number, number, number] | null;
  /** Median CIELAB (D65) of the face's skin. */
  skinLab: [number, number, number];
  light: {
    /** Unit vector to the light: x right, y down, z towards the viewer. */
    direction: [number, number, number];
    /** Luminance of the lit side of the face over that of the far side, >= 1. */
    keyRatio: number;
  };
  /** 0..1, 1 is crisp. */
  sharpness: number;
  /** Standard deviation of the luminance noise, in 0..255 units. */
  grain: number;
};
