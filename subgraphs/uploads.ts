import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from './folders.ts';
import type { AccountId, UploadId } from './ids.ts';

/** For how long an upload may be sent, and then taken. */
export const stagedForMs = 3_600_000;

export class UploadTooLarge extends Error {}
export class UploadTooShort extends Error {}

/** Bytes that were sent to us and that no image was made of yet, at most an hour old. */
export type Staging = {
  /** False when that upload was sent before. Throws UploadTooLarge. */
  put(accountId: AccountId, uploadId: UploadId, body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<boolean>;
  /** Gives the bytes once; null when there are none. `by`: who takes them, and may take them again until they are forgotten. */
  take(accountId: AccountId, uploadId: UploadId, by?: string | null): Promise<Uint8Array | null>;
  /** Forgets what was taken by somebody. */
  forget(accountId: AccountId, uploadId: UploadId, by: string | null): Promise<void>;
  /** Puts back what was taken, for another hour. */
  restore(accountId: AccountId, uploadId: UploadId, bytes: Uint8Array): Promise<void>;
  /** Forgets what nobody took in time, and that it was sent and taken. */
  sweep(): Promise<void>;
};

/** Uploads in a folder. */
export function createStaging(root: string): Staging {
  const fileOf = (accountId: AccountId, uploadId: UploadId): string | null =>
    (/^[0-9a-f-]{36}$/.test(accountId) && /^[A-Za-z0-9_]+$/.test(uploadId) ? join(root, `${accountId}.${uploadId}`) : null);
  return {
    async put(accountId: AccountId, uploadId: UploadId, body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<boolean> {
      const file = fileOf(accountId, uploadId);
      if (!file) return false;
      makeFolder(root);
      const claimed = await open(`${file}.sent`, 'wx').catch((error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? null : Promise.reject(error)));
      if (!claimed) return false;
      await claimed.close();
      try {
        await pipeline(limited(body, limitBytes), createWriteStream(`${file}.tmp`));
        await rename(`${file}.tmp`, file);
        return true;
      } catch (error) {
        // A broken transfer may be sent again.
        await Promise.all([rm(`${file}.tmp`, { force: true }), rm(`${file}.sent`, { force: true })]);
        throw error;
      }
    },
    async take(accountId: AccountId, uploadId: UploadId, by: string | null = null): Promise<Uint8Array | null> {
      const file = fileOf(accountId, uploadId);
      if (!file) return null;
      const mine = takenBy(file, by);
      const found = (await stat(file).catch(nullWhenMissing)) ?? (by === null ? null : await stat(mine).catch(nullWhenMissing));
      if (!found || Date.now() - found.mtimeMs > stagedForMs) return null;
      // Of two that take at once the rename lets one through.
      const taken = await rename(file, mine).then(() => true, nullWhenMissing);
      if (by !== null) return readFile(mine).catch(nullWhenMissing);
      if (!taken) return null;
      const bytes = await readFile(mine);
      await rm(mine, { force: true });
      return bytes;
    },
    async forget(accountId: AccountId, uploadId: UploadId, by: string | null): Promise<void> {
      const file = fileOf(accountId, uploadId);
      if (file && by !== null) await rm(takenBy(file, by), { force: true });
    },
    async restore(accountId: AccountId, uploadId: UploadId, bytes: Uint8Array): Promise<void> {
      const file = fileOf(accountId, uploadId);
      if (!file) return;
      await writeFile(`${file}.tmp`, bytes);
      await rename(`${file}.tmp`, file);
    },
    async sweep(): Promise<void> {
      for (const name of (await readdir(root).catch(nullWhenMissing)) ?? []) {
        const found = await stat(join(root, name)).catch(nullWhenMissing);
        if (found && Date.now() - found.mtimeMs > 2 * stagedForMs) await rm(join(root, name), { force: true });
      }
    },
  };
}

const takenBy = (file: string, by: string | null): string => (by === null ? `${file}.taken` : `${file}.taken-${createHash('sha256').update(by).digest('hex')}`);

function nullWhenMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

/** A body that ends before it has so many bytes throws UploadTooShort. */
export async function* atLeast(body: AsyncIterable<Uint8Array>, leastBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of staysOpen(body)) {
    sizeBytes += chunk.byteLength;
    yield chunk;
  }
  if (sizeBytes < leastBytes) throw new UploadTooShort(`${sizeBytes} of the ${leastBytes} announced bytes`);
}

/** A body that has more bytes throws UploadTooLarge. */
export async function* limited(body: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of staysOpen(body)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw new UploadTooLarge(`over ${limitBytes} bytes`);
    yield chunk;
  }
}

/** A request that is not read to its end must stay open, for its answer goes over the same socket. */
const staysOpen = (body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => (body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : body);
