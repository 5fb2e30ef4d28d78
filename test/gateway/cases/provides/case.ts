import type { Case } from '../../cases.test.ts';

const categories = [{ id: 'c1', name: 'one' }, { id: 'c2', name: 'two' }];
const books = [{ __typename: 'Book', id: 'm1' }, { __typename: 'Film', id: 'm2' }];

export default {
  why: 'what a subgraph provides on a path is not fetched again, elsewhere it is',
  subgraphs: {
    shop: {
      sdl: `
        type Query { products: [Product!]! plain: [Product!]! media: [Media!]! @provides(fields: "... on Book { title } ... on Film { title }") unions: [Item!]! @provides(fields: "... on Book { title }") nested: Box @provides(fields: "product { category { name } }") }
        type Box { product: Product }
        type Product @key(fields: "id") { id: ID! category: Category @provides(fields: "name") other: Category }
        type Category @key(fields: "id") { id: ID! name: String! @external }
        interface Media { id: ID! title: String }
        type Book implements Media @key(fields: "id") { id: ID! title: String @external }
        type Film implements Media @key(fields: "id") { id: ID! title: String @external }
        union Item = Book | Film`,
      resolvers: {
        Query: {
          products: () => [{ id: '1' }, { id: '2' }], plain: () => [{ id: '1' }], nested: () => ({ product: { id: '1', category: { id: 'c1', name: 'provided' } } }),
          media: () => books.map((one) => ({ ...one, title: `provided ${one.id}` })), unions: () => books.map((one) => ({ ...one, title: `provided ${one.id}` })),
        },
        Product: { category: ({ id, category }: { id: string; category?: object }) => category ?? { id: `c${id}`, name: `provided c${id}` }, other: ({ id }: { id: string }) => ({ id: `c${id}` }) },
      },
    },
    catalogue: {
      sdl: 'type Category @key(fields: "id") { id: ID! name: String! @shareable size: Int } type Book @key(fields: "id") { id: ID! title: String @shareable pages: Int } type Film @key(fields: "id") { id: ID! title: String @shareable minutes: Int }',
      resolvers: {
        Category: { __resolveReference: ({ id }: { id: string }) => ({ ...categories.find((one) => one.id === id), size: 3 }) },
        Book: { __resolveReference: ({ id }: { id: string }) => ({ id, title: `title ${id}`, pages: 300 }) },
        Film: { __resolveReference: ({ id }: { id: string }) => ({ id, title: `title ${id}`, minutes: 90 }) },
      },
    },
  },
  operations: [
    { promise: 'a provided field asks nobody else', source: '{ products { category { name } } }', answer: { data: { products: [{ category: { name: 'provided c1' } }, { category: { name: 'provided c2' } }] } }, asks: ['shop'] },
    { promise: 'the same field on another path is asked of its owner', source: '{ products { other { name } } }', answer: { data: { products: [{ other: { name: 'one' } }, { other: { name: 'two' } }] } }, asks: ['shop', 'catalogue'] },
    { promise: 'both on one object', source: '{ plain { category { name } other { name size } } }', answer: { data: { plain: [{ category: { name: 'provided c1' }, other: { name: 'one', size: 3 } }] } } },
    { promise: 'provided below an object', source: '{ nested { product { category { name } } } }', answer: { data: { nested: { product: { category: { name: 'provided' } } } } }, asks: ['shop'] },
    { promise: 'provided on an interface', source: '{ media { id title } }', answer: { data: { media: [{ id: 'm1', title: 'provided m1' }, { id: 'm2', title: 'provided m2' }] } } },
    { promise: 'provided on one member of a union only', source: '{ unions { ... on Book { title pages } ... on Film { title minutes } } }', answer: { data: { unions: [{ title: 'provided m1', pages: 300 }, { title: 'title m2', minutes: 90 }] } } },
  ],
} satisfies Case;
