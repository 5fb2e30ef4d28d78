import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { HeaderMap } from '@apollo/server';
import { createBudgets } from '../../gateway/budgets.ts';
import { enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { type KeyId, newKeyId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createSpending } from '../../subgraphs/spending.ts';
import { onPostgres, openTestConnection, until } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';
import { callerWith, federate, requestOf } from './federation.ts';

const sdl = `
  type Query {
    salon: Salon
    salons(first: Int = 20): [Salon!]!
    search(limit: Int): [Salon!]! @listSize(assumedSize: 50, requireOneSlicingArgument: false)
    top(count: Int!): Page! @listSize(slicingArguments: ["count"], sizedFields: ["items"])
    dear: Int @cost(weight: 30)
    any: [Any!]!
  }
  union Any = Salon | Client
  type Salon @key(fields: "id") { id: ID! tags: [String!]! rooms: [Room!]! clients(first: Int = 10): Clients! }
  type Room { name: String }
  type Clients { totalCount: Int! nodes: [Client!]! edges: [Edge!]! }
  type Edge { node: Client! }
  type Client { id: ID! }
  type Page { items: [Salon!]! }`;
const limits = { cost: 5_000, costPerMinute: 9_000 };
const { graph, fetches } = await federate({
  a: { sdl, resolvers: { Query: { salon: () => ({ id: '1', tags: [], rooms: [] }), salons: () => [], search: () => [], dear: () => 1, top: () => ({ items: [] }) }, Salon: { clients: () => ({ totalCount: 0, nodes: [], edges: [] }) } } },
  b: { sdl: 'type Salon @key(fields: "id") { id: ID! reviews(last: Int = 3): [Review!]! } type Review { text: String }', resolvers: { Salon: { __resolveReference: ({ id }: { id: string }) => ({ id, reviews: [] }) } } },
}, { limits });
after(() => graph.stop());

type Report = { operation: number; limit: number; perMinute: number; remaining: number | null };
async function costOf(source: string, variables: Record<string, unknown> = {}): Promise<unknown> {
  const { extensions, errors } = await graph.execute({ source, variables, extensions: { cost: true }, request: requestOf() });
  return errors?.[0]?.message ?? (extensions?.['cost'] as Report | undefined)?.operation;
}

const costs: Record<string, { source: string; variables?: Record<string, unknown>; cost: number }> = {
  'an object is 1, scalars nothing': { source: '{ salon { id tags } }', cost: 1 },
  'a list has what is asked for': { source: '{ salons(first: 7) { id } }', cost: 7 },
  'or its default': { source: '{ salons { id } }', cost: 20 },
  'or what a variable says': { source: 'query ($n: Int) { salons(first: $n) { id } }', variables: { n: 4 }, cost: 4 },
  'or the variable\'s default': { source: 'query ($n: Int = 5) { salons(first: $n) { id } }', cost: 5 },
  'a variable that is not given leaves the argument its default': { source: 'query ($n: Int) { salons(first: $n) { id } }', cost: 20 },
  '@listSize without one of its arguments': { source: '{ search { id } }', cost: 50 },
  'lists in lists multiply': { source: '{ salons(first: 10) { clients(first: 5) { nodes { id } edges { node { id } } } } }', cost: 10 + 10 * 1 + 10 * 5 + 10 * 5 * 2 },
  'a list without a size counts as ten': { source: '{ salon { rooms { name } } }', cost: 11 },
  'another subgraph\'s list': { source: '{ salons(first: 2) { reviews { text } } }', cost: 2 + 2 * 3 },
  'as @listSize says': { source: '{ top(count: 6) { items { id } } }', cost: 1 + 6 },
  'as @cost says': { source: '{ dear }', cost: 30 },
  'fragments count where they stand': { source: '{ salons(first: 3) { ...S ... on Salon { rooms { name } } } } fragment S on Salon { clients { totalCount } }', cost: 3 + 3 * 10 + 3 },
  'aliases count each': { source: '{ a: salons(first: 3) { id } b: salons(first: 4) { id } }', cost: 7 },
  'introspection is free': { source: '{ __schema { types { fields { name } } } }', cost: 0 },
};

describe('what an operation costs', () => {
  for (const [name, { source, variables, cost }] of Object.entries(costs)) test(name, async () => assert.equal(await costOf(source, variables), cost));
});

test('what costs more than the limit is refused before anything is fetched', async () => {
  const before = fetches.length;
  const { errors } = await graph.execute({ source: 'query ($n: Int) { salons(first: $n) { clients(first: 100) { nodes { id } } } }', variables: { n: 50 }, request: requestOf() });
  assert.deepEqual(errors?.map(({ message, extensions }) => [message, extensions]), [['Operation is too complex: the limit "cost" is 5000.', { code: 'OPERATION_TOO_COMPLEX' }]]);
  assert.equal(fetches.length, before);
  const { errors: none } = await graph.execute({ source: 'query ($n: Int) { salons(first: $n) { clients(first: 100) { nodes { id } } } }', variables: { n: 40 }, request: requestOf() });
  assert.equal(none, undefined);
});

test('a key that has spent its budget is answered 429 with the time to wait; others go on', async () => {
  const post = (keyId: string) => graph.apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers: new HeaderMap([['content-type', 'application/json']]), search: '', body: { query: '{ salons(first: 4000) { id } }', extensions: { cost: true } } },
    context: async () => requestOf({ ...callerWith(), keyId: keyId as KeyId }),
  });
  const bodyOf = ({ body }: Awaited<ReturnType<typeof post>>) => JSON.parse(body.kind === 'complete' ? body.string : '') as { extensions?: { cost: Report }; errors?: { message: string; extensions: Record<string, unknown> }[] };
  const first = bodyOf(await post('key_1'));
  assert.deepEqual(first.extensions?.cost, { operation: 4_000, limit: 5_000, perMinute: 9_000, remaining: 5_000 });
  await post('key_1');
  const third = await post('key_1');
  assert.equal(third.status, 429);
  assert.equal(bodyOf(third).errors?.[0]?.extensions['code'], 'RATE_LIMITED');
  const wait = Number(third.headers.get('retry-after'));
  assert.ok(wait >= 1 && wait <= 60, String(wait));
  assert.equal((await post('key_2')).status, undefined);
});

