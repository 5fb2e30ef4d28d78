import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { supergraphSdl } from '../schema/sdl.ts';
import { exportedSupergraph } from '../gateway/exported-supergraph.ts';
import { onPostgres } from './support/database.ts';
import { operations, type Parts } from './support/foreign-operations.ts';
import { installPeers } from './support/peers.ts';
import { smallPortrait } from './support/photos.ts';
import { addClient, addPhoto } from './support/salon.ts';
import { createTestClient } from './support/platform.ts';
import { freePort, startProcess } from './support/process.ts';
import { startServer } from './support/server.ts';

/**
 * The four subgraphs served alone, under our gateway and under @apollo/gateway at once: whether both answer alike. The other gateway passes on
 * the keys of its clients (SUBGRAPH_CALLERS=keys). `TEST_TOPOLOGY=split TEST_DATABASE_URL=… npm run foreign`; installs it beside the project.
 */
const apollo = `import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { readFileSync } from 'node:fs';
const [file, port] = process.argv.slice(2);
const buildService = ({ url }) => new RemoteGraphQLDataSource({ url, willSendRequest: ({ request, context }) => context.key && request.http.headers.set('x-api-key', context.key) });
const gateway = new ApolloGateway({ supergraphSdl: readFileSync(file, 'utf8'), buildService });
const server = new ApolloServer({ gateway, introspection: true, includeStacktraceInErrorResponses: false });
await startStandaloneServer(server, { listen: { port: Number(port), host: '127.0.0.1' }, context: async ({ req }) => ({ key: req.headers['x-api-key'] }) });
console.log('ready');
`;

type Answer = { data?: unknown; errors?: { path?: unknown[]; extensions?: { code?: string } }[] };

/** What both must say: the data, and which errors there are. Words and paths of errors are each gateway's own. */
const comparable = ({ data = null, errors = [] }: Answer): unknown => ({ data, codes: errors.map(({ extensions }) => extensions?.code ?? 'none').toSorted() });

const ends: (() => Promise<unknown>)[] = [];
const scope = { after: (end: () => Promise<void>) => void ends.unshift(end) };

async function main(): Promise<number> {
  if (!onPostgres || process.env['TEST_TOPOLOGY'] !== 'split') throw new Error('TEST_DATABASE_URL must name a PostgreSQL server, and TEST_TOPOLOGY be split');
  const peers = installPeers();
  const server = await startServer(scope, { variables: { SUBGRAPH_CALLERS: 'keys' } });
  assert.ok(server.subgraphUrls);
  const file = join(server.dataDir, 'supergraph.graphql');
  await writeFile(file, exportedSupergraph(supergraphSdl(), server.subgraphUrls));
  await writeFile(join(peers, 'foreign.mjs'), apollo);
  const port = await freePort();
  const foreign = await startProcess({ root: peers, args: ['foreign.mjs', file, String(port)], env: { NODE_ENV: 'production' }, ready: 'ready' });
  ends.unshift(() => foreign.end('SIGKILL'));
  const other = createTestClient(`http://127.0.0.1:${port}`);
  const parts = await furnish(server);
  let wrong = 0;
  for (const [name, { key, query, variables = {} }] of Object.entries(operations(parts))) {
    const ask = async ({ rest }: typeof other, path: string): Promise<Answer> => (await rest<Answer>(path, { key: key ?? null, json: { query, variables } })).body;
    const [ours, theirs] = [await ask(server, '/graphql'), await ask(other, '/')];
    const isAlike = JSON.stringify(sorted(comparable(ours))) === JSON.stringify(sorted(comparable(theirs)));
    process.stdout.write(`${isAlike ? 'alike    ' : 'DIFFERENT'} ${name}${isAlike ? '' : `\n  ours   ${JSON.stringify(ours)}\n  theirs ${JSON.stringify(theirs)}`}\n`);
    if (!isAlike) wrong += 1;
  }
  process.stdout.write(`${Object.keys(operations(parts)).length} operations, ${wrong} answered differently\n`);
  return wrong;
}

/** A salon with a client, a photo, a finished generation; an organization with teams; a key with few scopes. */
async function furnish(server: Awaited<ReturnType<typeof startServer>>): Promise<Parts> {
  const { enterprise: { key, slug }, organizationKey, partnerKey, personalKey } = await server.demo();
  const salon = { key, at: (rest: string) => `/api/v1/enterprise/${slug}/${rest}` };
  const clientId = await addClient(server, salon, { email: 'ann@example.com', name: 'Ann' });
  await addPhoto(server, salon, clientId, await smallPortrait(300));
  assert.equal((await server.upload(key, await smallPortrait(300))).status, 200);
  const job = await server.generate(key, { mode: 'live', styles: ['817941', '462817'], hair_colour: 'brown', image_name: 'me.jpg', client_id: clientId });
  assert.equal((await server.ended(key, job)).body.data.status, 'completed');
  for (const name of ['Sales', 'Engineering']) await server.gql(organizationKey, 'mutation ($name: String!) { createTeam(name: $name) { errors { message } } }', { name });
  const { createApiKey } = await server.gql<{ createApiKey: { secret: string } }>(key, 'mutation { createApiKey(input: { name: "few", scopes: ["clients:read"] }) { secret errors { message } } }');
  return { key, slug, clientId, generationId: job.replace('job_', 'gen_'), organizationKey, partnerKey, personalKey, poorKey: createApiKey.secret };
}

/** Keys of objects in one order, for both write their own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}

try {
  process.exitCode = (await main()) === 0 ? 0 : 1;
} finally {
  for (const end of ends) await end();
}
