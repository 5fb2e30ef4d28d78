import { HeaderMap } from '@apollo/server';
import { execute, parse } from 'graphql';
import { requestOf, federate, type Federation, type TestSubgraph } from '../gateway/federation.ts';

/** The gateway over its own subgraphs against graphql-js called directly, and its HTTP front against both. CPU time, one process, ratios of one run. */
export async function run(): Promise<void> {
  const federation = await federate(subgraphs, { traced: false });
  const rows: Row[] = [];
  for (const measured of workloads(federation)) rows.push(await measure(measured));
  process.stdout.write(`${table(rows)}\n`);
  await federation.graph.stop();
}

type Workload = { name: string; direct: () => Promise<unknown>; graph: () => Promise<unknown>; apollo: () => Promise<unknown> };
type Row = { name: string; direct: number; graph: number; apollo: number };

const products = Array.from({ length: 20 }, (_, index) => ({ upc: `p${index}`, name: `Product ${index}`, price: index * 10, weight: index }));
const users = Array.from({ length: 5 }, (_, index) => ({ id: `u${index}`, name: `User ${index}`, username: `user${index}` }));

const subgraphs: Record<string, TestSubgraph> = {
  products: {
    sdl: 'type Query { hello: String! products(first: Int = 20): [Product!]! } type Product @key(fields: "upc") { upc: ID! name: String! price: Int! weight: Int }',
    resolvers: { Query: { hello: () => 'world', products: (_: unknown, { first }: { first: number }) => products.slice(0, first) } },
  },
  reviews: {
    sdl: 'type Product @key(fields: "upc") { upc: ID! reviews: [Review!]! } type Review { id: ID! body: String! author: User! } type User { id: ID! name: String! username: String! }',
    resolvers: {
      Product: {
        __resolveReference: ({ upc }: { upc: string }) => ({ upc }),
        reviews: ({ upc }: { upc: string }) => users.slice(0, 2).map((author) => ({ id: `${upc} ${author.id}`, body: 'Good enough.', author })),
      },
    },
  },
};

function workloads({ graph, subgraphs: reachable }: Federation): Workload[] {
  const request = requestOf();
  const direct = (subgraph: string, source: string) => {
    const document = parse(source);
    return (variables: Record<string, unknown> = {}) => execute({ schema: reachable[subgraph]!.schema, document, variableValues: variables, contextValue: request });
  };
  const both = (source: string): Pick<Workload, 'graph' | 'apollo'> => ({
    graph: async () => JSON.stringify(await graph.execute({ source, request })),
    apollo: () => overHttp(graph.apollo, source),
  });
  const tiny = direct('products', '{ hello }');
  const list = direct('products', '{ products { upc name price } }');
  const owned = direct('products', '{ products { __typename upc name price } }');
  const entities = direct('reviews', 'query($r: [_Any!]!) { _entities(representations: $r) { ... on Product { reviews { id body author { name username } } } } }');
  return [
    { name: 'tiny', direct: async () => JSON.stringify(await tiny()), ...both('{ hello }') },
    { name: '20 objects of one subgraph', direct: async () => JSON.stringify(await list()), ...both('{ products { upc name price } }') },
    {
      name: '20 objects of two subgraphs',
      // The same two calls, joined by hand.
      direct: async () => {
        const { data } = await owned();
        const found = data?.['products'] as { upc: string; name: string; price: number }[];
        const r = found.map(({ upc }) => ({ __typename: 'Product', upc }));
        const completed = (await entities({ r })).data?.['_entities'] as { reviews: unknown }[];
        return JSON.stringify({ data: { products: found.map(({ name, price }, index) => ({ name, price, reviews: completed[index]?.reviews })) } });
      },
      ...both('{ products { name price reviews { id body author { name username } } } }'),
    },
  ];
}

async function overHttp(apollo: Federation['graph']['apollo'], query: string): Promise<unknown> {
  const headers = new HeaderMap([['content-type', 'application/json']]);
  const answer = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers, search: '', body: { query } }, context: async () => requestOf(),
  });
  return answer.body.kind === 'complete' ? answer.body.string : null;
}

const warmUpMs = 1_500;
const roundMs = 250;
const rounds = 8;

/** Operations per CPU second, the best of rounds taken in turn: what a busy neighbour takes from caches and the compiler is no property of ours. */
async function measure({ name, ...ways }: Workload): Promise<Row> {
  const best = { direct: 0, graph: 0, apollo: 0 };
  for (const way of ['direct', 'graph', 'apollo'] as const) await operationsPerSecond(ways[way], warmUpMs);
  for (let round = 0; round < rounds; round++) {
    for (const way of ['direct', 'graph', 'apollo'] as const) best[way] = Math.max(best[way], await operationsPerSecond(ways[way], roundMs));
  }
  return { name, ...best };
}

async function operationsPerSecond(once: () => Promise<unknown>, durationMs: number): Promise<number> {
  const started = process.cpuUsage();
  const end = performance.now() + durationMs;
  let count = 0;
  while (performance.now() < end) {
    for (let index = 0; index < 20; index++) await once();
    count += 20;
  }
  const { user, system } = process.cpuUsage(started);
  return count / ((user + system) / 1e6);
}

function table(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => cells.map((cell, index) => index === 0 ? cell.padEnd(30) : cell.padStart(14)).join('');
  const body = rows.map(({ name, direct, graph, apollo }) => line([
    name, direct.toFixed(0), graph.toFixed(0), (graph / direct).toFixed(2), apollo.toFixed(0), (apollo / direct).toFixed(2),
  ]));
  return [line(['operations per CPU second', 'direct', 'gateway', 'ratio', 'with Apollo', 'ratio']), ...body].join('\n');
}

if (import.meta.main) await run();
