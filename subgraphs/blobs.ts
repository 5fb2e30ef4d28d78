import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import sharp from 'sharp';
import { type AccountId, newUploadId, type UploadId } from './ids.ts';
import { createS3Files, createS3Staging } from './blobs-s3.ts';
import { createFolder } from './blobs-folder.ts';
import { openS3, type S3Options } from './s3.ts';
import { atLeast, createStaging, stagedForMs, UploadTooLarge, UploadTooShort } from './uploads.ts';

/** Names one stored blob: the SHA-256 of its bytes, a part that makes every put its own, and the ending of its type. */
export type BlobKey = string & { readonly __brand: 'BlobKey' };
export type ByteRange = { start: number; end: number };
export type OpenBlob = { stream(range?: ByteRange): Readable; sizeBytes: number; contentType: string; etag: string };
export type SignedUrlOptions = {
  /** Rounded up to the next full hour, so that equal requests within an hour give equal URLs. */
  expiresAt: Date;
  /** Pixels; a smaller picture is made and kept. Never enlarges. */
  width?: number | undefined;
  /** Name under which a browser saves it. */
  fileName?: string | undefined;
};
export type StagedUpload = { uploadId: UploadId; uploadUrl: string; expiresAt: Date };
export type FileRequest = { method: string; path: string; query: Readonly<Record<string, unknown>>; headers: Readonly<Record<string, string | string[] | undefined>> };
export type FileResponse = { status: number; headers: Record<string, string>; body: Readable | string | null };

