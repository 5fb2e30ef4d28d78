import { createReadStream } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { blobAbout, type BlobFiles, type BlobKey, newBlobKey, parseBlobKey, shrunk } from './blobs.ts';
import { makeFolder } from './folders.ts';

/** Every blob is a folder: `original`, and a file for each width that was asked for. A rename makes each of them appear whole. */
export function createFolder(root: string): BlobFiles {
  const making = new Map<string, Promise<void>>();
  const folderOf = (key: BlobKey): string => join(root, key.slice(0, 2), key);
  const place = async (file: string, bytes: Uint8Array): Promise<void> => {
    const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
    await writeFile(temporary, bytes);
    await rename(temporary, file);
  };
  const shrink = async (folder: string, width: number): Promise<void> => {
    await place(join(folder, `w${width}`), await shrunk(await readFile(join(folder, 'original')), width));
  };
  const variant = async (folder: string, width: number): Promise<string> => {
    const file = join(folder, `w${width}`);
    if (await exists(file)) return file;
    const made = making.get(file) ?? shrink(folder, width).finally(() => making.delete(file));
    making.set(file, made);
    await made;
    return file;
  };
  const placeOriginal: BlobFiles['place'] = async (key, bytes) => {
    makeFolder(folderOf(key));
    await place(join(folderOf(key), 'original'), bytes);
  };
  return {
    place: placeOriginal,
    async put(bytes, { contentType }) {
      const key = newBlobKey(bytes, contentType);
      await placeOriginal(key, bytes);
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
      return sizeBytes === null ? null : { stream: (range) => createReadStream(file, range ?? {}), sizeBytes, ...blobAbout(key, width) };
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
