import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';

/** Engines on other machines, which styles they draw, and which makes the headshots, as the file that ENGINES names says it. */
export type EnginesConfig = { engines: ReadonlyMap<string, EngineConfig>; default: string; styles: Readonly<Record<string, string>>; headshots: string };
export type EngineConfig = ComfyConfig | PredictionsConfig;
type Common = { name: string; url: string; timeoutMs: number; /** Whether the embedded engine draws when this one does not. */ fallback: boolean; headers: Readonly<Record<string, string>> };
export type ComfyConfig = Common & { kind: 'comfyui'; /** With `{{…}}` in its texts. */ workflow: Readonly<Record<string, unknown>>; /** Node whose picture is taken; null: the first that has one. */ output: string | null };
export type PredictionsConfig = Common & {
  kind: 'predictions';
  /** `poll` and `webhook` are the cloud's; `cog-webhook` and `cog-put` a container's of one's own, which cannot be polled. */
  delivery: 'poll' | 'webhook' | 'cog-webhook' | 'cog-put';
  /** What runs: a version's id, or `owner/name`. Null for a container. */
  model: string | null;
  input: Readonly<Record<string, unknown>>;
  pollMs: number;
  /** Verifies the cloud's webhooks; null: their address alone, which nobody can guess, does. */
  webhookSecret: string | null;
};

/** The engine inside this program. */
export const embedded = 'embedded';

const secret = z.strictObject({ variable: z.string() });
const common = { url: z.url({ protocol: /^https?$/ }), timeoutSeconds: z.number().min(1).max(800).default(180), fallback: z.boolean().default(true), token: secret.optional() };
const engine = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('comfyui'), workflow: z.string(), output: z.string().nullable().default(null) }),
  z.strictObject({
    ...common, kind: z.literal('predictions'), delivery: z.enum(['poll', 'webhook', 'cog-webhook', 'cog-put']).default('poll'), model: z.string().nullable().default(null),
    input: z.record(z.string(), z.unknown()), pollSeconds: z.number().min(0.05).max(30).default(1), webhookSecret: secret.optional(),
  }),
]);
const file = z.strictObject({ engines: z.record(z.string().regex(/^[a-z0-9-]{1,32}$/), engine), default: z.string().default(embedded), styles: z.record(z.string(), z.string()).default({}), headshots: z.string().default(embedded) });

/** Reads the file and the workflows that it names; secrets come out of the variables that it names. Without faults the config is there. */
export function readEngines(path: string, variables: Readonly<Record<string, string | undefined>>): { config: EnginesConfig | null; faults: readonly string[] } {
  const faults: string[] = [];
  const note = (text: string): null => {
    faults.push(`ENGINES: ${text}`);
    return null;
  };
  const read = readJson(path, note);
  if (faults.length > 0) return { config: null, faults };
  const parsed = file.safeParse(read);
  if (!parsed.success) return { config: null, faults: [...faults, ...parsed.error.issues.map(({ path: at, message }) => `ENGINES ${at.join('.')}: ${message}`)] };
  const secretOf = (given: { variable: string } | undefined): string | null =>
    (given ? variables[given.variable]?.trim() || note(`the variable ${given.variable} is not set`) : null);
  const engines = Object.entries(parsed.data.engines).map(([name, { url, timeoutSeconds, token, ...rest }]): [string, EngineConfig] => {
    const key = secretOf(token);
    const shared = { name, url: url.replace(/\/+$/, ''), timeoutMs: timeoutSeconds * 1000, headers: key === null ? {} : { authorization: `Bearer ${key}` } };
    if (rest.kind === 'comfyui') return [name, { ...rest, ...shared, workflow: readWorkflow(resolve(dirname(path), rest.workflow), note) }];
    const { pollSeconds, webhookSecret, ...prediction } = rest;
    return [name, { ...prediction, ...shared, pollMs: pollSeconds * 1000, webhookSecret: secretOf(webhookSecret) }];
  });
  const known = new Set([embedded, ...engines.map(([name]) => name)]);
  const { default: other, styles, headshots } = parsed.data;
  for (const name of [other, ...Object.values(styles), headshots]) if (!known.has(name)) note(`there is no engine ${name}`);
  return { config: faults.length > 0 ? null : { engines: new Map(engines), default: other, styles, headshots }, faults };
}

type Note = (text: string) => null;

function readJson(path: string, note: Note): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return note(`${path} cannot be read: ${error instanceof Error ? error.message : 'unknown reason'}`);
  }
}

function readWorkflow(path: string, note: Note): Record<string, unknown> {
  const workflow = z.record(z.string(), z.looseObject({ class_type: z.string() })).safeParse(readJson(path, note));
  if (!workflow.success) note(`${path} is no workflow in ComfyUI's API format`);
  return workflow.data ?? {};
}

/** `host:port` of all engines: their operator named them, so they may be on private addresses. */
export function hostsOf(config: EnginesConfig): string[] {
  return [...config.engines.values()].map(({ url }) => {
    const { hostname, port, protocol } = new URL(url);
    return `${hostname.replace(/^\[(.*)\]$/, '$1')}:${port || (protocol === 'https:' ? '443' : '80')}`;
  });
}
