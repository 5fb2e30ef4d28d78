import { createHash } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import type { GenerateHairstyleInput, GenerationMode, HairSex, JobStatus } from '../../schema/types/hairstyle.ts';
import { parseHttpUrl } from '../schema.ts';
import type { EngineStage } from '../vision/engine.ts';

export type Mode = GenerationMode;
export type Gender = HairSex;
export type Status = JobStatus;
/** Why a generation failed, as the SDL's `JobFailure`. */
export type Failing = { code: string; message: string; retryable: boolean; refunded: boolean };

export const mostStyles = 8;
export const openStatuses = ['QUEUED', 'PROCESSING'] as const satisfies readonly Status[];
export const isFinal = (status: Status): boolean => status !== 'QUEUED' && status !== 'PROCESSING';

/** Credits that a generation holds: one per picture, none in TEST mode. */
export const costOf = (mode: Mode, pictures: number): number => (mode === 'TEST' ? 0 : pictures);

/** A style under which `sex` is asked for: its own and UNISEX ones. */
export const suitsSex = (style: Gender, asked: Gender): boolean => style === asked || style === 'UNISEX';

/** Where the photo comes from. `name` with a `url` means: the URL when no image has the name. */
export type ImageChoice = { by: 'id'; id: string } | { by: 'name'; name: string; orUrl: string | null } | { by: 'url'; url: string };

const invalid = (message: string, ...path: string[]): Failure => new Failure('VALIDATION', message, { path: ['input', ...path] });

/** Exactly one of the three, but that a URL may stand in for a name. Refuses with VALIDATION. */
export function chooseImage({ imageId, imageName, imageUrl }: Pick<GenerateHairstyleInput, 'imageId' | 'imageName' | 'imageUrl'>): ImageChoice {
  if (imageId && (imageName || imageUrl)) throw invalid('imageId stands alone: leave out imageName and imageUrl', 'imageId');
  if (imageId) return { by: 'id', id: imageId };
  if (imageName) return { by: 'name', name: imageName, orUrl: imageUrl ? checkHttpUrl(imageUrl, 'imageUrl') : null };
  if (imageUrl) return { by: 'url', url: checkHttpUrl(imageUrl, 'imageUrl') };
  throw invalid('One of imageId, imageName and imageUrl is needed', 'imageUrl');
}

/** The address in normal form. Refuses with VALIDATION. */
export function checkHttpUrl(url: string, field: string): string {
  const parsed = parseHttpUrl(url);
  if (parsed === null) throw invalid(`${field} must be an absolute http or https address`, field);
  return parsed;
}

/** 1 to 8 ids, each known and once. Refuses with VALIDATION and the place of the first wrong one. */
export function checkStyles(styleIds: readonly string[], isKnown: (id: string) => boolean): readonly string[] {
  if (styleIds.length < 1 || styleIds.length > mostStyles) throw invalid(`Choose 1 to ${mostStyles} styles`, 'styleIds');
  for (const [index, id] of styleIds.entries()) {
    if (!isKnown(id)) throw invalid(`Unknown style ${JSON.stringify(id.slice(0, 64))}`, 'styleIds', String(index));
    if (styleIds.indexOf(id) < index) throw invalid(`Style ${JSON.stringify(id)} was asked for twice`, 'styleIds', String(index));
  }
  return styleIds;
}

/** The color of that id, or of that name in any case; null when none was asked for. Refuses with VALIDATION. */
export function chooseColor<Color extends { id: string; name: string }>(colors: readonly Color[], asked: string | null | undefined): Color | null {
  if (asked === null || asked === undefined) return null;
  const name = asked.trim().toLowerCase();
  const found = colors.find(({ id }) => id === asked) ?? colors.find((color) => color.name.toLowerCase() === name);
  if (!found) throw invalid(`Unknown hair color ${JSON.stringify(asked.slice(0, 64))}`, 'hairColor');
  return found;
}

/** Refuses with VALIDATION what is no idempotency key. */
export function checkIdempotencyKey(key: string | null | undefined): string | null {
  if (key === null || key === undefined) return null;
  if (key.length < 1 || key.length > 255) throw invalid('An idempotency key has 1 to 255 characters', 'idempotencyKey');
  return key;
}

/** Equal for two inputs that ask for the same, whatever the order of their fields. */
export function fingerprintOf(input: GenerateHairstyleInput): string {
  const fields = Object.entries(input).filter(([name, value]) => name !== 'idempotencyKey' && value !== null && value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

/** A file name without folders and control characters, at most 255 characters; null when nothing is left. */
export function cleanFileName(name: string | null | undefined): string | null {
  // Control and formatting characters turn a name into something else on a screen.
  const last = (name ?? '').split(/[/\\]/).at(-1)?.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim() ?? '';
  return last === '' || last === '.' || last === '..' ? null : Array.from(last).slice(0, 255).join('');
}

/** How far one picture is, 0 to 1, by the share of time that its stages take. */
export function pictureFraction(stage: EngineStage, fraction: number): number {
  const [from, to] = stageShares[stage];
  return from + (to - from) * Math.min(1, Math.max(0, fraction));
}

const stageShares: Record<EngineStage, readonly [number, number]> = {
  decode: [0, 0.03], detect: [0.03, 0.1], segment: [0.1, 0.35], render: [0.35, 0.95], remote: [0.03, 0.95], encode: [0.95, 1],
};

/** Percent of a generation whose pictures are as far as `fractions`: 2 once it is running, at most 98 before the end. */
export function percentOf(fractions: readonly number[]): number {
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / Math.max(1, fractions.length);
  return 2 + Math.floor(96 * Math.min(1, mean));
}

/** What a generation says it does while one of its pictures is at `stage` and `done` of `total` are ready. */
export function stageOf(stage: EngineStage, done: number, total: number): string {
  if (done > 0 || stage === 'render' || stage === 'remote' || stage === 'encode') return `render ${Math.min(done + 1, total)} of ${total}`;
  return stage === 'decode' ? 'validate' : stage;
}

/** The order of stages; a generation never goes back in it. */
export function stageRank(stage: string): number {
  const rendering = /^render (\d+) of /.exec(stage);
  if (rendering) return 10 + Number(rendering[1]);
  const rank = ['queued', 'validate', 'detect', 'segment'].indexOf(stage);
  return rank >= 0 ? rank : stage === 'store' ? 98 : 99;
}

/** Seconds for what is left, or null as long as nobody knows how long a picture takes. */
export function etaSeconds(secondsPerPicture: number | null, fractions: readonly number[], atOnce: number): number | null {
  if (secondsPerPicture === null) return null;
  const left = fractions.reduce((sum, fraction) => sum + 1 - fraction, 0);
  return Math.max(1, Math.ceil((left * secondsPerPicture) / Math.max(1, Math.min(atOnce, Math.ceil(left)))));
}
