import type { Case } from '../../cases.test.ts';

const books = [{ isbn: '1', shelf: { room: 'a', number: 1 } }, { isbn: '2', shelf: { room: 'a', number: 2 } }, { isbn: '1', shelf: { room: 'a', number: 1 } }];
const places = [{ code: { country: 'fr', zip: '75' }, name: 'Paris' }, { code: { country: 'de', zip: '10' }, name: 'Berlin' }];

export default {
  why: 'entities are found by single, multiple, composite and nested keys, each once',
  subgraphs: {
    library: {
      sdl: `
        type Query { books: [Book!]! places: [Place!]! user: User missing: Ghost list: [[Book]] }
        type Book @key(fields: "isbn") { isbn: ID! shelf: Shelf! }
        type Shelf @key(fields: "room number") { room: String! number: Int! }
        type Place @key(fields: "code { country zip }") { code: Code! }
        type Code @shareable { country: String! zip: String! }
        type User @key(fields: "email") { email: ID! }
        type Ghost @key(fields: "id") { id: ID }`,
      resolvers: {
        Query: {
          books: () => books, places: () => places.map(({ code }) => ({ code })), user: () => ({ email: 'u@x' }), missing: () => ({ id: null }),
          list: () => [[books[0], null], null, [], [books[1]]],
        },
      },
    },
    catalogue: {
      sdl: `
        type Book @key(fields: "isbn") { isbn: ID! title(upper: Boolean = false): String! }
        type Shelf @key(fields: "room number") { room: String! number: Int! label: String! }
        type Place @key(fields: "code { country zip }") { code: Code! name: String }
        type Code @shareable { country: String! zip: String! }
        type User @key(fields: "id") @key(fields: "email") { id: ID! email: ID! }
        type Ghost @key(fields: "id") { id: ID name: String }`,
      resolvers: {
        Book: {
          __resolveReference: ({ isbn }: { isbn: string }) => ({ isbn }),
          title: ({ isbn }: { isbn: string }, { upper }: { upper: boolean }) => upper ? `BOOK ${isbn}` : `book ${isbn}`,
        },
        Shelf: { __resolveReference: ({ room, number }: { room: string; number: number }) => ({ room, number, label: `${room}${number}` }) },
        Place: { __resolveReference: ({ code }: { code: { country: string } }) => places.find((place) => place.code.country === code.country) },
        User: { __resolveReference: ({ email }: { email: string }) => ({ email, id: `id of ${email}` }) },
        Ghost: { __resolveReference: () => { throw new Error('a null key was asked for'); } },
      },
    },
    accounts: {
      sdl: 'type User @key(fields: "id") { id: ID! name: String! }',
      resolvers: { User: { __resolveReference: ({ id }: { id: string }) => ({ id, name: `name of ${id}` }) } },
    },
  },
  operations: [
    {
      promise: 'equal entities are asked for once and answered everywhere',
      source: '{ books { isbn title } }',
      answer: { data: { books: [{ isbn: '1', title: 'book 1' }, { isbn: '2', title: 'book 2' }, { isbn: '1', title: 'book 1' }] } },
      asks: ['library', 'catalogue'], representations: [2],
    },
    {
      promise: 'composite keys are compared whole',
      source: '{ books { shelf { label } } }',
      answer: { data: { books: [{ shelf: { label: 'a1' } }, { shelf: { label: 'a2' } }, { shelf: { label: 'a1' } }] } },
      representations: [2],
    },
    {
      promise: 'keys inside objects are sent as objects',
      source: '{ places { name code { zip } } }',
      answer: { data: { places: [{ name: 'Paris', code: { zip: '75' } }, { name: 'Berlin', code: { zip: '10' } }] } },
    },
    {
      promise: 'one key leads to the other',
      source: '{ user { name } }',
      answer: { data: { user: { name: 'name of id of u@x' } } },
      asks: ['library', 'catalogue', 'accounts'],
    },
    { promise: 'an entity with a null key is not asked for', source: '{ missing { id name } }', answer: { data: { missing: { id: null, name: null } } }, asks: ['library'] },
    {
      promise: 'lists of lists keep their nulls and shape',
      source: '{ list { title } }',
      answer: { data: { list: [[{ title: 'book 1' }, null], null, [], [{ title: 'book 2' }]] } },
    },
    {
      promise: 'two selections of one entity at two paths do not meet',
      source: '{ a: books { shelf { l: label } title } b: books { shelf { room } t: title(upper: true) } }',
      answer: {
        data: {
          a: [{ shelf: { l: 'a1' }, title: 'book 1' }, { shelf: { l: 'a2' }, title: 'book 2' }, { shelf: { l: 'a1' }, title: 'book 1' }],
          b: [{ shelf: { room: 'a' }, t: 'BOOK 1' }, { shelf: { room: 'a' }, t: 'BOOK 2' }, { shelf: { room: 'a' }, t: 'BOOK 1' }],
        },
      },
    },
    {
      promise: 'aliases give one field twice',
      source: '{ user { a: name b: name email } }',
      answer: { data: { user: { a: 'name of id of u@x', b: 'name of id of u@x', email: 'u@x' } } },
    },
  ],
} satisfies Case;
