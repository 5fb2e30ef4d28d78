import { inspect } from 'node:util';
import { EnvironmentFault } from './env.ts';
import { FolderInUse } from './lock.ts';

/** What keeps the program from starting, as far as its surroundings are to blame: which variable to look at, by the code of the system's error. */
const advice: Record<string, (error: Fault) => string> = {
  EADDRINUSE: ({ port, portVariable = 'PORT' }) => `Port ${port ?? ''} is in use by another program. Stop that, or set ${portVariable}.`,
  EADDRNOTAVAIL: ({ address }) => `This machine has no interface ${address ?? ''}. Set HOST.`,
  EACCES: ({ path, port, portVariable = 'PORT' }) => path ? `${path} may not be written. Set DATA_DIR to a folder of yours.` : `Port ${port ?? ''} may not be listened on. Set ${portVariable} to 1024 or more.`,
  EPERM: ({ path }) => `${path ?? 'DATA_DIR'} may not be written. Set DATA_DIR to a folder of yours.`,
  EROFS: ({ path }) => `${path ?? 'DATA_DIR'} may not be written. Set DATA_DIR to a folder of yours.`,
  ENOTDIR: ({ path }) => `${path ?? 'DATA_DIR'} is no folder. Set DATA_DIR.`,
  EEXIST: ({ path }) => `${path ?? 'DATA_DIR'} is no folder. Set DATA_DIR.`,
  ENOENT: ({ path }) => `${path ?? 'DATA_DIR'} cannot be made. Set DATA_DIR.`,
  ENOSPC: () => 'The disk of DATA_DIR is full.',
  ECONNREFUSED: () => 'The database of DATABASE_URL does not answer.',
  ENOTFOUND: () => 'The host of DATABASE_URL is not known.',
  EAI_AGAIN: () => 'The host of DATABASE_URL is not known.',
  ETIMEDOUT: () => 'The database of DATABASE_URL does not answer.',
  '28P01': () => 'The database of DATABASE_URL refuses the password.',
  '28000': () => 'The database of DATABASE_URL refuses the user.',
  '3D000': () => 'The database that DATABASE_URL names does not exist.',
};

/** `portVariable`: which one names the port, where that is not PORT. */
type Fault = Error & { code?: string; path?: string; port?: number; portVariable?: string; address?: string };

/** One sentence for what its operator can mend; everything else in full. */
export function startFault(error: unknown): string {
  if (error instanceof EnvironmentFault || error instanceof FolderInUse) return error.message;
  const cause = error instanceof AggregateError ? error.errors[0] as unknown : error;
  const fault = cause instanceof Error ? cause as Fault : null;
  return advice[fault?.code ?? '']?.(fault as Fault) ?? inspect(error);
}
