import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';

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
  databasePoolSize: number;
  /** Jobs of one queue that this process runs at once. 0: it runs none. */
  workers: number;
  /** Threads that draw. */
  renderWorkers: number;
  logLevel: string;
  /** One operation of the graph. */
  operationTimeoutMs: number;
  /** Objects that the operations of one key may ask this process for. */
  costPerMinute: number;
  /** Whether requests without a key may ask for the schema. */
  openIntrospection: boolean;
  /** What operations clients may send: with a folder of trusted documents (absolute, or null), only those, and how many in one request (0: no batches). */
  operations: { trustedDocuments: string | null; trustedOnly: boolean; batchLimit: number };
  /** How long a generation's events can be replayed, idempotency keys stand for their first request, and files may have no owner. */
  kept: { eventsMs: number; idempotencyMs: number; orphansMs: number };
  /** `host:port` that outgoing HTTP may reach although the address is private. Empty in production. */
  outboundAllow: readonly string[];
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

/** Every variable that the program reads, as the README prints it. */
export const variables = [
  { name: 'PORT', unit: 'port', default: '4000', reason: 'Where it listens; 0 takes a free one.' },
  { name: 'HOST', unit: 'address', default: '127.0.0.1', reason: 'Which interface it listens on; `0.0.0.0` for all, as in a container.' },
  { name: 'PUBLIC_URL', unit: 'URL', default: 'http://localhost:PORT', reason: 'How clients reach it; stands in front of every link it gives out.' },
  { name: 'DATA_DIR', unit: 'folder', default: '.data', reason: 'Pictures, and the embedded database while DATABASE_URL is not set.' },
  { name: 'DATABASE_URL', unit: 'postgres URL', default: '', reason: 'PostgreSQL 15 or later. Not set: an embedded database that one process owns.' },
  { name: 'DATABASE_POOL', unit: 'connections', default: '10', reason: 'Connections to PostgreSQL of one process, besides the one that listens.' },
  { name: 'WORKERS', unit: 'jobs', default: '4', reason: 'Jobs of one kind that this process runs at once; 0 leaves them to other processes.' },
  { name: 'RENDER_WORKERS', unit: 'threads', default: 'number of cores', reason: 'Threads that draw; each holds about 200 MB.' },
  { name: 'OPERATION_TIMEOUT', unit: 'milliseconds', default: '30000', reason: 'Longest time for one request; then it is undone and answered 503. Clients and proxies give up by then.' },
  { name: 'COST_PER_MINUTE', unit: 'objects', default: '600000', reason: 'What one key may ask for in a minute, in this process: objects that the lists of its operations can hold. Then it is answered 429.' },
  { name: 'INTROSPECTION', unit: 'who', default: 'everyone, in production keys', reason: 'Who may ask for the schema: `everyone`, or who has `keys`.' },
  { name: 'TRUSTED_DOCUMENTS', unit: 'folder', default: '', reason: 'Operations that clients may ask for by id: `.graphql` files by the SHA-256 of their text, and manifests of clients as `.json`.' },
  { name: 'TRUSTED_ONLY', unit: 'true or false', default: 'false', reason: 'Executes the trusted documents and nothing else; REST is not concerned.' },
  { name: 'BATCH_LIMIT', unit: 'operations', default: '0', reason: 'Most operations in one request, an array of them; 0 refuses batches.' },
  { name: 'EVENTS_KEPT', unit: 'days', default: '30', reason: 'How long the events of a job can be replayed; later a subscriber gets the present state.' },
  { name: 'IDEMPOTENCY_KEPT', unit: 'hours', default: '24', reason: 'How long a repeated Idempotency-Key gives the first answer; 24 is what is documented.' },
  { name: 'ORPHANS_KEPT', unit: 'hours', default: '24', reason: 'How old a file must be that nothing points to before it is deleted.' },
  { name: 'LOG_LEVEL', unit: 'level', default: 'warn, in production info', reason: 'fatal, error, warn, info, debug, trace or silent; JSON lines on standard output.' },
  { name: 'OUTBOUND_ALLOW', unit: 'host:port, …', default: '', reason: 'Private addresses that image and callback URLs may reach. Refused in production.' },
  ...(['ENTERPRISE', 'HAIRSTYLE', 'HEADSHOT', 'SKINSHADE'] as const).map((name) => ({
    name: `SUBGRAPH_${name}_URL` as const, unit: 'URL', default: '', reason: `Where another process serves ${name.toLowerCase()}, for the gateway. Not set: this process does, with its jobs. Needs DATABASE_URL.`,
  })),
  { name: 'SUBGRAPH_CALLERS', unit: 'gateway or keys', default: 'gateway', reason: 'Whom a subgraph that is served alone answers: `keys` also those who bring an API key, for a foreign gateway that passes it on.' },
  { name: 'SIGNING_SECRET', unit: 'at least 32 characters', default: '', reason: 'Signs file links and the identity that the gateway sends to subgraphs. Needed in production, equal in all processes; elsewhere made once and kept in DATA_DIR.' },
  { name: 'SMTP_URL', unit: 'smtp or smtps URL', default: '', reason: 'Mail server, with user and password. Not set: mail is kept in DATA_DIR and shown at `/outbox`, in production not sent, and nobody can sign in.' },
  { name: 'MAIL_FROM', unit: 'e-mail address', default: 'no-reply@ host of PUBLIC_URL', reason: 'Who mail comes from.' },
  { name: 'TRUSTED_PROXIES', unit: 'address or network, …', default: '', reason: 'Proxies in front, such as `10.0.0.0/8`: only their word is taken for where a request comes from.' },
  { name: 'NODE_ENV', unit: 'mode', default: 'development', reason: '`production` seeds no demo data and insists on its secrets; `test` is for the tests.' },
] as const;
export type VariableName = (typeof variables)[number]['name'];

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
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));
const address = (protocols: readonly string[], expected: string) =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? ''), `must be ${expected}`);
const webAddress = address(['http:', 'https:'], 'an http or https URL');
const graphAddress = z.string().refine((text) => /^https?:\/\/[^/]+\/./.test(URL.parse(text)?.href ?? ''), 'must be the http or https URL of a graph, such as http://host:4001/graphql');
const addressOrNetwork = z.string().refine((text) => ipaddr.isValid(text) || ipaddr.isValidCIDR(text), 'must be addresses or networks such as 10.0.0.0/8, separated by commas');
const hostAndPort = z.string().regex(/^(\[[0-9a-f:]+\]|[^\s:/]+):\d{1,5}$/i, 'must be host:port, separated by commas');

