import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { type EnginesConfig, readEngines } from './engines/config.ts';
import { isFolder, makeFolder } from './folders.ts';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import type { S3Options } from './s3.ts';
import { type VariableName, variables } from './variables.ts';

export { type VariableName, variables };

/** `gateway`: those that the gateway vouches for. `keys`: also those who bring their key themselves. */
export type SubgraphCallers = 'gateway' | 'keys';

/** What the surroundings say, checked. */
export type Environment = {
  mode: 'production' | 'development' | 'test';
  port: number;
  host: string;
  /** Without a slash at its end. */
  publicUrl: string;
  /** False: it was made of the port, and holds where this process is the gateway. */
  isPublicUrlGiven: boolean;
  /** Absolute. */
  dataDir: string;
  /** Null: PGlite in the data directory. */
  databaseUrl: string | null;
  /** Null: pictures and uploads are in the data directory. */
  s3: S3Options | null;
  databasePoolSize: number;
  /** Jobs of one queue that this process runs at once. 0: it runs none. */
  workers: number;
  /** Threads that draw. */
  renderWorkers: number;
  logLevel: string;
  /** Null: metrics are served nowhere. */
  adminPort: number | null;
  /** Null: nothing is recorded. `sampled`: part of the traces that begin here, 0..1. */
  tracing: { endpoint: string; sampled: number } | null;
  /** One operation of the graph. */
  operationTimeoutMs: number;
  /** Between the word that it stops and the end of its hearing. */
  stopDelayMs: number;
  /** Of one key, to each REST interface that documents no limit of its own. */
  requestsPerMinute: number;
  /** Objects that the operations of one key may ask this process for. */
  costPerMinute: number;
  /** Whether requests without a key may ask for the schema. */
  openIntrospection: boolean;
  /** What operations clients may send: with a folder of trusted documents (absolute, or null), only those, and how many in one request (0: no batches). */
  operations: { trustedDocuments: string | null; trustedOnly: boolean; batchLimit: number };
  /** How long a generation's events can be replayed, idempotency keys stand for their first request, files may have no owner, and what was sent and made for headshots is kept. */
  kept: { eventsMs: number; idempotencyMs: number; orphansMs: number; selfiesMs: number; headshotsMs: number };
  /** `host:port` that outgoing HTTP may reach although the address is private. Empty in production. */
  outboundAllow: readonly string[];
  /** Engines on other machines; null: the embedded one draws everything. */
  engines: EnginesConfig | null;
  /** Where the subgraphs are that other processes serve. */
  subgraphUrls: Readonly<Partial<Record<SubgraphName, string>>>;
  /** Who may ask a subgraph that is served alone. */
  subgraphCallers: SubgraphCallers;
  /** Null outside production when none was given: see `getSigningSecret`. */
  signingSecret: string | null;
  /** Null: mail goes to the outbox, in production nowhere. */
  smtpUrl: string | null;
  mailFrom: string;
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
};

/** The surroundings are wrong: every fault, one line each. */
export class EnvironmentFault extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The environment is wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'EnvironmentFault';
    this.faults = faults;
  }
}

const hourMs = 3_600_000;
const wholeNumber = (least: number, most: number) =>
  z.string().regex(/^-?\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
const address = (protocols: readonly string[], expected: string) =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? ''), `must be ${expected}`);
const webAddress = address(['http:', 'https:'], 'an http or https URL');
const graphAddress = z.string().refine((text) => /^https?:\/\/[^/]+\/./.test(URL.parse(text)?.href ?? ''), 'must be the http or https URL of a graph, such as http://host:4001/graphql');
const addressOrNetwork = z.string().refine((text) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text), 'must be addresses or networks such as 10.0.0.0/8, separated by commas');
const hostName = z.string().refine((text) => ipaddr.isValid(text) || /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(text), 'must be an IP address or the name of a host');
const existingFolder = z.string().refine(isFolder, 'must be a folder that exists');
const hostAndPort = z.string().regex(/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i, 'must be host:port, separated by commas');

