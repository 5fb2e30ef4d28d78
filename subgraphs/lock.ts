import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Folders that this process holds. */
const held = new Set<string>();
const attempts = 4;

/** Another process has the folder; the message says what its operator can do. */
export class FolderInUse extends Error {}

/**
 * Makes this process the only one that uses a folder; call the result to give it back. A process that was killed holds nothing.
 *
 * Every process first writes a file of its own name and then looks for others: of two that start at once at least one sees the other, so
 * both may step back and try again, but never both go on. Names of the dead never come back, so removing them is always safe.
 * @throws FolderInUse naming the process that has it.
 */
export async function lockFolder(folder: string): Promise<() => void> {
  if (held.has(folder)) throw new Error(`${folder} is already in use by this process`);
  held.add(folder);
  const own = nameOf(process.pid);
  const release = (): void => {
    held.delete(folder);
    rmSync(join(folder, own), { force: true });
  };
  process.once('exit', release);
  for (let attempt = 1; ; attempt++) {
    writeFileSync(join(folder, own), 'While this file is here, the process in its name uses this folder.\n');
    const other = removeDead(folder).find((name) => name !== own);
    if (other === undefined) return () => {
      process.off('exit', release);
      release();
    };
    release();
    if (attempt === attempts) throw new FolderInUse(`${folder} is in use by process ${pidOf(other)}. Stop it, give DATA_DIR another folder, or set DATABASE_URL to share one PostgreSQL.`);
    held.add(folder);
    await delay(30 + Math.random() * 170);
  }
}

/** Names of the living that hold or want the folder. */
function removeDead(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^process-\d+-\d+\.lock$/.test(name));
  for (const name of names) if (nameOf(pidOf(name)) !== name) rmSync(join(folder, name), { force: true });
  return names.filter((name) => existsSync(join(folder, name)));
}

const pidOf = (name: string): number => Number(name.split('-')[1]);

/** A process by number and start, for numbers come back. */
function nameOf(pid: number): string {
  return `process-${pid}-${startOf(pid)}.lock`;
}

/** When a process started, in ticks since the machine did; elsewhere than on Linux 0 while it lives. Null: no such process. */
function startOf(pid: number): string | null {
  if (process.platform !== 'linux') return isAlive(pid) ? '0' : null;
  try {
    // The second field is a name in parentheses that may hold anything; the start is the 22nd, the 20th behind it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
