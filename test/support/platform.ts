import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SubgraphName } from '../../schema/sdl.ts';
import { startLookgraph } from '../../gateway/start.ts';
import { connect, type Connection, openConnection } from '../../subgraphs/database.ts';
import { embeddedDriver } from '../../subgraphs/embedded.ts';
import { createAccounts } from '../../subgraphs/enterprise/index.ts';
import { parseEnvironment, type VariableName } from '../../subgraphs/env.ts';
import type { AccountId, KeyId } from '../../subgraphs/ids.ts';
import type { Platform } from '../../subgraphs/platform.ts';
import { allScopes, defaultScopes } from '../../subgraphs/keys.ts';
import type { AccountKind } from '../../subgraphs/subgraph.ts';
import { atOneAddress, isReplicated, isSplit, serveApart, startReplica } from './apart.ts';
import { createTestDatabase, onPostgres } from './database.ts';
import { type EventOfStream, readEventStream } from './event-stream.ts';
import { preparedPglite } from './templates.ts';

type Scope = { after(work: () => Promise<void>): void };
export type Tenant = { accountId: AccountId; keyId: KeyId; key: string };
export type Answer<Body = Record<string, unknown>> = { status: number; headers: Headers; body: Body; text: string };
type Init = { method?: string; key?: string | null; headers?: Record<string, string>; json?: unknown; body?: NonNullable<RequestInit['body']> };
export type TestPlatform = Awaited<ReturnType<typeof startTestPlatform>>;

type TestOptions = {
  workers?: number;
  allow?: readonly string[];
  variables?: Partial<Record<VariableName, string>>;
  /** Listens in on everything that is asked of the database. */
  wrap?: (connection: Connection) => Connection;
};

/** A platform that does not stop is a leak, and worth more than a test that never ends. */
const stopWithinMs = 30_000;

/**
 * The whole product in this process, as `npm start` runs it: its own database and folder, a free port, real sockets, the embedded engine.
 * Where TEST_TOPOLOGY is `split`, its subgraphs are behind addresses; where it is `replicas`, there are two of it on one database, and requests go to
 * them in turn. Stopped after the test or file.
 */
export async function startTestPlatform(t: Scope, { workers = 4, allow = [], variables = {}, wrap }: TestOptions = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'platform-'));
  // The database is dropped last: the platform must have let go of it.
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = onPostgres ? await createTestDatabase({ after: (drop) => drops.push(drop) }) : null;
  const given = parseEnvironment({
    PORT: '0', DATA_DIR: dataDir, ...databaseUrl !== null && { DATABASE_URL: databaseUrl }, NODE_ENV: 'test', LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', WORKERS: String(workers), RENDER_WORKERS: '1',
    ...allow.length > 0 && { OUTBOUND_ALLOW: allow.join(',') }, ...variables,
  });
  const apart = isSplit ? await serveApart(given, wrap) : null;
  const env = apart?.env ?? (isReplicated ? await atOneAddress(given) : given);
  // Closed by the platform itself.
  const opened = databaseUrl === null ? connect(embeddedDriver(await preparedPglite(startOnce), () => {})) : await openConnection({ databaseUrl: env.databaseUrl, dataDir: null, poolSize: env.databasePoolSize });
  const lookgraph = await startLookgraph(env, { connection: wrap ? wrap(opened) : opened });
  const replica = isReplicated ? await startReplica(env, wrap) : null;
  t.after(async () => {
    await within(stopWithinMs, replica?.stop() ?? Promise.resolve(), 'the other gateway did not stop');
    await within(stopWithinMs, lookgraph.stop(), 'the platform did not stop');
    await within(stopWithinMs, apart?.stop() ?? Promise.resolve(), 'the subgraphs did not stop');
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const client = createTestClient(inTurn(replica ? [lookgraph.url, replica.url] : [lookgraph.url]));
  /** The platform that a subgraph stands on, which has its engine and its jobs. */
  const platformOf = (name: SubgraphName): Platform => apart?.platformOf(name) ?? lookgraph.platform;
  return { ...lookgraph, dataDir, platformOf, ...client, ...tenants(lookgraph.platform) };
}

async function startOnce(connection: Connection): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'platform-'));
  const lookgraph = await startLookgraph(parseEnvironment({ PORT: '0', DATA_DIR: dataDir, NODE_ENV: 'test', LOG_LEVEL: 'silent', WORKERS: '1' }), { connection });
  await lookgraph.stop();
  await rm(dataDir, { recursive: true, force: true });
}

