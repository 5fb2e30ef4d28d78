import type { Case } from '../../cases.test.ts';

const film = { __typename: 'Film', id: 'f', title: 'film', size: 90, label: 'l', score2: 5, minutes: 90, secret: 1 };
const book = { __typename: 'Book', id: 'b', title: 'book', size: 300, tag: 'x', name: 'n' };
const draft = { __typename: 'Draft', id: 'd', title: 'draft' };
const media = (id: string) => [film, book, draft].find((one) => one.id === id);

export default {
  why: 'interfaces, unions and interface objects answer by concrete type',
  subgraphs: {
    media: {
      sdl: `
        type Query { items: [Item!]! media: [Media!]! one: Media draft: Media drafts: [Media] wrong: Item }
        interface Media @key(fields: "id") { id: ID! title: String! }
        type Book implements Media @key(fields: "id") { id: ID! title: String! size: Int! tag(of: String): String name: String }
        type Film implements Media @key(fields: "id") { id: ID! title: String! size: Int! minutes: Int label(of: String): String score2: Int! }
        type Draft implements Media @key(fields: "id") @inaccessible { id: ID! title: String! }
        union Item = Book | Film`,
      resolvers: {
        Query: { items: () => [book, film], media: () => [film, book], one: () => book, draft: () => draft, drafts: () => [book, draft], wrong: () => ({ __typename: 'Film', id: 'f' }) },
        Media: { __resolveReference: ({ id }: { id: string }) => media(id) },
        Book: { __resolveReference: () => book }, Film: { __resolveReference: () => film },
      },
    },
    reviews: {
      sdl: `
        type Media @key(fields: "id") @interfaceObject { id: ID! score: Int! reviews: [Review!]! }
        type Review @key(fields: "id") { id: ID! media: Media! text: String }
        type Query { latest: [Review!]! }`,
      resolvers: {
        Query: { latest: () => [{ id: 'r1', media: { id: 'b' }, text: 'good' }, { id: 'r2', media: { id: 'f' }, text: null }] },
        Media: { __resolveReference: ({ id }: { id: string }) => ({ id }), score: ({ id }: { id: string }) => id === 'b' ? 1 : 2, reviews: ({ id }: { id: string }) => [{ id: `r of ${id}`, text: 't' }] },
      },
    },
  },
  operations: [
    {
      promise: 'equal keys of different fields on different members stay apart',
      source: '{ items { ... on Book { x: tag(of: "a") } ... on Film { x: label(of: "b") } } }', answer: { data: { items: [{ x: 'x' }, { x: 'l' }] } },
    },
    { promise: 'a type name is the concrete one, under any alias', source: '{ items { kind: __typename ... on Book { __typename } } }', answer: { data: { items: [{ kind: 'Book', __typename: 'Book' }, { kind: 'Film' }] } } },
    { promise: 'a field of an interface object reaches every implementing type', source: '{ media { id score reviews { id } } }', answer: { data: { media: [{ id: 'f', score: 2, reviews: [{ id: 'r of f' }] }, { id: 'b', score: 1, reviews: [{ id: 'r of b' }] }] } }, representations: [2] },
    { promise: 'an interface object gets its concrete type from where it is known', source: '{ latest { media { __typename id title ... on Book { tag } } } }', answer: { data: { latest: [{ media: { __typename: 'Book', id: 'b', title: 'book', tag: 'x' } }, { media: { __typename: 'Film', id: 'f', title: 'film' } }] } } },
    { promise: 'an interface object asks nobody for a type that nobody asked for', source: '{ latest { media { id } } }', answer: { data: { latest: [{ media: { id: 'b' } }, { media: { id: 'f' } }] } } },
    { promise: 'fields of an interface object under each implementing type are all fetched', source: '{ latest { media { ... on Book { score size } ... on Film { score size } } } }', answer: { data: { latest: [{ media: { score: 1, size: 300 } }, { media: { score: 2, size: 90 } }] } } },
    { promise: 'a key with another meaning on another member stays with its member', source: '{ items { ... on Book { s: score } ... on Film { s: score2 } } }', answer: { data: { items: [{ s: 1 }, { s: 5 }] } } },
    { promise: 'named fragments on interfaces apply to their types', source: 'fragment M on Media { title ...B } fragment B on Book { tag } { items { ...M } }', answer: { data: { items: [{ title: 'book', tag: 'x' }, { title: 'film' }] } } },
    {
      promise: 'an inaccessible type is null with an error that does not name it',
      source: '{ draft { id title } one { id } }',
      answer: { data: { draft: null, one: { id: 'b' } }, errors: [{ message: 'Query.draft has a value that is not in the schema.', path: ['draft'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
    {
      promise: 'an inaccessible type in a list is null at its place',
      source: '{ drafts { id } }',
      answer: { data: { drafts: [{ id: 'b' }, null] }, errors: [{ message: 'Query.drafts has a value that is not in the schema.', path: ['drafts', 1], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
    { promise: 'a field that is called what it is called', source: '{ one { reviews: reviews { id } ... on Book { reviews { text } } ... on Film { size: score } } }', answer: { data: { one: { reviews: [{ id: 'r of b', text: 't' }] } } } },
    { promise: 'merged selections of one object are one object', source: '{ one { id } one { title } ... on Query { one { ... on Book { tag } } } }', answer: { data: { one: { id: 'b', title: 'book', tag: 'x' } } } },
  ],
} satisfies Case;
