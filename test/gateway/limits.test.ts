import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limitTable } from '../../gateway/limits.ts';
import { callerWith, federate, requestOf } from './federation.ts';

const { graph, fetches } = await federate({
  a: {
    sdl: 'type Query { node: Node list(of: [[[Int]]]): [Node] } type Node @key(fields: "id") { id: ID! next: Node }',
    resolvers: { Query: { node: () => ({ id: '1' }) }, Node: { next: ({ id }: { id: string }) => ({ id: `${id}1` }) } },
  },
});
const request = requestOf();
const repeat = (count: number, make: (index: number) => string, between = ' '): string => Array.from({ length: count }, (_, index) => make(index)).join(between);

const hostile: Record<string, { source: string; code: string; limit?: keyof typeof limitTable }> = {
  'cyclic fragments': { source: '{ node { ...A } } fragment A on Node { ...B } fragment B on Node { ...A }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'a fragment in itself': { source: '{ node { ...A } } fragment A on Node { id next { ...A } }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'a chain of 10,000 fragments': { source: `{ node { ...F0 } } ${repeat(10_000, (index) => `fragment F${index} on Node{...F${index + 1}}`)} fragment F10000 on Node { id }`, code: 'OPERATION_TOO_COMPLEX', limit: 'sourceCharacters' },
  'a chain of 101 fragments': { source: `{ node { ...F0 } } ${repeat(100, (index) => `fragment F${index} on Node{...F${index + 1}}`)} fragment F100 on Node { id }`, code: 'OPERATION_TOO_COMPLEX', limit: 'fragments' },
  '20 doubling fragments': { source: `{ node { ...F0 } } ${repeat(20, (index) => `fragment F${index} on Node { a: next { ...F${index + 1} } b: next { ...F${index + 1} } }`)} fragment F20 on Node { id }`, code: 'OPERATION_TOO_COMPLEX' },
  '20 doubling fragments on one level': { source: `{ node { ...F0 } } ${repeat(20, (index) => `fragment F${index} on Node { ...F${index + 1} ...F${index + 1} }`)} fragment F20 on Node { id }`, code: 'OPERATION_TOO_COMPLEX', limit: 'selections' },
  '2,000 aliases': { source: `{ node { ${repeat(2_000, (index) => `a${index}: id`)} } }`, code: 'OPERATION_TOO_COMPLEX' },
  '101 aliases': { source: `{ node { ${repeat(101, (index) => `a${index}: id`)} } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'aliases' },
  '41 root fields': { source: `{ ${repeat(41, () => 'node { id }')} }`, code: 'OPERATION_TOO_COMPLEX', limit: 'rootFields' },
  '41 root fields in fragments': { source: `{ ${repeat(41, () => '... on Query { node { id } }')} }`, code: 'OPERATION_TOO_COMPLEX', limit: 'rootFields' },
  '20,000 nested selections': { source: `{ node ${repeat(20_000, () => '{ next', '')} { id } ${repeat(20_000, () => '}', '')} }`, code: 'OPERATION_TOO_COMPLEX' },
  '20,000 nested lists': { source: `{ list(of: ${'['.repeat(20_000)}1${']'.repeat(20_000)}) { id } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'nesting' },
  'brackets behind a string': { source: `{ list(of: "\\"{" ${'['.repeat(70)}`, code: 'OPERATION_TOO_COMPLEX', limit: 'nesting' },
  '26 fields deep': { source: `{ node ${'{ next '.repeat(24)} { id } ${'}'.repeat(24)} }`, code: 'OPERATION_TOO_COMPLEX', limit: 'depth' },
  '50 nested fragments': { source: `{ ${'... { '.repeat(50)} node { id } ${'}'.repeat(50)} }`, code: 'OPERATION_TOO_COMPLEX', limit: 'depth' },
  '101 directives': { source: `{ node { ${repeat(51, () => 'id @skip(if: false) @include(if: true)')} } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'directives' },
  '79 times one field': { source: `{ node { ${'id '.repeat(79)} } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'comparisons' },
  '400 times one object in fragments': { source: `{ node { ${'... { next { id } } '.repeat(400)} } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'comparisons' },
  'one object again on every level': { source: `{ ${repeat(20, () => `node { ${repeat(20, () => 'next { id }')} }`)} }`, code: 'OPERATION_TOO_COMPLEX', limit: 'comparisons' },
  '101 variables': { source: `query(${repeat(101, (index) => `$v${index}: Int`)}) { node { id } }`, code: 'OPERATION_TOO_COMPLEX', limit: 'variables' },
  '7,000 tokens': { source: `{ node { ${'id '.repeat(7_000)} } }`, code: 'OPERATION_TOO_COMPLEX' },
  'a megabyte of nothing': { source: `{ node { id } } ${' '.repeat(1_000_000)}`, code: 'OPERATION_TOO_COMPLEX', limit: 'sourceCharacters' },
  'an unknown field': { source: '{ nope }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'a syntax error': { source: '{ node { id }', code: 'GRAPHQL_PARSE_FAILED' },
  'no operation': { source: 'fragment A on Node { id }', code: 'GRAPHQL_VALIDATION_FAILED' },
  'an alias of the planner': { source: '{ __proto__: node { id } }', code: 'GRAPHQL_VALIDATION_FAILED' },
};

describe('a hostile operation gets an error answer and disturbs nobody', () => {
  for (const [name, { source, code, limit }] of Object.entries(hostile)) {
    test(name, async () => {
      fetches.length = 0;
      const started = performance.now();
      const attacked = graph.execute({ source, request });
      const innocent = await graph.execute({ source: '{ node { id } }', request });
      const { data, errors } = await attacked;
      assert.equal(errors?.[0]?.extensions['code'], code, errors?.[0]?.message);
      assert.equal(data, undefined);
      if (limit) assert.match(errors?.[0]?.message ?? '', new RegExp(`"${limit}" is ${limitTable[limit].value}`));
      assert.deepEqual(fetches.map(({ operation }) => operation), ['{ node { id } }']);
      assert.deepEqual({ ...innocent.data?.['node'] as object }, { id: '1' });
      assert.ok(performance.now() - started < 2_000, 'answered soon');
    });
  }
});

test('names that exist are proposed to callers, not to strangers', async () => {
  for (const source of ['{ nod { id } }', '{ node { ix } }', '{ node { ... on Nodes { id } } }', '{ list(off: [[[1]]]) { id } }']) {
    const [stranger, known] = [await graph.execute({ source, request }), await graph.execute({ source, request: requestOf(callerWith()) })];
    assert.match(known.errors?.[0]?.message ?? '', /Did you mean/);
    assert.doesNotMatch(stranger.errors?.[0]?.message ?? 'Did you mean', /Did you mean/);
    assert.deepEqual(stranger.errors?.[0]?.locations, known.errors?.[0]?.locations);
    assert.deepEqual(stranger.errors?.[0]?.extensions, known.errors?.[0]?.extensions);
  }
});

test('an operation just within the limits is answered', async () => {
  const { errors } = await graph.execute({ source: `{ node { ${repeat(100, (index) => `a${index}: id`)} } }`, request });
  assert.equal(errors, undefined);
  const deep = await graph.execute({ source: `{ node ${'{ next '.repeat(22)} { id } ${'}'.repeat(22)} }`, request });
  assert.equal(deep.errors, undefined);
});

test('brackets in strings and comments are not counted', async () => {
  const { errors } = await graph.execute({ source: `# ${'{'.repeat(100)}\n{ node { id @skip(if: false) } __type(name: "${'['.repeat(100)}") { name } other: __type(name: """ "${'('.repeat(100)}" """) { name } }`, request });
  assert.equal(errors, undefined);
});

test('an operation that takes too long is answered in time and its work is told to stop', async () => {
  const stopped = Promise.withResolvers<void>();
  const { graph: slow } = await federate({ a: { sdl: 'type Query { never: Int }', resolvers: { Query: { never: () => new Promise(() => undefined) } } } }, {
    limits: { operationTimeoutMs: 40 }, onCall: ({ signal }) => signal?.addEventListener('abort', () => stopped.resolve()),
  });
  const { data, errors } = await slow.execute({ source: '{ never }', request });
  assert.equal(data, null);
  assert.deepEqual(errors?.map(({ extensions }) => extensions['code']), ['TIMEOUT']);
  await stopped.promise;
});

test('a caller that goes away is answered at once', async () => {
  const { graph: slow } = await federate({ a: { sdl: 'type Query { never: Int }', resolvers: { Query: { never: () => new Promise(() => undefined) } } } });
  const controller = new AbortController();
  const answer = slow.execute({ source: '{ never }', request, signal: controller.signal });
  controller.abort();
  assert.deepEqual((await answer).errors?.map(({ extensions }) => extensions['code']), ['CANCELED']);
});