/** Keeps bytes under keys that nobody can guess, and gives signed, expiring addresses to them. */
export type BlobStore = {
  /** Two puts of equal bytes give two keys, so that deleting one owner's blob never takes another's. */
  put(bytes: Uint8Array, options: { contentType: string }): Promise<BlobKey>;
  read(key: BlobKey): Promise<Uint8Array | null>;
  open(key: BlobKey, options?: { width?: number | undefined }): Promise<OpenBlob | null>;
  /** Also removes what was made of it. Deleting what is gone does nothing. */
  delete(key: BlobKey): Promise<void>;
  signedUrl(key: BlobKey, options: SignedUrlOptions): string;
  /** A signed address for one PUT of at least the announced bytes and at most `uploadLimitBytes` within an hour. */
  stage(accountId: AccountId, byteLength: number): Promise<StagedUpload>;
  /** False when that upload was sent before. Throws UploadTooLarge. */
  putStaged(accountId: AccountId, uploadId: UploadId, body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<boolean>;
  /** Gives the bytes once. Null: not sent, another account's, taken before or too old. `by`: who takes them, and may take them again until they are forgotten. */
  takeStaged(accountId: AccountId, uploadId: UploadId, by?: string | null): Promise<Uint8Array | null>;
  /** Forgets what was taken by somebody. */
  forgetStaged(accountId: AccountId, uploadId: UploadId, by: string | null): Promise<void>;
  /** Puts bytes under a key that they had before: what a backup holds. */
  place(key: BlobKey, bytes: Uint8Array): Promise<void>;
  /** The keys of blobs that were put before a moment, in batches. */
  listOlder(before: Date): AsyncIterable<BlobKey[]>;
  /** Forgets uploads that nobody took in time. */
  sweepStaged(): Promise<void>;
  /** Makes what was taken to be had again. */
  restoreStaged(accountId: AccountId, uploadId: UploadId, bytes: Uint8Array): Promise<void>;
  /** GET and HEAD of `/files/…`, without a framework. */
  fileResponse(request: FileRequest): Promise<FileResponse>;
  /** PUT of `/uploads/…`, without a framework. */
  putUpload(request: FileRequest & { body: AsyncIterable<Uint8Array> }): Promise<FileResponse>;
};

/** The largest upload, 5 MB. */
export const uploadLimitBytes = 5 * 1024 * 1024;
const types: Record<string, string> = { jpg: 'image/jpeg', png: 'image/png', webp: 'image/webp', bin: 'application/octet-stream' };
const keyPattern = /^(([0-9a-f]{2})[0-9a-f]{62})-[0-9a-f]{16}\.([a-z]+)$/;
const widths = { min: 64, max: 2048 };

/** The key in a text, or null when it has not the form of one. */
export function parseBlobKey(text: string): BlobKey | null {
  return keyPattern.test(text) ? (text as BlobKey) : null;
}

/** A new key for bytes. */
export function newBlobKey(bytes: Uint8Array, contentType: string): BlobKey {
  const ending = Object.keys(types).find((name) => types[name] === contentType) ?? 'bin';
  return `${createHash('sha256').update(bytes).digest('hex')}-${randomBytes(8).toString('hex')}.${ending}` as BlobKey;
}

/** What a key says of its bytes, or of a smaller picture that was made of them. */
export function blobAbout(key: BlobKey, width?: number): Pick<OpenBlob, 'contentType' | 'etag'> {
  const [, hash, , ending] = keyPattern.exec(key) ?? [];
  return { etag: `"${hash}${width === undefined ? '' : `-${width}`}"`, contentType: types[ending ?? 'bin'] ?? 'application/octet-stream' };
}

/** The same picture at most so wide, px. */
export function shrunk(bytes: Uint8Array, width: number): Promise<Uint8Array> {
  return sharp(bytes, { limitInputPixels: 60_000_000 }).resize({ width, withoutEnlargement: true }).toBuffer();
}

/** The moment at which a URL signed for `expiresAt` ends: the next full hour. */
export function roundedExpiry(expiresAt: Date): Date {
  return new Date(Math.ceil(expiresAt.getTime() / 3_600_000) * 3_600_000);
}

/** The bytes of a store, without addresses. */
export type BlobFiles = Pick<BlobStore, 'put' | 'place' | 'read' | 'open' | 'delete' | 'listOlder'>;

export type BlobStoreOptions = {
  /** For the folders `blobs` and `uploads`, where there is no bucket. */
  dataDir: string;
  s3?: S3Options | null;
  /** Asked at every use, for a port may be known only after the start. */
  publicUrl: () => string;
  signingSecret: string;
};

/** A store in a bucket, else in a folder. Its addresses are ours in both cases: the same limits, headers and lifetimes. */
export function createBlobStore({ dataDir, s3 = null, publicUrl, signingSecret }: BlobStoreOptions): BlobStore {
  const bucket = s3 && openS3(s3);
  const files = bucket ? createS3Files(bucket) : createFolder(join(dataDir, 'blobs'));
  const staging = bucket ? createS3Staging(bucket) : createStaging(join(dataDir, 'uploads'));
  const sign = (...parts: string[]): string => createHmac('sha256', signingSecret).update(parts.join('\n')).digest('base64url');
  const signed = (given: unknown, ...parts: string[]): boolean => {
    const [expected, actual] = [Buffer.from(sign(...parts)), Buffer.from(text(given))];
    return expected.length === actual.length && timingSafeEqual(expected, actual);
  };
  return {
    ...files,
    putStaged: staging.put,
    takeStaged: staging.take,
    forgetStaged: staging.forget,
    restoreStaged: staging.restore,
    sweepStaged: staging.sweep,
    signedUrl(key, { expiresAt, width, fileName }) {
      const fields = [String(roundedExpiry(expiresAt).getTime() / 1000), width === undefined ? '' : String(clampWidth(width)), fileName ?? ''] as const;
      const query = new URLSearchParams({ e: fields[0], ...(fields[1] && { w: fields[1] }), ...(fields[2] && { n: fields[2] }), s: sign('file', key, ...fields) });
      return `${publicUrl()}/files/${key}?${query.toString()}`;
    },
    async stage(accountId, byteLength) {
      const [uploadId, expiresAt] = [newUploadId(), new Date(Date.now() + stagedForMs)];
      const [e, l] = [String(Math.floor(expiresAt.getTime() / 1000)), String(byteLength)];
      const query = new URLSearchParams({ a: accountId, e, l, s: sign('upload', uploadId, accountId, e, l) });
      return { uploadId, uploadUrl: `${publicUrl()}/uploads/${uploadId}?${query.toString()}`, expiresAt };
    },
    async fileResponse({ method, path, query, headers }) {
      const key = parseBlobKey(path.slice(path.lastIndexOf('/') + 1));
      const [e, w, n] = [text(query['e']), text(query['w']), text(query['n'])];
      if (!key || !signed(query['s'], 'file', key, e, w, n)) return refusal(403, 'This address is not valid.');
      if (Number(e) * 1000 < Date.now()) return refusal(403, 'This address has expired.');
      return answerFile(files, { key, width: w ? Number(w) : undefined, fileName: n, expiresAtMs: Number(e) * 1000 }, method, headers);
    },
    async putUpload({ path, query, headers, body }) {
      const uploadId = path.slice(path.lastIndexOf('/') + 1);
      const [a, e, l] = [text(query['a']), text(query['e']), text(query['l'])];
      if (!signed(query['s'], 'upload', uploadId, a, e, l)) return refusal(403, 'This address is not valid.');
      if (Number(e) * 1000 < Date.now()) return refusal(403, 'This address has expired.');
      if (Number(headers['content-length'] ?? 0) > uploadLimitBytes) return refusal(413, 'At most 5 MB.');
      try {
        // Both ids are what this process signed, so they are what they look like.
        return (await staging.put(a as AccountId, uploadId as UploadId, atLeast(body, Number(l)), uploadLimitBytes)) ? { status: 204, headers: {}, body: null } : refusal(409, 'This upload was sent before.');
      } catch (error) {
        if (error instanceof UploadTooLarge) return refusal(413, 'At most 5 MB.');
        if (error instanceof UploadTooShort) return refusal(400, `Only ${error.message} arrived. Send all of it to this address again.`);
        throw error;
      }
    },
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const clampWidth = (width: number): number => Math.min(widths.max, Math.max(widths.min, Math.round(width)));

function refusal(status: number, message: string, headers: Record<string, string> = {}): FileResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }, body: message };
}