test('a budget fills up again evenly', () => {
  let clock = 0;
  const { spend } = createBudgets(600, { now: () => clock });
  const key = 'key' as KeyId;
  assert.deepEqual(spend(key, 600), { remaining: 0, retryAfterSeconds: null });
  assert.deepEqual(spend(key, 100), { remaining: 0, retryAfterSeconds: 10 });
  clock += 10_000;
  assert.deepEqual(spend(key, 100), { remaining: 0, retryAfterSeconds: null });
  clock += 600_000;
  assert.deepEqual(spend(key, 1), { remaining: 599, retryAfterSeconds: null });
});

test('two that spend from one budget have it once: what one spent is taken off at the other, and fills up again', { skip: !onPostgres && 'only PostgreSQL can be shared' }, async (t) => {
  const connection = await openTestConnection({ after: (close) => t.after(close) });
  await migrate(connection, 'enterprise', enterpriseMigrations);
  const spending = createSpending(connection, { perMinute: 60_000 });
  const [one, two] = [createBudgets(60_000, { spending }), createBudgets(60_000, { spending })];
  const [key, other] = [newKeyId(), newKeyId()];
  for (let left = 10; left > 0; left -= 1) assert.equal(one.spend(key, 5_000).retryAfterSeconds, null);
  assert.equal(two.spend(other, 60_000).retryAfterSeconds, null);
  await until(() => two.spend(key, 0).remaining < 20_000);
  await until(() => one.spend(other, 0).remaining < 10_000);
  assert.ok((two.spend(key, 60_000).retryAfterSeconds ?? 0) > 30, 'nothing was spent');
  assert.equal(two.spend(key, 9_000).retryAfterSeconds, null);
  await until(() => one.spend(key, 0).remaining < 10_000);
  // A thousand come back each second.
  await until(() => one.spend(key, 12_000).retryAfterSeconds === null);
  const [row] = await connection.execute('select remaining from enterprise.spending where key_id = $1', [key]);
  assert.ok(Number(row?.['remaining']) < 60_000);
  // What was spent last may be told only now.
  await until(async () => {
    await connection.execute("update enterprise.spending set at = at - interval '11 minutes'");
    await spending?.trim();
    return (await connection.execute('select 1 from enterprise.spending')).length === 0;
  });
});

test('the schema is for keys only where the operator says so', async (t) => {
  const platform = await startTestPlatform(t, { variables: { INTROSPECTION: 'keys' } });
  const { key } = await platform.tenant();
  const ask = (query: string, caller: string | null) => platform.rest<{ errors?: { extensions: { code: string } }[] }>('/graphql', { key: caller, json: { query } });
  for (const query of ['{ __schema { queryType { name } } }', 'query { ...Q } fragment Q on Query { __type(name: "Query") { name } }']) {
    const refused = await ask(query, null);
    assert.equal(refused.status, 401);
    assert.equal(refused.body.errors?.[0]?.extensions.code, 'UNAUTHENTICATED');
    assert.equal((await ask(query, key)).body.errors, undefined);
  }
  assert.equal((await ask('{ __typename hairColors { __typename } }', null)).body.errors, undefined);
});
