import type { Case } from '../../cases.test.ts';

const users = { u1: { id: 'u1', kind: 'REGULAR' }, u2: { id: 'u2', kind: 'ANONYMOUS' } };

export default {
  why: 'enums, inputs and unions that two subgraphs know differently',
  subgraphs: {
    a: {
      sdl: `
        type Query { users(filter: Filter): [User!]! hidden: Kind media: Media list: [Media] viewer: Viewer }
        type User @key(fields: "id") { id: ID! kind: Kind @shareable kinds: [Kind] }
        enum Kind { ANONYMOUS @inaccessible REGULAR }
        input Filter { first: Int! kind: Int onlyA: String }
        union Media = Book | Song
        type Book @shareable { title: String! id: ID! } type Song { title: String! id: ID! }
        type Viewer @key(fields: "id") { id: ID! media: ViewerMedia @shareable }
        union ViewerMedia = Book | Song`,
      resolvers: {
        Query: {
          users: (_: unknown, { filter }: { filter?: { first?: number } }) => Object.values(users).slice(0, filter?.first ?? 9), hidden: () => 'ANONYMOUS',
          media: () => ({ __typename: 'Song', title: 'song', id: 's' }), list: () => [{ __typename: 'Book', title: 'book', id: 'b' }, { __typename: 'Song', title: 'song', id: 's' }, null], viewer: () => ({ id: 'v', media: { __typename: 'Book', title: 'book', id: 'b' } }),
        },
        User: { kinds: () => ['REGULAR', 'ANONYMOUS'] },
      },
    },
    b: {
      sdl: `
        type Query { byB(filter: Filter): String best: Media }
        type User @key(fields: "id") { id: ID! kind: Kind @shareable name: String }
        enum Kind { ANONYMOUS @inaccessible REGULAR }
        input Filter { first: Int onlyB: String kind: Int! }
        union Media = Book | Film
        type Book @shareable { title: String! id: ID! } type Film { title: String! minutes: Int }
        type Viewer @key(fields: "id") { id: ID! song: ViewerSong name: String } union ViewerSong = Film`,
      resolvers: {
        Query: { byB: (_: unknown, args: object) => JSON.stringify(args), best: () => ({ __typename: 'Film', title: 'film', minutes: 90 }) },
        User: { __resolveReference: ({ id }: { id: 'u1' | 'u2' }) => users[id], name: ({ id }: { id: string }) => `name ${id}` },
        Viewer: { __resolveReference: ({ id }: { id: string }) => ({ id, name: 'viewer', song: { __typename: 'Film', title: 'film', minutes: 90 } }) },
      },
    },
  },
  operations: [
    { promise: 'a member that one subgraph knows', source: '{ media { __typename ... on Song { title } ... on Film { minutes } ... on Book { title } } }', answer: { data: { media: { __typename: 'Song', title: 'song' } } } },
    { promise: 'a member that the other subgraph knows', source: '{ best { __typename ... on Song { title } ... on Film { minutes } } }', answer: { data: { best: { __typename: 'Film', minutes: 90 } } } },
    { promise: 'a list of members with nothing asked of some', source: '{ list { ... on Book { title } } }', answer: { data: { list: [{ title: 'book' }, {}, null] } } },
    { promise: 'a list of members of whom the subgraph knows none that is asked for', source: '{ list { ... on Film { minutes } } }', answer: { data: { list: [{}, {}, null] } } },
    { promise: 'unions of one entity from two subgraphs', source: '{ viewer { name media { ... on Book { id } } song { ... on Film { title } } } }', answer: { data: { viewer: { name: 'viewer', media: { id: 'b' }, song: { title: 'film' } } } } },
    { promise: 'an input has the fields that all know', source: '{ byB(filter: { first: 1, kind: 2 }) }', answer: { data: { byB: '{"filter":{"first":1,"kind":2}}' } } },
    {
      promise: 'a field of an input that one subgraph alone knows is unknown', source: '{ byB(filter: { first: 1, kind: 2, onlyB: "x" }) }', asks: [],
      answer: { errors: [{ message: 'Field "onlyB" is not defined by type "Filter".', locations: [{ line: 1, column: 36 }], extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
    },
    { promise: 'a field that one subgraph insists on is required', source: 'query($f: Filter) { users(filter: $f) { id } }', variables: { f: { first: 1, kind: 1 } }, answer: { data: { users: [{ id: 'u1' }] } } },
    {
      promise: 'an inaccessible value is null with an error that does not name it', source: '{ hidden }',
      answer: { data: { hidden: null }, errors: [{ message: 'Query.hidden has a value that is not in the schema.', path: ['hidden'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
    {
      promise: 'an inaccessible value in a list is null at its place', source: '{ users(filter: { first: 1, kind: 1 }) { kinds name } }',
      answer: { data: { users: [{ kinds: ['REGULAR', null], name: 'name u1' }] }, errors: [{ message: 'User.kinds has a value that is not in the schema.', path: ['users', 0, 'kinds', 1], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
  ],
} satisfies Case;
