import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const project = join(import.meta.dirname, '../..');

/** Packages are looked for in every folder above, and in /tmp anybody may have put some. */
const folder = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();

/** The program as `npm ci --omit=dev` leaves it, in a folder of its own: its files, and links to the packages that are no development dependencies. */
export function installWithoutDevelopment(t: { after(work: () => Promise<void>): void }): string {
  const root = mkdtempSync(join(folder, 'installed-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const name of ['gateway', 'subgraphs', 'schema', 'package.json']) cpSync(join(project, name), join(root, name), { recursive: true });
  const modules = dirname(createRequire(import.meta.url).resolve('fastify/package.json')).replace(/\/fastify$/, '');
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean }> };
  for (const [path, entry] of Object.entries(packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || entry.dev) continue;
    mkdirSync(dirname(join(root, 'node_modules', name)), { recursive: true });
    symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  return root;
}