async function within<T>(timeoutMs: number, work: Promise<T>, otherwise: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${otherwise} within ${timeoutMs} ms`)), timeoutMs);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/** One after the other, again and again: as a proxy before them would ask. */
export function inTurn(urls: readonly string[]): () => string {
  let turn = 0;
  return () => urls[turn++ % urls.length] ?? '';
}

/** What a client can do with a server at that address, by HTTP alone. */
export function createTestClient(where: string | (() => string)) {
  const nextUrl = typeof where === 'string' ? () => where : where;
  const send = async (path: string, { method, key = null, headers = {}, json, body }: Init = {}): Promise<Response> => {
    const payload = json === undefined ? body : JSON.stringify(json);
    const all = { ...key !== null && { 'x-api-key': key }, ...json !== undefined && { 'content-type': 'application/json' }, ...headers };
    return fetch(new URL(path, nextUrl()), { method: method ?? (payload === undefined ? 'GET' : 'POST'), headers: all, ...payload !== undefined && { body: payload }, redirect: 'manual' });
  };
  const rest = async <Body = Record<string, unknown>>(path: string, init?: Init): Promise<Answer<Body>> => {
    const response = await send(path, init);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : null) as Body, text };
  };
  const upload = async (key: string, bytes: Uint8Array, name = 'me.jpg', field = 'file') => {
    const form = new FormData();
    form.append(field, new Blob([new Uint8Array(bytes)]), name);
    return rest<Uploaded>('/api/v1/images', { key, body: form });
  };
  return {
    send, rest, upload,
    /** The data of an operation that must not have errors. */
    async gql<Data>(key: string | null, query: string, variables: object = {}): Promise<Data> {
      const { body } = await rest<{ data: Data; errors?: { message: string }[] }>('/graphql', { key, json: { query, variables } });
      assert.equal(body.errors, undefined, JSON.stringify(body.errors));
      return body.data;
    },
    /** Starts a generation that must be accepted; its id. */
    async generate(key: string, body: object): Promise<string> {
      const answer = await rest<Created>('/api/v1/generation/hairstyle', { key, json: { gender: 'person', ...body } });
      assert.equal(answer.status, 200, answer.text);
      return answer.body.data.id;
    },
    /** Events of a generation until the connection ends. */
    async events(key: string, id: string, afterSeq: number | null = null): Promise<AsyncIterableIterator<EventOfStream>> {
      const response = await send(`/api/v1/generation/${id}/events`, { key, headers: afterSeq === null ? {} : { 'last-event-id': String(afterSeq) } });
      assert.equal(response.status, 200, `events of ${id}`);
      return readEventStream(response);
    },
    /** The answer of a generation that is final. */
    async ended(key: string, id: string): Promise<Answer<Status>> {
      for (;;) {
        const answer = await rest<Status>(`/api/v1/generation/${id}?expand=progress`, { key, headers: { prefer: 'wait=25' } });
        assert.equal(answer.status, 200, answer.text);
        if (!['pending', 'processing'].includes(answer.body.data.status)) return answer;
      }
    },
  };
}

export type Created = { data: { id: string; mode: string; image: { name: string; url: string } }; message: string; status: string };
export type Status = { data: { images: string[]; status: string; progress?: { percent: number; seq: number } }; message: string; status: string };
export type Uploaded = { data: { id: string; name: string; url: string; width: number; height: number }; message: string; status: string };

function tenants({ connection, credits, keys }: Awaited<ReturnType<typeof startLookgraph>>['platform']) {
  return {
    /** A new account with a key. `scopes` defaults to what such an account's keys are allowed. */
    async tenant({ kind = 'personal' as AccountKind, amount = 1000, scopes = defaultScopes(kind) as readonly string[] } = {}): Promise<Tenant> {
      const enterprise = kind === 'enterprise' ? { slug: `salon-${Math.random().toString(36).slice(2)}`, businessType: 'SALON' as const } : {};
      return connection.transaction(async () => {
        const accountId = await createAccounts(connection).createAccount({ kind, name: 'Test', ...enterprise });
        if (amount > 0) await credits.grant(accountId, amount, 'test');
        const { key, secret } = await keys.issue({ accountId, accountKind: kind, name: 'Test', scopes: scopes.filter((scope) => allScopes.includes(scope)), expiresAt: null });
        return { accountId, keyId: key.id, key: secret };
      });
    },
  };
}
