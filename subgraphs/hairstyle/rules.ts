import { Failure } from '../../schema/failures.ts';
import type { GenerateHairstyleInput, GenerationMode, HairSex, ImportStyleInput, JobStatus } from '../../schema/types/hairstyle.ts';
import { parseHttpUrl } from '../schema.ts';

export type Mode = GenerationMode;
export type Gender = HairSex;
export type Status = JobStatus;
/** Why a generation failed, as the SDL's `JobFailure`. */
export type Failing = { code: string; message: string; retryable: boolean; refunded: boolean };

export const mostStyles = 8;
/** Imported styles of one account at once. */
export const mostImportedStyles = 200;
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

/** The words of an imported style. Refuses with VALIDATION. */
export function checkStyleWords({ description, sex = 'UNISEX', tags = [] }: Pick<ImportStyleInput, 'description' | 'sex' | 'tags'>): { description: string | null; sex: Gender; tags: readonly string[] } {
  const name = (description ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim();
  if (description !== null && description !== undefined && name === '') throw invalid('description is empty', 'description');
  if (name.length > 80) throw invalid('description has at most 80 characters', 'description');
  const words = [...new Set(tags.map((tag) => tag.replaceAll(/[\p{Cc}\p{Cf}\p{Cs},]/gu, ' ').trim().toLowerCase()))];
  if (words.length > 10 || words.some((tag) => tag.length < 1 || tag.length > 30)) throw invalid('tags are at most 10, of 1 to 30 characters', 'tags');
  return { description: name || null, sex, tags: words };
}

/** The color of that id, or of that name in any case; null when none was asked for. Refuses with VALIDATION. */
export function chooseColor<Color extends { id: string; name: string }>(colors: readonly Color[], asked: string | null | undefined): Color | null {
  if (asked === null || asked === undefined) return null;
  const name = asked.trim().toLowerCase();
  const found = colors.find(({ id }) => id === asked) ?? colors.find((color) => color.name.toLowerCase() === name);
  if (!found) throw invalid(`Unknown hair color ${JSON.stringify(asked.slice(0, 64))}`, 'hairColor');
  return found;
}

/** A file name without folders and control characters, at most 255 characters; null when nothing is left. */
export function cleanFileName(name: string | null | undefined): string | null {
  // Control and formatting characters turn a name into something else on a screen.
  const last = (name ?? '').split(/[/\\]/).at(-1)?.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim() ?? '';
  return last === '' || last === '.' || last === '..' ? null : Array.from(last).slice(0, 255).join('');
}
