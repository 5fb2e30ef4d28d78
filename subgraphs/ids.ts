import { randomBytes, randomUUID } from 'node:crypto';
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
export type MemberId = Brand<'MemberId'>;
export type InviteId = Brand<'InviteId'>;
export type ModelId = Brand<'ModelId'>;
export type SelfieId = Brand<'SelfieId'>;
export type PhotoId = Brand<'PhotoId'>;
export type EndpointId = Brand<'EndpointId'>;
export type DeliveryId = Brand<'DeliveryId'>;
export type ReadingId = Brand<'ReadingId'>;
export type LinkId = Brand<'LinkId'>;

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

const hexPattern = /^[0-9a-f]{24}$/i;
let lastHex = 0n;

/** A maker and a parser of ids in the form of the headshot API: 24 hexadecimal digits, milliseconds and then chance, ascending like the others. */
function hexKind<Id extends string>(): { make: () => Id; parse: (text: string) => Id | null } {
  return {
    make() {
      const fresh = (BigInt(Date.now()) << 48n) | BigInt(`0x${randomBytes(6).toString('hex')}`);
      lastHex = fresh > lastHex ? fresh : lastHex + 1n;
      return lastHex.toString(16).padStart(24, '0') as Id;
    },
    parse: (text) => (hexPattern.test(text) ? (text.toLowerCase() as Id) : null),
  };
}

/** Whether a text has the form of an id of any kind, and so tells nothing of anybody. */
export const isId = (text: string): boolean => ulidPattern.test(text.replace(/^[a-z]{2,10}_/, '')) || hexPattern.test(text) || uuidPattern.test(text);

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
export const { make: newReadingId, parse: parseReadingId } = kind<ReadingId>('shade_');
export const { make: newUploadId, parse: parseUploadId } = kind<UploadId>('upload_');
export const { make: newInviteId, parse: parseInviteId } = kind<InviteId>('invite_');
export const { make: newSelfieId, parse: parseSelfieId } = kind<SelfieId>('selfie_');
export const { make: newEndpointId, parse: parseEndpointId } = kind<EndpointId>('hook_');
export const { make: newDeliveryId, parse: parseDeliveryId } = kind<DeliveryId>('delivery_');
export const { make: newMemberId, parse: parseMemberId } = hexKind<MemberId>();
export const { make: newModelId, parse: parseModelId } = hexKind<ModelId>();
export const { make: newPhotoId, parse: parsePhotoId } = hexKind<PhotoId>();

export const { make: newLinkId, parse: parseLinkId } = kind<LinkId>('link_');

/** Lines of the API log. */
export const { make: newLogId } = kind<string>('log_');

/** Lines of the credit ledger. */
export const { make: newLineId } = kind<string>('line_');

/** What REST and webhooks call a generation. */
export function jobIdOf(id: GenerationId): `job_${string}` {
  return `job_${id.slice('gen_'.length)}`;
}