const shape = {
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: hostName.default('127.0.0.1'),
  PUBLIC_URL: webAddress.optional(),
  DATA_DIR: z.string().default('.data'),
  DATABASE_URL: address(['postgres:', 'postgresql:'], 'a postgres:// URL').optional(),
  S3_URL: webAddress.refine((text) => /^\/[\w.-]*\/?$/.test(URL.parse(text)?.pathname ?? ''), 'must be the address of a bucket, such as https://host/bucket or https://bucket.host').optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  DATABASE_POOL: wholeNumber(2, 200).default(10),
  WORKERS: wholeNumber(0, 64).default(4),
  RENDER_WORKERS: wholeNumber(1, 64).default(Math.min(availableParallelism(), 8)),
  OPERATION_TIMEOUT: wholeNumber(100, 600_000).default(30_000),
  STOP_DELAY: wholeNumber(0, 60_000).optional(),
  REQUESTS_PER_MINUTE: wholeNumber(1, 1_000_000_000).default(600),
  COST_PER_MINUTE: wholeNumber(20_000, 1_000_000_000_000).default(600_000),
  INTROSPECTION: z.enum(['everyone', 'keys'], 'must be everyone or keys').optional(),
  TRUSTED_DOCUMENTS: existingFolder.optional(),
  TRUSTED_ONLY: z.enum(['true', 'false'], 'must be true or false').default('false'),
  BATCH_LIMIT: wholeNumber(0, 100).default(0),
  EVENTS_KEPT: wholeNumber(1, 3_650).default(30),
  IDEMPOTENCY_KEPT: wholeNumber(24, 8_760).default(24),
  ORPHANS_KEPT: wholeNumber(1, 8_760).default(24),
  SELFIES_KEPT: wholeNumber(1, 3_650).default(7),
  HEADSHOTS_KEPT: wholeNumber(1, 3_650).default(30),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be fatal, error, warn, info, debug, trace or silent').optional(),
  ADMIN_PORT: wholeNumber(0, 65_535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: webAddress.optional(),
  OTEL_TRACES_SAMPLER_ARG: z.string().regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1').transform(Number).default(1),
  ENGINES: z.string().optional(),
  OUTBOUND_ALLOW: z.string().transform((text) => text.split(',').map((part) => part.trim())).pipe(z.array(hostAndPort)).default([]),
  SUBGRAPH_ENTERPRISE_URL: graphAddress.optional(),
  SUBGRAPH_HAIRSTYLE_URL: graphAddress.optional(),
  SUBGRAPH_HEADSHOT_URL: graphAddress.optional(),
  SUBGRAPH_SKINSHADE_URL: graphAddress.optional(),
  SUBGRAPH_CALLERS: z.enum(['gateway', 'keys'], 'must be gateway or keys').default('gateway'),
  SIGNING_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  SMTP_URL: address(['smtp:', 'smtps:'], 'an smtp:// or smtps:// URL').optional(),
  MAIL_FROM: z.string().regex(/^([^<>@\r\n]*<[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/, 'must be an address, with or without a name').optional(),
  TRUSTED_PROXIES: z.string().transform((text) => text.split(',').map((part) => part.trim())).pipe(z.array(addressOrNetwork)).default([]),
  NODE_ENV: z.enum(['production', 'development', 'test'], 'must be production, development or test').default('development'),
} satisfies Record<VariableName, z.ZodType>;

const schema = z.object(shape);

type Given = Readonly<Partial<Record<VariableName, string | undefined>>>;

const urlOf = (name: SubgraphName) => `SUBGRAPH_${name.toUpperCase() as Uppercase<SubgraphName>}_URL` as const;

/** Processes that share the work share the database, and the files. */
function sharingFaults(given: Given): string[] {
  if (given.DATABASE_URL !== undefined) return [];
  return subgraphNames.map(urlOf).filter((name) => given[name] !== undefined).map((name) => `${name} needs DATABASE_URL: the embedded database cannot be shared with another process`);
}

function bucketFaults(given: Given): string[] {
  if (given.S3_URL === undefined) return [];
  return (['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const).filter((name) => given[name] === undefined).map((name) => `${name} must be set beside S3_URL`);
}

function bucketOf({ S3_URL: url, S3_REGION: region, S3_ACCESS_KEY_ID: accessKeyId = '', S3_SECRET_ACCESS_KEY: secretAccessKey = '' }: z.infer<typeof schema>): S3Options | null {
  return url === undefined ? null : { url: url.replace(/\/+$/, ''), region, accessKeyId, secretAccessKey };
}

function productionFaults(given: Given): string[] {
  if (given.NODE_ENV !== 'production') return [];
  return [
    ...(given.SIGNING_SECRET === undefined ? ['SIGNING_SECRET must be set in production'] : []),
    ...(given.OUTBOUND_ALLOW === undefined ? [] : ['OUTBOUND_ALLOW must not be set in production']),
  ];
}

/**
 * Reads the variables; an empty one counts as not set.
 * @throws EnvironmentFault with every fault at once.
 */
export function parseEnvironment(source: Readonly<Record<string, string | undefined>>): Environment {
  const given: Given = Object.fromEntries(variables.map(({ name }) => [name, source[name]?.trim() || undefined]));
  const parsed = schema.safeParse(given);
  const faults = parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path[0]?.toString() ?? ''} ${message}`);
  faults.push(...productionFaults(given), ...sharingFaults(given), ...bucketFaults(given));
  if (given.TRUSTED_ONLY === 'true' && given.TRUSTED_DOCUMENTS === undefined) faults.push('TRUSTED_ONLY needs TRUSTED_DOCUMENTS');
  const engines = given.ENGINES === undefined ? { config: null, faults: [] } : readEngines(resolve(given.ENGINES), source);
  faults.push(...engines.faults);
  if (!parsed.success || faults.length > 0) throw new EnvironmentFault([...new Set(faults)]);
  const values = parsed.data;
  const publicUrl = (values.PUBLIC_URL ?? `http://localhost:${values.PORT}`).replace(/\/+$/, '');
  return {
    mode: values.NODE_ENV,
    port: values.PORT,
    host: values.HOST,
    publicUrl,
    isPublicUrlGiven: values.PUBLIC_URL !== undefined,
    dataDir: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL ?? null,
    s3: bucketOf(values),
    databasePoolSize: values.DATABASE_POOL,
    workers: values.WORKERS,
    renderWorkers: values.RENDER_WORKERS,
    logLevel: values.LOG_LEVEL ?? (values.NODE_ENV === 'production' ? 'info' : 'warn'),
    adminPort: values.ADMIN_PORT ?? null,
    tracing: values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? null : { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, ''), sampled: values.OTEL_TRACES_SAMPLER_ARG },
    operationTimeoutMs: values.OPERATION_TIMEOUT,
    stopDelayMs: values.STOP_DELAY ?? (values.NODE_ENV === 'production' ? 3_000 : 0),
    requestsPerMinute: values.REQUESTS_PER_MINUTE,
    costPerMinute: values.COST_PER_MINUTE,
    openIntrospection: (values.INTROSPECTION ?? (values.NODE_ENV === 'production' ? 'keys' : 'everyone')) === 'everyone',
    operations: {
      trustedDocuments: values.TRUSTED_DOCUMENTS === undefined ? null : resolve(values.TRUSTED_DOCUMENTS),
      trustedOnly: values.TRUSTED_ONLY === 'true',
      batchLimit: values.BATCH_LIMIT,
    },
    kept: { eventsMs: values.EVENTS_KEPT * 24 * hourMs, idempotencyMs: values.IDEMPOTENCY_KEPT * hourMs, orphansMs: values.ORPHANS_KEPT * hourMs, selfiesMs: values.SELFIES_KEPT * 24 * hourMs, headshotsMs: values.HEADSHOTS_KEPT * 24 * hourMs },
    outboundAllow: values.OUTBOUND_ALLOW,
    engines: engines.config,
    subgraphUrls: Object.fromEntries(subgraphNames.flatMap((name) => (values[urlOf(name)] === undefined ? [] : [[name, values[urlOf(name)]]]))),
    subgraphCallers: values.SUBGRAPH_CALLERS,
    signingSecret: values.SIGNING_SECRET ?? null,
    smtpUrl: values.SMTP_URL ?? null,
    mailFrom: values.MAIL_FROM ?? `no-reply@${new URL(publicUrl).hostname}`,
    trustedProxies: values.TRUSTED_PROXIES,
  };
}

/** Outside production the program may fetch what its own gateway serves, the demo's portrait, although that is at a private address. */
export function allowingOwn(env: Environment, ...addresses: readonly string[]): Environment {
  if (env.mode === 'production') return env;
  const { hostname, port, protocol } = new URL(env.publicUrl);
  return { ...env, outboundAllow: [...env.outboundAllow, ...addresses, `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`] };
}

/** The secret that was given, else the one in the data directory, which is made when there is none. */
export function getSigningSecret({ signingSecret, dataDir }: Environment): string {
  if (signingSecret !== null) return signingSecret;
  const file = join(dataDir, 'signing-secret');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  makeFolder(dataDir);
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    // Whoever links first wins; nobody ever reads half a secret.
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(file, 'utf8');
}
