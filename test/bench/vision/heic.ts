import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';

const run = promisify(execFile);

/** The same picture as a HEIC, by Debian's encoder; null where that is not installed. */
export async function encodeHeic(bytes: Uint8Array, quality = 90): Promise<Uint8Array | null> {
  const folder = await mkdtemp(join(tmpdir(), 'heic-'));
  try {
    await writeFile(join(folder, 'in.png'), await sharp(bytes).png({ compressionLevel: 1 }).toBuffer());
    await run('heif-enc', ['-q', String(quality), join(folder, 'in.png'), '-o', join(folder, 'out.heic')]);
    return new Uint8Array(await readFile(join(folder, 'out.heic')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
