import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';

const project = join(import.meta.dirname, '../..');

export type Service = {
  image?: string; build?: string; command?: string[]; entrypoint?: string[]; environment?: Record<string, string>; profiles?: string[]; deploy?: { replicas?: number };
  depends_on?: string[] | Record<string, { condition: string }>; configs?: { source: string }[]; volumes?: string[]; healthcheck?: { test: string[] }; stop_grace_period?: string;
};
export type Compose = { services: Record<string, Service>; configs: Record<string, { content: string }>; volumes: Record<string, null> };

/** docker-compose.yml, with its anchors and merges resolved. */
export function readCompose(): Compose {
  return parse(readFileSync(join(project, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose;
}

/** Where a document is not what the published schema of the Compose Specification allows; empty: nowhere. */
export function faultsOf(compose: object): string[] {
  const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const { $schema: _, ...schema } = JSON.parse(readFileSync(join(folder, 'schemas/compose.schema.json'), 'utf8')) as Record<string, unknown>;
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  return validate(compose) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** A value with its `${NAME}`, `${NAME:-default}`, `${NAME:?why}` and `$$` replaced as the specification says. @throws Error for one that must be set. */
export function interpolated(text: string, given: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (whole, name: string | undefined, rule: string | undefined, rest: string | undefined) => {
    if (name === undefined) return '$';
    const value = given[name] ?? '';
    if (value !== '') return value;
    if (rule === '?') throw new Error(`${name}: ${rest}`);
    return rule === '-' ? rest ?? '' : whole === '' ? '' : value;
  });
}

/** What the image sets and does, out of the Dockerfile. */
export function readDockerfile(): { from: string; env: Record<string, string>; user: string; healthcheck: string[]; command: string[]; copied: string[]; text: string } {
  const text = readFileSync(join(project, 'Dockerfile'), 'utf8');
  const instruction = (name: string): string => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? '';
  const list = (from: string): string[] => JSON.parse(from.slice(from.indexOf('['))) as string[];
  return {
    text, from: instruction('FROM'), user: instruction('USER'), command: list(instruction('CMD')), healthcheck: list(/^HEALTHCHECK .*CMD (\[.*\])$/m.exec(text)?.[1] ?? '[]'),
    env: Object.fromEntries(instruction('ENV').split(' ').map((pair) => pair.split('=') as [string, string])),
    copied: [...text.matchAll(/^COPY (.*) \S+$/gm)].flatMap(([, names = '']) => names.split(' ')),
  };
}
