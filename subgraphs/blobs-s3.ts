import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { type BlobFiles, type BlobKey, blobAbout, newBlobKey, parseBlobKey, shrunk } from './blobs.ts';
import type { AccountId, UploadId } from './ids.ts';
import type { S3 } from './s3.ts';
import { limited, type Staging, stagedForMs } from './uploads.ts';

/** Blobs in a bucket: `blobs/KEY/original`, and beside it an object for each width that was asked for. */
export function createS3Files(s3: S3): BlobFiles {
  const making = new Map<string, Promise<void>>();
  const folderOf = (key: BlobKey): string => `blobs/${key}`;
  const shrink = async (key: BlobKey, width: number): Promise<void> => {
    const original = await s3.read(`${folderOf(key)}/original`);
    if (!original) return;
    await s3.put(`${folderOf(key)}/w${width}`, await shrunk(original, width), { contentType: blobAbout(key).contentType });
    // Deleted meanwhile: whoever did so looks for what stands beside it after that, and may have looked already.
    if (!(await s3.head(`${folderOf(key)}/original`))) await s3.delete(`${folderOf(key)}/w${width}`);
  };
  const variant = async (key: BlobKey, width: number): Promise<string> => {
    const name = `${folderOf(key)}/w${width}`;
    if (await s3.head(name)) return name;
    const made = making.get(name) ?? shrink(key, width).finally(() => making.delete(name));
    making.set(name, made);
    await made;
    return name;
  };
  const place: BlobFiles['place'] = async (key, bytes) => void (await s3.put(`${folderOf(key)}/original`, bytes, { contentType: blobAbout(key).contentType }));
  return {
    place,
    async put(bytes, { contentType }) {
      const key = newBlobKey(bytes, contentType);
      await place(key, bytes);
      return key;
    },
    read: (key) => s3.read(`${folderOf(key)}/original`),
    async open(key, { width } = {}) {
      const original = `${folderOf(key)}/original`;
      const found = await s3.head(original);
      if (!found) return null;
      const name = width === undefined ? original : await variant(key, width);
      const sizeBytes = width === undefined ? found.sizeBytes : (await s3.head(name))?.sizeBytes;
      return sizeBytes === undefined ? null : { stream: (range) => s3.stream(name, range), sizeBytes, ...blobAbout(key, width) };
    },
    async delete(key) {
      await s3.delete(`${folderOf(key)}/original`);
      for await (const page of s3.list(`${folderOf(key)}/`)) await Promise.all(page.map((object) => s3.delete(object.key)));
    },
    async *listOlder(before) {
      for await (const page of s3.list('blobs/')) {
        const originals = page.filter(({ key, modifiedAt }) => key.endsWith('/original') && modifiedAt < before);
        const keys = originals.map(({ key }) => parseBlobKey(key.slice('blobs/'.length, -'/original'.length))).filter((key) => key !== null);
        if (keys.length > 0) yield keys;
      }
    },
  };
}

/**
 * Uploads in a bucket: the bytes, and an empty object each for that they were sent and that they were taken. Of those who write one of these at once
 * the store lets one through.
 */
export function createS3Staging(s3: S3): Staging {
  const nothing = new Uint8Array();
  const nameOf = (accountId: AccountId, uploadId: UploadId): string | null =>
    (/^[0-9a-f-]{36}$/.test(accountId) && /^[A-Za-z0-9_]+$/.test(uploadId) ? `uploads/${accountId}.${uploadId}` : null);
  return {
    async put(accountId, uploadId, body, limitBytes) {
      const name = nameOf(accountId, uploadId);
      if (!name || !(await s3.put(`${name}.sent`, nothing, { ifAbsent: true }))) return false;
      try {
        await s3.put(name, await buffer(Readable.from(limited(body, limitBytes))));
        return true;
      } catch (error) {
        // A broken transfer may be sent again.
        await s3.delete(`${name}.sent`);
        throw error;
      }
    },
    async take(accountId, uploadId, by = null) {
      const name = nameOf(accountId, uploadId);
      const found = name && (await s3.head(name));
      if (!name || !found || Date.now() - found.modifiedAt.getTime() > stagedForMs) return null;
      if (!(await s3.put(`${name}.taken`, Buffer.from(by ?? ''), { ifAbsent: true })) && !(by !== null && Buffer.from((await s3.read(`${name}.taken`)) ?? nothing).equals(Buffer.from(by)))) return null;
      const bytes = await s3.read(name).catch(async (error: unknown) => {
        await s3.delete(`${name}.taken`);
        throw error;
      });
      if (by === null) await s3.delete(name);
      return bytes;
    },
    async forget(accountId, uploadId, by) {
      const name = nameOf(accountId, uploadId);
      if (name && by !== null) await s3.delete(name);
    },
    async restore(accountId, uploadId, bytes) {
      const name = nameOf(accountId, uploadId);
      if (!name) return;
      await s3.put(name, bytes);
      await s3.delete(`${name}.taken`);
    },
    async sweep() {
      for await (const page of s3.list('uploads/')) {
        const old = page.filter(({ modifiedAt }) => Date.now() - modifiedAt.getTime() > 2 * stagedForMs);
        await Promise.all(old.map(({ key }) => s3.delete(key)));
      }
    },
  };
}
