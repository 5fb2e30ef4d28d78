import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { HeaderMap } from '@apollo/server';
import { GraphQLError, GraphQLScalarType } from 'graphql';
import { callerWith, federate, requestOf, sent } from './federation.ts';

const hex = new GraphQLScalarType({
  name: 'Hex', specifiedByURL: null,
  parseValue: (value) => {
    if (typeof value === 'string' && value.startsWith('#')) return { parsed: value };
    throw new GraphQLError('A color begins with #.');
  },
  serialize: (value) => value,
});

const { graph, fetches, logged } = await federate({
  a: {
    sdl: `
      scalar Hex
      type Query { one: One list(first: Int! = 2): [One!]! hex(color: Hex!): String fault: Int strict: Int! refused: Int closed: Int @requiresScopes(scopes: [["x:read"]]) }
      type Mutation { change(name: String!): One }
      type Subscription { ticks: Int }
      type One @key(fields: "id") { id: ID! }`,
    resolvers: {
      Hex: hex,
      Query: {
        one: () => ({ id: '1' }), list: (_: unknown, { first }: { first: number }) => [{ id: '1' }, { id: '2' }].slice(0, first),
        hex: (_: unknown, { color }: { color: { parsed: string } }) => color.parsed, closed: () => 1,
        fault: () => { throw new Error('the password is 1234'); }, strict: () => { throw new Error('the password is 1234'); },
        refused: () => { throw new GraphQLError('Slow down.', { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: 3 } }); },
      },
      Mutation: { change: (_: unknown, { name }: { name: string }) => ({ id: name }) },
    },
  },
  b: { sdl: 'type One @key(fields: "id") { id: ID! name: String! }', resolvers: { One: { __resolveReference: ({ id }: { id: string }) => ({ id, name: `name ${id}` }) } } },
});
after(() => graph.stop());

type Body = { query?: string; variables?: Record<string, unknown>; operationName?: string; extensions?: unknown };

async function post(body: Body, scopes?: string[]): Promise<{ status: number | undefined; body: unknown }> {
  const answer = await graph.apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: { method: 'POST', headers: new HeaderMap([['content-type', 'application/json']]), search: '', body },
    context: async () => requestOf(scopes ? callerWith(...scopes) : null),
  });
  assert.equal(answer.body.kind, 'complete');
  return { status: answer.status, body: JSON.parse(answer.body.kind === 'complete' ? answer.body.string : '') };
}

const operations: { promise: string; body: Body & { query: string }; scopes?: string[]; status?: number }[] = [
  { promise: 'a query', body: { query: '{ one { id name } }' } },
  { promise: 'variables and defaults', body: { query: 'query Q($n: Int!) { list(first: $n) { name } all: list { id } }', variables: { n: 1 } } },
  { promise: 'a chosen operation', body: { query: 'query A { one { id } } query B { list { id } }', operationName: 'B' } },
  { promise: 'an operation that is not there', body: { query: 'query A { one { id } }', operationName: 'C' }, status: 400 },
  { promise: 'no choice among operations', body: { query: 'query A { one { id } } query B { list { id } }' }, status: 400 },
  { promise: 'a syntax error', body: { query: '{ one {' }, status: 400 },
  { promise: 'a field that is not there', body: { query: '{ none }' }, status: 400 },
  { promise: 'a missing variable', body: { query: 'query($n: Int!) { list(first: $n) { id } }' }, status: 400 },
  { promise: 'a wrong custom scalar in a variable', body: { query: 'query($c: Hex!) { hex(color: $c) }', variables: { c: 'red' } }, status: 400 },
  { promise: 'a wrong custom scalar in the text', body: { query: '{ hex(color: "red") }' }, status: 400 },
  { promise: 'a right custom scalar', body: { query: 'query($c: Hex!) { hex(color: $c) other: hex(color: "#fff") }', variables: { c: '#000' } } },
  { promise: 'too many aliases', body: { query: `{ ${Array.from({ length: 101 }, (_, index) => `a${index}: refused`).join(' ')} }` }, status: 400 },
  { promise: 'too much nesting', body: { query: '{'.repeat(20_000) }, status: 400 },
  { promise: 'too long a text', body: { query: `{ one { id } } ${' '.repeat(70_000)}` }, status: 400 },
  { promise: 'cyclic fragments', body: { query: '{ one { ...A } } fragment A on One { ...A }' }, status: 400 },
  { promise: 'a fault', body: { query: '{ fault one { id } }' } },
  { promise: 'a fault that takes all data', body: { query: '{ strict }' } },
  { promise: 'a refusal', body: { query: '{ refused }' } },
  { promise: 'a protected field of a stranger', body: { query: '{ closed one { id } }' } },
  { promise: 'a protected field without its scope', body: { query: '{ closed }' }, scopes: ['y:read'] },
  { promise: 'a protected field with its scope', body: { query: '{ closed }' }, scopes: ['x:read'] },
  { promise: 'a mutation', body: { query: 'mutation($name: String!) { change(name: $name) { id name } }', variables: { name: 'n' } } },
  { promise: 'introspection', body: { query: '{ __schema { types { name fields { name } } } one { __typename } }' } },
  { promise: 'a subscription', body: { query: 'subscription { ticks }' }, status: 400 },
];

describe('the HTTP front answers as the graph does', () => {
  for (const { promise, body, scopes, status = 200 } of operations) {
    test(promise, async () => {
      const request = requestOf(scopes ? callerWith(...scopes) : null);
      const straight = sent(await graph.execute({ source: body.query, operationName: body.operationName, variables: body.variables, request }));
      const { query, ...rest } = body;
      const first = await post({ query, ...rest }, scopes);
      const again = await post({ query, ...rest }, scopes);
      assert.deepEqual(first.body, straight);
      assert.deepEqual(again.body, straight, 'also from the cache');
      assert.equal(first.status ?? 200, status, JSON.stringify(straight));
      assert.ok(!JSON.stringify(straight).includes('1234'));
    });
  }
});

test('a wrong custom scalar is refused before anything is fetched', async () => {
  fetches.length = 0;
  const { body } = await post({ query: 'query($c: Hex!) { hex(color: $c) }', variables: { c: 'red' } });
  assert.deepEqual((body as { errors: { extensions: unknown }[] }).errors.map(({ extensions }) => extensions), [{ code: 'BAD_USER_INPUT' }]);
  assert.equal(fetches.length, 0);
});

test('a fault is logged once with its cause and request id', async () => {
  logged.length = 0;
  await post({ query: '{ fault }' });
  assert.deepEqual(logged.map(({ requestId, subgraph, err }) => [requestId, subgraph, (err as { message: string }).message]), [['request-1', 'a', 'the password is 1234']]);
});

test('GET answers queries, refuses mutations, and a form of another site', async () => {
  const get = async (query: string, headers: [string, string][]) => {
    const answer = await graph.apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'GET', headers: new HeaderMap(headers), search: `?query=${encodeURIComponent(query)}`, body: null }, context: async () => requestOf(),
    });
    return { status: answer.status ?? 200, text: answer.body.kind === 'complete' ? answer.body.string : '' };
  };
  const preflighted: [string, string][] = [['apollo-require-preflight', '1']];
  assert.deepEqual(JSON.parse((await get('{ one { id } }', preflighted)).text), { data: { one: { id: '1' } } });
  assert.equal((await get('mutation { change(name: "x") { id } }', preflighted)).status, 405);
  assert.match((await get('{ one { id } }', [])).text, /CSRF/);
});
