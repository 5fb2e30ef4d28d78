import type { Case } from '../../cases.test.ts';

const show = 'query($show: Boolean!, $hide: Boolean! = false, $n: Int = 3) { thing { id echo(n: $n) @include(if: $show) other @skip(if: $hide) ...F @include(if: $show) } }  fragment F on Thing { name }';

export default {
  why: '@skip, @include, variables and defaults decide what is fetched',
  subgraphs: {
    a: {
      sdl: `
        type Query { thing: Thing echo(input: Input, list: [ID!], representations: Int = 9): String }
        input Input { text: String! = "none" tags: [Tag!] = [A] inner: Input } enum Tag { A B }
        type Thing @key(fields: "id") { id: ID! echo(n: Int): Int }`,
      resolvers: { Query: { thing: () => ({ id: '1' }), echo: (_: unknown, args: object) => JSON.stringify(args) }, Thing: { echo: (_: unknown, { n }: { n: number }) => n ?? null } },
    },
    b: {
      sdl: 'type Thing @key(fields: "id") { id: ID! name: String other(representations: Int): String }',
      resolvers: { Thing: { __resolveReference: ({ id }: { id: string }) => ({ id }), name: () => 'name', other: (_: unknown, args: object) => JSON.stringify(args) } },
    },
  },
  operations: [
    { promise: 'included fields are fetched', source: show, variables: { show: true }, answer: { data: { thing: { id: '1', echo: 3, other: '{}', name: 'name' } } }, asks: ['a', 'b'] },
    { promise: 'what is left out is not fetched', source: show, variables: { show: false, hide: true }, answer: { data: { thing: { id: '1' } } }, asks: ['a'] },
    { promise: 'a given null is not the default', source: show, variables: { show: true, n: null, hide: true }, answer: { data: { thing: { id: '1', echo: null, name: 'name' } } } },
    { promise: 'an object of which nothing is included is empty', source: '{ thing { id @skip(if: true) } }', answer: { data: { thing: {} } } },
    { promise: 'an operation of which nothing is included asks nobody', source: '{ thing @skip(if: true) { id } }', answer: { data: {} }, asks: [] },
    { promise: 'input objects get their defaults and single values become lists', source: 'query($i: Input, $l: [ID!]) { echo(input: $i, list: $l) }', variables: { i: { inner: { text: 'x', tags: 'B' } }, l: '7' }, answer: { data: { echo: '{"input":{"text":"none","tags":["A"],"inner":{"text":"x","tags":["B"]}},"list":["7"],"representations":9}' } } },
    { promise: 'a variable may have the planner\'s own name', source: 'query($representations: Int) { thing { other(representations: $representations) } }', variables: { representations: 5 }, answer: { data: { thing: { other: '{"representations":5}' } } } },
    {
      promise: 'a wrong variable is refused before anything is fetched', source: 'query($n: Int!) { thing { echo(n: $n) } }', variables: { n: 'x' }, asks: [],
      answer: { errors: [{ message: 'Variable "$n" got invalid value "x"; Int cannot represent non-integer value: "x"', locations: [{ line: 1, column: 7 }], extensions: { code: 'BAD_USER_INPUT' } }] },
    },
    { promise: 'keys of an answer may be names that every object has', source: '{ thing { constructor: other toString: name valueOf: echo } }', answer: { data: { thing: { constructor: '{}', toString: 'name', valueOf: null } } } },
    { promise: 'the gateway answers for the root type name itself', source: '{ __typename kind: __typename }', answer: { data: { __typename: 'Query', kind: 'Query' } }, asks: [] },
    {
      promise: 'introspection and data come in one answer, in the order asked', source: '{ before: __typename __type(name: "Tag") { enumValues { name } } thing { id } __schema { queryType { name } } }',
      answer: { data: { before: 'Query', __type: { enumValues: [{ name: 'A' }, { name: 'B' }] }, thing: { id: '1' }, __schema: { queryType: { name: 'Query' } } } }, asks: ['a'],
    },
    { promise: 'federation\'s own fields and types are not there', source: '{ __type(name: "_Entity") { name } _service { sdl } }', answer: { errors: [{ message: 'Cannot query field "_service" on type "Query".', locations: [{ line: 1, column: 36 }], extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] } },
  ],
} satisfies Case;
