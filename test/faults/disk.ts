import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A small file system in a folder. `fill` is null where one cannot be mounted: then it is a folder like others. */
export type Disk = { folder: string; fill: (() => void) | null; empty(): void; remove(): void };

export function mountDisk(folder: string, sizeMb: number): Disk {
  mkdirSync(folder, { mode: 0o755 });
  const filler = join(folder, 'filler');
  const isMounted = process.getuid?.() === 0 && mounted(folder, sizeMb);
  const empty = (): void => rmSync(filler, { force: true });
  return {
    folder, empty,
    fill: isMounted ? () => fillUp(filler) : null,
    remove() {
      if (isMounted) execFileSync('umount', ['-l', folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mounted(folder: string, sizeMb: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=755`, 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** To the last page. */
function fillUp(file: string): void {
  const descriptor = openSync(file, 'a');
  for (let size = 8 << 20; size >= 4096; ) {
    try {
      if (writeSync(descriptor, Buffer.alloc(size)) < size) size /= 2;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      size /= 2;
    }
  }
  closeSync(descriptor);
}