const shape = {
  PORT: wholeNumber(0, 65_535).default(4000),
  HOST: z.string().default('127.0.0.1'),
  PUBLIC_URL: webAddress.optional(),
  DATA_DIR: z.string().default('.data'),
  DATABASE_URL: address(['postgres:', 'postgresql:'], 'a postgres:// URL').optional(),
  DATABASE_POOL: wholeNumber(2, 200).default(10),
  WORKERS: wholeNumber(0, 64).default(4),
  RENDER_WORKERS: wholeNumber(1, 64).default(Math.min(availableParallelism(), 8)),
  OPERATION_TIMEOUT: wholeNumber(100, 600_000).default(30_000),
  COST_PER_MINUTE: wholeNumber(20_000, 1_000_000_000_000).default(600_000),
  INTROSPECTION: z.enum(['everyone', 'keys'], 'must be everyone or keys').optional(),
  TRUSTED_DOCUMENTS: z.string().optional(),
  TRUSTED_ONLY: z.enum(['true', 'false'], 'must be true or false').default('false'),
  BATCH_LIMIT: wholeNumber(0, 100).default(0),
  EVENTS_KEPT: wholeNumber(1, 3_650).default(30),
  IDEMPOTENCY_KEPT: wholeNumber(24, 8_760).default(24),
  ORPHANS_KEPT: wholeNumber(1, 8_760).default(24),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'must be fatal, error, warn, info, debug, trace or silent').optional(),
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
  faults.push(...productionFaults(given), ...sharingFaults(given));
  if (given.TRUSTED_ONLY === 'true' && given.TRUSTED_DOCUMENTS === undefined) faults.push('TRUSTED_ONLY needs TRUSTED_DOCUMENTS');
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
    databasePoolSize: values.DATABASE_POOL,
    workers: values.WORKERS,
    renderWorkers: values.RENDER_WORKERS,
    logLevel: values.LOG_LEVEL ?? (values.NODE_ENV === 'production' ? 'info' : 'warn'),
    operationTimeoutMs: values.OPERATION_TIMEOUT,
    costPerMinute: values.COST_PER_MINUTE,
    openIntrospection: (values.INTROSPECTION ?? (values.NODE_ENV === 'production' ? 'keys' : 'everyone')) === 'everyone',
    operations: {
      trustedDocuments: values.TRUSTED_DOCUMENTS === undefined ? null : resolve(values.TRUSTED_DOCUMENTS),
      trustedOnly: values.TRUSTED_ONLY === 'true',
      batchLimit: values.BATCH_LIMIT,
    },
    kept: { eventsMs: values.EVENTS_KEPT * 24 * hourMs, idempotencyMs: values.IDEMPOTENCY_KEPT * hourMs, orphansMs: values.ORPHANS_KEPT * hourMs },
    outboundAllow: values.OUTBOUND_ALLOW,
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
  mkdirSync(dataDir, { recursive: true });
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
