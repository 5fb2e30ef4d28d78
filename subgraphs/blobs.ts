import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import sharp from 'sharp';
import { type AccountId, newUploadId, type UploadId } from './ids.ts';
import { createStaging, stagedForMs, UploadTooLarge } from './uploads.ts';

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
  /** A signed address for one PUT of at most `uploadLimitBytes` within an hour. */
  stage(accountId: AccountId): Promise<StagedUpload>;
  /** False when that upload was sent before. Throws UploadTooLarge. */
  putStaged(accountId: AccountId, uploadId: UploadId, body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<boolean>;
  /** Gives the bytes once. Null: not sent, another account's, taken before or too old. */
  takeStaged(accountId: AccountId, uploadId: UploadId): Promise<Uint8Array | null>;
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

/** The moment at which a URL signed for `expiresAt` ends: the next full hour. */
export function roundedExpiry(expiresAt: Date): Date {
  return new Date(Math.ceil(expiresAt.getTime() / 3_600_000) * 3_600_000);
}

/** A store in the folders `blobs` and `uploads` of `dataDir`. `publicUrl` is asked at every use, for a port may be known only after the start. */
export function createBlobStore({ dataDir, publicUrl, signingSecret }: { dataDir: string; publicUrl: () => string; signingSecret: string }): BlobStore {
  const files = createFolder(join(dataDir, 'blobs'));
  const staging = createStaging(join(dataDir, 'uploads'));
  const sign = (...parts: string[]): string => createHmac('sha256', signingSecret).update(parts.join('\n')).digest('base64url');
  const signed = (given: unknown, ...parts: string[]): boolean => {
    const [expected, actual] = [Buffer.from(sign(...parts)), Buffer.from(text(given))];
    return expected.length === actual.length && timingSafeEqual(expected, actual);
  };
  return {
    ...files,
    putStaged: staging.put,
    takeStaged: staging.take,
    restoreStaged: staging.restore,
    sweepStaged: staging.sweep,
    signedUrl(key, { expiresAt, width, fileName }) {
      const fields = [String(roundedExpiry(expiresAt).getTime() / 1000), width === undefined ? '' : String(clampWidth(width)), fileName ?? ''] as const;
      const query = new URLSearchParams({ e: fields[0], ...(fields[1] && { w: fields[1] }), ...(fields[2] && { n: fields[2] }), s: sign('file', key, ...fields) });
      return `${publicUrl()}/files/${key}?${query.toString()}`;
    },
    async stage(accountId) {
      await staging.sweep();
      const [uploadId, expiresAt] = [newUploadId(), new Date(Date.now() + stagedForMs)];
      const e = String(Math.floor(expiresAt.getTime() / 1000));
      const query = new URLSearchParams({ a: accountId, e, s: sign('upload', uploadId, accountId, e) });
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
      const [a, e] = [text(query['a']), text(query['e'])];
      if (!signed(query['s'], 'upload', uploadId, a, e)) return refusal(403, 'This address is not valid.');
      if (Number(e) * 1000 < Date.now()) return refusal(403, 'This address has expired.');
      if (Number(headers['content-length'] ?? 0) > uploadLimitBytes) return refusal(413, 'At most 5 MB.');
      try {
        // Both ids are what this process signed, so they are what they look like.
        return (await staging.put(a as AccountId, uploadId as UploadId, body, uploadLimitBytes)) ? { status: 204, headers: {}, body: null } : refusal(409, 'This upload was sent before.');
      } catch (error) {
        if (error instanceof UploadTooLarge) return refusal(413, 'At most 5 MB.');
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

type Folder = Pick<BlobStore, 'put' | 'read' | 'open' | 'delete' | 'listOlder'>;

/** Every blob is a folder: `original`, and a file for each width that was asked for. A rename makes each of them appear whole. */
function createFolder(root: string): Folder {
  const making = new Map<string, Promise<void>>();
  const folderOf = (key: BlobKey): string => join(root, keyPattern.exec(key)?.[2] ?? 'none', key);
  const place = async (file: string, bytes: Uint8Array): Promise<void> => {
    const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  };
  const shrink = async (folder: string, width: number): Promise<void> => {
    const image = sharp(await readFile(join(folder, 'original')), { limitInputPixels: 60_000_000 });
    await place(join(folder, `w${width}`), await image.resize({ width, withoutEnlargement: true }).toBuffer());
  };
  const variant = async (folder: string, width: number): Promise<string> => {
    const file = join(folder, `w${width}`);
    if (await exists(file)) return file;
    const made = making.get(file) ?? shrink(folder, width).finally(() => making.delete(file));
    making.set(file, made);
    await made;
    return file;
  };
  return {
    async put(bytes, { contentType }) {
      const ending = Object.keys(types).find((name) => types[name] === contentType) ?? 'bin';
      const key = `${createHash('sha256').update(bytes).digest('hex')}-${randomBytes(8).toString('hex')}.${ending}` as BlobKey;
      await mkdir(folderOf(key), { recursive: true });
      await place(join(folderOf(key), 'original'), bytes);
      return key;
    },
    async read(key) {
      return readFile(join(folderOf(key), 'original')).catch(nullWhenMissing);
    },
    async open(key, { width } = {}) {
      const original = join(folderOf(key), 'original');
      if (!(await exists(original))) return null;
      const file = width === undefined ? original : await variant(folderOf(key), width);
      const sizeBytes = await sizeOf(file);
      const [, hash, , ending] = keyPattern.exec(key) ?? [];
      const etag = `"${hash}${width === undefined ? '' : `-${width}`}"`;
      const contentType = types[ending ?? 'bin'] ?? 'application/octet-stream';
      return sizeBytes === null ? null : { stream: (range) => createReadStream(file, range ?? {}), sizeBytes, contentType, etag };
    },
    async delete(key) {
      await rm(folderOf(key), { recursive: true, force: true });
    },
    async *listOlder(before) {
      for (const part of (await readdir(root).catch(nullWhenMissing)) ?? []) {
        const keys = (await readdir(join(root, part))).map(parseBlobKey).filter((key) => key !== null);
        const ages = await Promise.all(keys.map(async (key) => (await stat(folderOf(key)).catch(nullWhenMissing))?.mtimeMs ?? Infinity));
        const older = keys.filter((_, index) => (ages[index] ?? Infinity) < before.getTime());
        if (older.length > 0) yield older;
      }
    },
  };
}

const exists = async (file: string): Promise<boolean> => (await sizeOf(file)) !== null;
const sizeOf = async (file: string): Promise<number | null> => (await stat(file).catch(nullWhenMissing))?.size ?? null;

function nullWhenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

type SignedFile = { key: BlobKey; width: number | undefined; fileName: string; expiresAtMs: number };

async function answerFile(files: Folder, file: SignedFile, method: string, headers: FileRequest['headers']): Promise<FileResponse> {
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
