import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SubgraphName } from '../../schema/sdl.ts';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { createAccounts, enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { parseEnvironment, type VariableName } from '../../subgraphs/env.ts';
import { createIdentities, identityHeader } from '../../subgraphs/identity.ts';
import { defaultScopes } from '../../subgraphs/keys.ts';
import { hairstyleMigrations } from '../../subgraphs/hairstyle/index.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createPlatform } from '../../subgraphs/platform.ts';
import { startSubgraphs } from '../../subgraphs/serve.ts';
import { serveSubgraph } from '../../subgraphs/served/server.ts';
import type { AccountKind, Caller } from '../../subgraphs/subgraph.ts';
import { createTestDatabase, onPostgres, openTestConnection } from './database.ts';

type Scope = { after(work: () => Promise<void>): void };
export type SentAnswer = { status: number; type: string; body: { data?: Record<string, unknown> | null; errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[] } };

const signingSecret = 'a secret of the tests, long enough';
/** What this secret signs is believed in the tests. */
export const identities = createIdentities(signingSecret);

/** One subgraph served alone, over a database of its own where somebody has made the tables of accounts and photos. */
export async function serveAlone(t: Scope, name: SubgraphName, { variables = {}, allow = [] }: { variables?: Partial<Record<VariableName, string>>; allow?: readonly string[] } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'alone-'));
  const drops: (() => Promise<void>)[] = [];
  const scope = { after: (drop: () => Promise<void>) => void drops.push(drop) };
  const connection: Connection = onPostgres ? await openConnection({ databaseUrl: await createTestDatabase(scope), dataDir: null }) : await openTestConnection({ after: () => undefined });
  await migrate(connection, 'enterprise', enterpriseMigrations);
  await migrate(connection, 'hairstyle', hairstyleMigrations);
  const env = parseEnvironment({
    PORT: '0', DATA_DIR: dataDir, NODE_ENV: 'test', LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent', RENDER_WORKERS: '1', SIGNING_SECRET: signingSecret, PUBLIC_URL: 'https://look.example',
    ...allow.length > 0 && { OUTBOUND_ALLOW: allow.join(',') }, ...variables,
  });
  const platform = await createPlatform(env, { connection });
  const subgraph = (await startSubgraphs(platform, [name]))[name];
  if (!subgraph) throw new Error(`${name} did not start`);
  const served = await serveSubgraph(platform, subgraph);
  t.after(async () => {
    await served.stop();
    await platform.stop();
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const headersOf = (caller: Caller | null): Record<string, string> => ({ [identityHeader]: identities.sign({ caller, requestId: 'request-7' }, name) });
  const post = async (headers: Record<string, string>, body: unknown): Promise<SentAnswer> => {
    const response = await fetch(served.url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
    return { status: response.status, type: response.headers.get('content-type') ?? '', body: JSON.parse(await response.text()) as SentAnswer['body'] };
  };
  return {
    ...served, platform, subgraph, headersOf, post,
    /** As the gateway would, for a caller or for nobody. */
    ask: (caller: Caller | null, query: string, variables: object = {}) => post(headersOf(caller), { query, variables }),
    /** A new account with a key and 100 credits. */
    async account(kind: AccountKind = 'personal', scopes: readonly string[] = defaultScopes(kind)): Promise<{ caller: Caller; key: string }> {
      return connection.transaction(async () => {
        const accountId = await createAccounts(connection).createAccount({ kind, name: 'Test' });
        await platform.credits.grant(accountId, 100, 'test');
        const { key, secret } = await platform.keys.issue({ accountId, accountKind: kind, name: 'Test', scopes, expiresAt: null });
        return { key: secret, caller: { accountId, accountKind: kind, keyId: key.id, scopes: new Set(scopes) } };
      });
    },
  };
}
