import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether there is a folder of that name, as far as this process may see. */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Makes a folder, absolute, and those above it. One by one, for Node's own `recursive` never returns where a folder is there but takes no others, as /proc.
 * @throws Error of the system, whose `path` is the folder that could not be made.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(path)) throw error;
  }
}
