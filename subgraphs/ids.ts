import { randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';

type Brand<Name extends string> = string & { readonly __brand: Name };
export type AccountId = Brand<'AccountId'>;
export type UserId = Brand<'UserId'>;
export type KeyId = Brand<'KeyId'>;
export type ClientId = Brand<'ClientId'>;
export type GenerationId = Brand<'GenerationId'>;
export type ImageId = Brand<'ImageId'>;
export type PictureId = Brand<'PictureId'>;
export type TeamId = Brand<'TeamId'>;
export type UploadId = Brand<'UploadId'>;
export type MediaId = Brand<'MediaId'>;
export type ErasureId = Brand<'ErasureId'>;

/** Ids made by one process ascend, also within a millisecond, so that ordering by id is ordering by creation. */
const ulid = monotonicFactory();
const ulidPattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A maker and a parser of ids that are `prefix` and a ULID. The parser takes any of `prefixes` and gives the first; null: no such id. */
function kind<Id extends string>(...prefixes: [string, ...string[]]): { make: () => Id; parse: (text: string) => Id | null } {
  const branded = (upper: string): Id => `${prefixes[0]}${upper}` as Id;
  return {
    make: () => branded(ulid()),
    parse(text) {
      const prefix = prefixes.find((candidate) => text.startsWith(candidate));
      const rest = prefix === undefined ? '' : text.slice(prefix.length);
      return ulidPattern.test(rest) ? branded(rest.toUpperCase()) : null;
    },
  };
}

const uuid = (text: string): string | null => (uuidPattern.test(text) ? text.toLowerCase() : null);

export const newAccountId = (): AccountId => randomUUID() as AccountId;
export const parseAccountId = (text: string): AccountId | null => uuid(text) as AccountId | null;

export const { make: newUserId, parse: parseUserId } = kind<UserId>('user_');
export const { make: newKeyId, parse: parseKeyId } = kind<KeyId>('key_');
export const { make: newClientId, parse: parseClientId } = kind<ClientId>('client_');
/** The parser takes `gen_` and `job_`, which REST prints, and gives `gen_`. */
export const { make: newGenerationId, parse: parseGenerationId } = kind<GenerationId>('gen_', 'job_');
export const { make: newImageId, parse: parseImageId } = kind<ImageId>('img_');
export const { make: newPictureId, parse: parsePictureId } = kind<PictureId>('pic_');
export const { make: newTeamId, parse: parseTeamId } = kind<TeamId>('team_');
export const { make: newMediaId, parse: parseMediaId } = kind<MediaId>('media_');
export const { make: newErasureId, parse: parseErasureId } = kind<ErasureId>('erasure_');
export const { make: newUploadId, parse: parseUploadId } = kind<UploadId>('upload_');

/** Lines of the API log. */
export const { make: newLogId } = kind<string>('log_');

/** Lines of the credit ledger. */
export const { make: newLineId } = kind<string>('line_');

/** What REST and webhooks call a generation. */
export function jobIdOf(id: GenerationId): `job_${string}` {
  return `job_${id.slice('gen_'.length)}`;
}
