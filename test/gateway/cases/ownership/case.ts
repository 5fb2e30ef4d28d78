import type { Case } from '../../cases.test.ts';

const byId = ({ id }: { id: string }) => ({ id });
const products = [{ id: 'p1' }, { id: 'p2' }];

export default {
  why: 'a field is asked of its owner: overridden, shared, or of several who share it',
  subgraphs: {
    old: {
      sdl: `
        type Query { feed: [Post!]! product: Product! @shareable products: [Product!]! @shareable }
        type Post @key(fields: "id") { id: ID! createdAt: String! title: String! inOld: String! }
        type Product @key(fields: "id") { id: ID! name: String! @shareable oldPrice: Int }`,
      resolvers: {
        Query: { feed: () => [{ id: '1' }, { id: '2' }], product: () => ({ id: 'p1' }), products: () => products },
        Post: { __resolveReference: byId, createdAt: () => { throw new Error('it was moved'); }, title: ({ id }: { id: string }) => `old title ${id}`, inOld: () => 'old' },
        Product: { __resolveReference: byId, name: ({ id }: { id: string }) => `name of ${id}`, oldPrice: () => 1 },
      },
    },
    new: {
      sdl: `
        type Query { latest: Post! product: Product! @shareable products: [Product!]! @shareable }
        type Post @key(fields: "id") { id: ID! createdAt: String! @override(from: "old") inNew(of: String! = "x"): String! score: Int! @requires(fields: "title") title: String! @external }
        type Product @key(fields: "id") { id: ID! name: String! @shareable newPrice: Int }`,
      resolvers: {
        Query: { latest: () => ({ id: '9' }), product: () => ({ id: 'p1' }), products: () => products },
        Post: { __resolveReference: (reference: object) => reference, createdAt: ({ id }: { id: string }) => `moved ${id}`, inNew: (_: unknown, { of }: { of: string }) => `new ${of}`, score: ({ title }: { title: string }) => title.length },
        Product: { __resolveReference: byId, name: ({ id }: { id: string }) => `name of ${id}`, newPrice: () => 2 },
      },
    },
    third: {
      sdl: 'type Product @key(fields: "id") { id: ID! category: Category @shareable } type Category @shareable { id: ID! label: String! parent: Category }',
      resolvers: { Product: { __resolveReference: byId, category: ({ id }: { id: string }) => ({ id: `c of ${id}`, label: 'l', parent: { id: 'root', label: 'r', parent: null } }) } },
    },
    fourth: {
      sdl: 'type Product @key(fields: "id") { id: ID! category: Category @shareable } type Category @shareable { id: ID! label: String! }',
      resolvers: { Product: { __resolveReference: byId, category: ({ id }: { id: string }) => ({ id: `c of ${id}`, label: 'l' }) } },
    },
  },
  operations: [
    { promise: 'an overridden field comes from its new owner', source: '{ feed { id createdAt } }', answer: { data: { feed: [{ id: '1', createdAt: 'moved 1' }, { id: '2', createdAt: 'moved 2' }] } }, asks: ['old', 'new'] },
    { promise: 'an overridden field is at hand where it now lives', source: '{ latest { createdAt } }', answer: { data: { latest: { createdAt: 'moved 9' } } }, asks: ['new'] },
    { promise: 'a moved field and one that stayed come together', source: '{ latest { createdAt inOld inNew } }', answer: { data: { latest: { createdAt: 'moved 9', inOld: 'old', inNew: 'new x' } } }, asks: ['new', 'old'] },
    { promise: 'a requirement is met from the other owner and back', source: '{ latest { score } feed { score } }', answer: { data: { latest: { score: 11 }, feed: [{ score: 11 }, { score: 11 }] } } },
    { promise: 'shared fields are asked for where the rest is', source: '{ product { id name oldPrice } }', answer: { data: { product: { id: 'p1', name: 'name of p1', oldPrice: 1 } } }, asks: ['old'] },
    { promise: 'a shared root leads to all owners of its parts', source: '{ products { name oldPrice newPrice category { label } } }', answer: { data: { products: [{ name: 'name of p1', oldPrice: 1, newPrice: 2, category: { label: 'l' } }, { name: 'name of p2', oldPrice: 1, newPrice: 2, category: { label: 'l' } }] } } },
    { promise: 'a value type that one subgraph knows better is asked of that one', source: '{ product { category { label parent { id parent { id } } } } }', answer: { data: { product: { category: { label: 'l', parent: { id: 'root', parent: null } } } } } },
    { promise: 'one root field twice under two names', source: '{ a: product { newPrice } b: product { oldPrice } }', answer: { data: { a: { newPrice: 2 }, b: { oldPrice: 1 } } } },
  ],
} satisfies Case;
