import assert from 'node:assert/strict';
import { createStore as createEnterpriseStore } from '../../subgraphs/enterprise/store.ts';
import { createCatalogue } from '../../subgraphs/hairstyle/catalogue.ts';
import { createStore as createHairstyleStore } from '../../subgraphs/hairstyle/store.ts';
import type { ClientId } from '../../subgraphs/ids.ts';
import { fitOf } from '../../subgraphs/skinshade/advice.ts';
import { onPostgres } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';

const [clients, perClient] = [20, 5];
const shade = '#c68863';
const [warmUpMs, roundMs, rounds] = [2_000, 400, 8];

const listed = `{ viewer { account { ... on Enterprise { clients(first: ${clients}) { nodes { id email name phoneNumber generations(first: ${perClient}) { nodes { id mode cost createdAt } } } } } } } }`;
const suited = `{ hairColors { id name hex description suits(skinShade: "${shade}") { score contrast deltaE reason } } }`;

type Workload = { name: string; byHand: () => Promise<Buffer>; graph: () => Promise<Buffer> };

/**
 * What a cached operation over two of our own subgraphs costs beside calling what lies under both and writing the answer by hand, to the same bytes:
 * stores with their statements, and lists that are in memory, where nothing but the gateway is measured. CPU of the process, which on the embedded database
 * has the database too.
 */
export async function run(): Promise<void> {
  const ends: (() => Promise<void>)[] = [];
  try {
    const platform = await startTestPlatform({ after: (end) => ends.push(end) }, { workers: 0, variables: { COST_PER_MINUTE: '1000000000000' } });
    process.stdout.write(`operations per CPU second, ${onPostgres ? 'PostgreSQL' : 'embedded database'}         by hand       gateway   gateway costs\n`);
    for (const { name, ...ways } of await workloads(platform)) {
      assert.equal(String(await ways.graph()), String(await ways.byHand()), 'both answer alike');
      const best = { byHand: 0, graph: 0 };
      for (const way of ['byHand', 'graph'] as const) await perSecond(ways[way], warmUpMs);
      for (let round = 0; round < rounds; round++) for (const way of ['byHand', 'graph'] as const) best[way] = Math.max(best[way], await perSecond(ways[way], roundMs));
      process.stdout.write(`${name.padEnd(50)} ${best.byHand.toFixed(0).padStart(11)} ${best.graph.toFixed(0).padStart(13)} ${(best.byHand / best.graph).toFixed(2).padStart(14)}x\n`);
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function workloads(platform: Awaited<ReturnType<typeof startTestPlatform>>): Promise<Workload[]> {
  const { platform: { connection, keys, env }, graph } = platform;
  const salon = await platform.tenant({ kind: 'enterprise' });
  const caller = await keys.findCaller(salon.key);
  assert.ok(caller);
  const { accountId } = salon;
  const [enterprise, hairstyle, catalogue] = [createEnterpriseStore(connection), createHairstyleStore(connection), createCatalogue(() => env.publicUrl)];
  const ids: ClientId[] = [];
  for (let index = 0; index < clients; index++) {
    const { createClient } = await platform.gql<{ createClient: { client: { id: ClientId } } }>(salon.key, 'mutation ($input: CreateClientInput!) { createClient(input: $input) { client { id } errors { message } } }', { input: { email: `ann${index}@example.com`, name: `Ann ${index}` } });
    ids.push(createClient.client.id);
  }
  await fill(platform, accountId, ids);
  const answer = async (source: string): Promise<Buffer> => await graph.answer({ source, request: { caller, requestId: 'bench' } }) ?? assert.fail('refused');
  const written = (data: object): Buffer => Buffer.from(`${JSON.stringify({ data })}\n`);
  const page = (first: number) => ({ first, limit: first + 1, after: null, skip: 0 });
  return [
    {
      name: `${clients} clients with ${perClient} generations each`, graph: async () => answer(listed),
      async byHand() {
        await enterprise.findAccount(accountId);
        const { rows } = await enterprise.listClients(accountId, null, page(clients));
        const shown = rows.slice(0, clients);
        const generations = Map.groupBy(await hairstyle.listGenerationsOfClients(accountId, shown.map(({ id }) => id), page(perClient)), ({ owner }) => owner);
        const nodes = shown.map(({ id, email, name, phoneNumber }) => ({
          id, email, name, phoneNumber,
          generations: { nodes: (generations.get(id) ?? []).slice(0, perClient).flatMap(({ row }) => row ? [{ id: row.id, mode: row.mode, cost: row.cost, createdAt: row.createdAt.toISOString() }] : []) },
        }));
        return written({ viewer: { account: { clients: { nodes } } } });
      },
    },
    {
      name: 'all colors and how each suits a skin shade, in memory', graph: async () => answer(suited),
      async byHand() {
        const hairColors = catalogue.listColors({}).map(({ id, name, hex, description }) => {
          const { score, contrast, deltaE, reason } = fitOf(shade, hex);
          return { id, name, hex, description, suits: { score, contrast, deltaE, reason } };
        });
        return written({ hairColors });
      },
    },
  ];
}

async function fill({ platform: { connection } }: Awaited<ReturnType<typeof startTestPlatform>>, accountId: string, ids: readonly ClientId[]): Promise<void> {
  await connection.execute(`insert into hairstyle.image (id, account_id, name, blob_key, width, height, issues) values ('img_1', $1, 'me.jpg', 'x', 100, 100, '[]')`, [accountId]);
  await connection.execute(`insert into hairstyle.generation (id, account_id, client_id, mode, gender, force_new_hairline, source_id, style_ids, seed, cost, status, stage, percent, last_seq)
    select 'gen_01' || lpad(row_number() over ()::text, 24, '0'), $1::uuid, client, 'TEST', 'UNISEX', false, 'img_1', '["817941"]', 1, 0, 'COMPLETED', 'done', 100, 5 from unnest($2::text[]) client, generate_series(1, 7)`, [accountId, ids]);
}

async function perSecond(once: () => Promise<unknown>, durationMs: number): Promise<number> {
  const started = process.cpuUsage();
  const end = performance.now() + durationMs;
  let count = 0;
  for (; performance.now() < end; count++) await once();
  const { user, system } = process.cpuUsage(started);
  return count / ((user + system) / 1e6);
}

if (import.meta.main) await run();
