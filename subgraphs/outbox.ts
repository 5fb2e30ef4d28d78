import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { makeFolder } from './folders.ts';
import type { Letter } from './mail.ts';

/** Letters that were not sent but kept, in files of the data folder, where no mail server is given. For development: whoever reads them can sign in. */
export type Outbox = {
  put(letter: Letter): Promise<void>;
  /** Newest first. */
  list(): Promise<(Letter & { at: string })[]>;
};

const mostKept = 100;

export function createOutbox(dataDir: string): Outbox {
  const folder = join(dataDir, 'outbox');
  const files = async (): Promise<string[]> => (await readdir(folder).catch((): string[] => [])).filter((name) => name.endsWith('.json')).sort().reverse();
  return {
    async put(letter) {
      makeFolder(folder);
      const file = join(folder, `${ulid()}.json`);
      await writeFile(`${file}.tmp`, JSON.stringify({ at: new Date().toISOString(), ...letter }), { mode: 0o600 });
      await rename(`${file}.tmp`, file);
      for (const name of (await files()).slice(mostKept)) await rm(join(folder, name), { force: true });
    },
    async list() {
      // One may be thrown away while the others are read.
      const texts = await Promise.all((await files()).map((name) => readFile(join(folder, name), 'utf8').catch(() => null)));
      return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Letter & { at: string }]));
    },
  };
}