type SignedFile = { key: BlobKey; width: number | undefined; fileName: string; expiresAtMs: number };

async function answerFile(files: BlobFiles, file: SignedFile, method: string, headers: FileRequest['headers']): Promise<FileResponse> {
  const blob = await files.open(file.key, { width: file.width });
  if (!blob) return refusal(404, 'This file is no longer kept.');
  const about: Record<string, string> = {
    etag: blob.etag,
    'cache-control': `private, max-age=${Math.max(0, Math.floor((file.expiresAtMs - Date.now()) / 1000))}, immutable`,
    'cross-origin-resource-policy': 'cross-origin',
    'x-content-type-options': 'nosniff',
  };
  const known = new Set(text(headers['if-none-match']).split(',').map((tag) => tag.trim().replace(/^W\//, '')));
  if (known.has(blob.etag) || known.has('*')) return { status: 304, headers: about, body: null };
  const asked = ['', blob.etag].includes(text(headers['if-range'])) ? parseRange(text(headers['range']), blob.sizeBytes) : null;
  if (asked === 'unsatisfiable') return refusal(416, 'No such range.', { 'content-range': `bytes */${blob.sizeBytes}` });
  const { start, end } = asked ?? { start: 0, end: blob.sizeBytes - 1 };
  Object.assign(about, { 'content-type': blob.contentType, 'content-length': String(end - start + 1), 'accept-ranges': 'bytes' });
  if (file.fileName) about['content-disposition'] = `inline; filename*=UTF-8''${encodeURIComponent(file.fileName).replaceAll("'", '%27')}`;
  if (asked) about['content-range'] = `bytes ${start}-${end}/${blob.sizeBytes}`;
  return { status: asked ? 206 : 200, headers: about, body: method === 'HEAD' ? null : blob.stream({ start, end }) };
}

/** The one range that a Range header asks for. Null: none, several or malformed ones, which stand for the whole (RFC 9110, 14.2). */
export function parseRange(header: string, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (!match[1] && !match[2])) return null;
  const start = match[1] ? Number(match[1]) : Math.max(0, sizeBytes - Number(match[2]));
  const end = match[1] && match[2] ? Math.min(Number(match[2]), sizeBytes - 1) : sizeBytes - 1;
  if (match[1] && match[2] && Number(match[1]) > Number(match[2])) return null;
  return start >= sizeBytes || start > end ? 'unsatisfiable' : { start, end };
}
