import type { Case } from '../../cases.test.ts';

const byId = ({ id }: { id: string }) => ({ id });
const title = ({ id }: { id: string }, { size = 1 }: { size?: number }) => `title ${id}`.repeat(size);

export default {
  why: 'one entity at many places is completed once, and places that differ stay different',
  subgraphs: {
    shelves: {
      sdl: `
        type Query { shelves: [Shelf!]! mixed: [Holder!]! }
        type Shelf { books: [Book!]! best: Book }
        type Book @key(fields: "id") { id: ID! note(of: String): String }
        union Holder = Shelf | Box type Box { books: [Book!]! }`,
      resolvers: {
        Query: {
          shelves: () => [{ books: ['1', '2', '1'], best: '1' }, { books: ['1', '1'], best: null }].map(({ books, best }, at) => ({ books: books.map((id, index) => ({ id, place: `${at}.${index}` })), best: best && { id: best, place: 'best' } })),
          mixed: () => [{ __typename: 'Shelf', books: [{ id: '1' }, { id: '1' }] }, { __typename: 'Box', books: [{ id: '1' }] }],
        },
        Book: { note: ({ place }: { place?: string }) => place ?? null },
      },
    },
    catalogue: {
      sdl: 'type Book @key(fields: "id") { id: ID! title(size: Int): String author: Author fault: Int } type Author @key(fields: "id") { id: ID! }',
      resolvers: { Book: { __resolveReference: byId, title, author: () => ({ id: 'a' }), fault: ({ id }: { id: string }) => { if (id === '1') throw new Error('inside'); return 2; } } },
    },
    people: { sdl: 'type Author @key(fields: "id") { id: ID! name: String }', resolvers: { Author: { __resolveReference: ({ id }: { id: string }) => ({ id, name: 'Ann "\\ ü\u0001' }) } } },
  },
  operations: [
    { promise: 'the same everywhere', source: '{ shelves { books { title author { name } } } }', answer: { data: { shelves: [['1', '2', '1'], ['1', '1']].map((ids) => ({ books: ids.map((id) => ({ title: `title ${id}`, author: { name: 'Ann "\\ ü\u0001' } })) })) } }, representations: [1, 2] },
    { promise: 'what its place says of it stays', source: '{ shelves { books { note title } } }', answer: { data: { shelves: [[['1', '0.0'], ['2', '0.1'], ['1', '0.2']], [['1', '1.0'], ['1', '1.1']]].map((books) => ({ books: books.map(([id, note]) => ({ note, title: `title ${id}` })) })) } }, representations: [2] },
    { promise: 'two paths with other arguments', source: '{ shelves { books { title } best { title(size: 2) } } }', answer: { data: { shelves: [{ books: ['1', '2', '1'].map((id) => ({ title: `title ${id}` })), best: { title: 'title 1title 1' } }, { books: ['1', '1'].map((id) => ({ title: `title ${id}` })), best: null }] } } },
    {
      promise: 'one key under two types with other arguments', source: '{ mixed { ... on Shelf { books { t: title } } ... on Box { books { t: title(size: 2) } } } }',
      answer: { data: { mixed: [{ books: [{ t: 'title 1' }, { t: 'title 1' }] }, { books: [{ t: 'title 1title 1' }] }] } },
    },
    {
      promise: 'one key under two types with other fields', source: '{ mixed { ... on Shelf { books { t: note x: title } } ... on Box { books { t: title x: note(of: "x") } } } }',
      answer: { data: { mixed: [{ books: [{ t: null, x: 'title 1' }, { t: null, x: 'title 1' }] }, { books: [{ t: 'title 1', x: null }] }] } },
    },
    {
      promise: 'an error stands at every place', source: '{ shelves { books { fault } } }',
      answer: {
        data: { shelves: [{ books: [{ fault: null }, { fault: 2 }, { fault: null }] }, { books: [{ fault: null }, { fault: null }] }] },
        errors: [[0, 0], [0, 2], [1, 0], [1, 1]].map(([shelf, book]) => ({ message: 'Internal error', path: ['shelves', shelf, 'books', book, 'fault'], extensions: { code: 'INTERNAL', requestId: 'request-1' } })),
      },
    },
  ],
} satisfies Case;
