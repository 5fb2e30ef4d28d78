import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const versions = new Map<string, string>();

/** The beginning of the SHA-256 of a file that ships with the program, 12 hexadecimal digits, read once. Null: no such file. */
export function versionOf(path: string): string | null {
  const known = versions.get(path);
  if (known !== undefined) return known;
  try {
    const version = createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12);
    versions.set(path, version);
    return version;
  } catch {
    return null;
  }
}
