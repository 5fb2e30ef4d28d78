import type { Case } from '../../cases.test.ts';

const product = { upc: '1', price: 10, weight: 2, size: { height: 3 } };

export default {
  why: '@requires, @provides, @shareable and @override send fields where they are needed',
  subgraphs: {
    products: {
      sdl: `
        type Query { product: Product products: [Product!]! light: Product }
        type Product @key(fields: "upc") { upc: ID! price: Int weight(unit: String = "kg"): Int size: Size name: String! @shareable stock: Int @override(from: "inventory") }
        type Size @shareable { height: Int! }`,
      resolvers: {
        Query: { product: () => product, products: () => [product, { ...product, upc: '2', price: null }], light: () => ({ upc: '3', size: null }) },
        Product: { __resolveReference: ({ upc }: { upc: string }) => ({ ...product, upc }), name: () => 'thing', stock: () => 7, weight: (_: unknown, { unit }: { unit: string }) => unit === 'g' ? 2_000 : 2 },
      },
    },
    inventory: {
      sdl: `
        type Product @key(fields: "upc") {
          upc: ID! price: Int @external weight(unit: String = "kg"): Int @external size: Size @external stock: Int name: String! @external
          shipping: Int! @requires(fields: "price weight") heavy: Int @requires(fields: "weight(unit: \\"g\\")") box: Int @requires(fields: "size { height }") given: String @requires(fields: "price")
        }
        type Size @shareable { height: Int! }
        type Query { featured: Product @provides(fields: "name") }`,
      resolvers: {
        Query: { featured: () => ({ upc: '9', name: 'provided' }) },
        Product: {
          __resolveReference: (reference: object) => reference,
          shipping: ({ price, weight }: { price: number | null; weight: number }) => (price ?? 100) * weight,
          heavy: ({ weight }: { weight: number }) => weight,
          box: ({ size }: { size: { height: number } | null }) => size ? size.height * 2 : -1,
          given: (reference: object) => JSON.stringify(reference),
          stock: () => { throw new Error('an overridden field was asked for'); },
        },
      },
    },
  },
  operations: [
    { promise: 'required fields are fetched first and do not leave', source: '{ product { shipping } }', answer: { data: { product: { shipping: 20 } } }, asks: ['products', 'inventory'] },
    { promise: 'a required field that is null is sent as null', source: '{ products { upc shipping given } }', answer: { data: { products: [{ upc: '1', shipping: 20, given: '{"__typename":"Product","price":10,"upc":"1","weight":2}' }, { upc: '2', shipping: 200, given: '{"__typename":"Product","price":null,"upc":"2","weight":2}' }] } } },
    { promise: 'a required field with an argument does not disturb the same field of the client', source: '{ product { weight heavy } }', answer: { data: { product: { weight: 2, heavy: 2_000 } } } },
    { promise: 'required objects are sent with what is required of them', source: '{ product { box } light { box } }', answer: { data: { product: { box: 6 }, light: { box: -1 } } } },
    { promise: 'a provided field costs no fetch', source: '{ featured { name upc } }', answer: { data: { featured: { name: 'provided', upc: '9' } } }, asks: ['inventory'] },
    { promise: 'an overridden field comes from its new owner', source: '{ featured { stock } }', answer: { data: { featured: { stock: 7 } } }, asks: ['inventory', 'products'] },
  ],
} satisfies Case;
