import type { Case } from '../../cases.test.ts';

type Part = { id: string };
const byReference = (reference: object) => reference;

export default {
  why: 'requirements with arguments, inside objects and lists, on interfaces, and in a circle',
  subgraphs: {
    base: {
      sdl: `
        type Query { product: Product items: [Product!]! vehicle: Vehicle }
        type Product @key(fields: "id") { id: ID! price(currency: Currency!): Int dimensions: Dimensions sizes: [Size!]! owner: Owner! weight: Int }
        enum Currency { EUR USD } type Dimensions { width: Int height: Int unit: Unit } type Unit { name: String } type Size { label: String! cm: Int! }
        interface Owner { name: String! } type Person implements Owner { name: String! email: String } type Company implements Owner { name: String! vat: String }
        type Vehicle @key(fields: "id") { id: ID! a: Int }`,
      resolvers: {
        Query: { product: () => ({ id: '1' }), items: () => [{ id: '1' }, { id: '2' }], vehicle: () => ({ id: 'v' }) },
        Product: {
          __resolveReference: byReference, price: (_: unknown, { currency }: { currency: string }) => currency === 'EUR' ? 10 : 12, dimensions: ({ id }: Part) => id === '2' ? null : { width: 2, height: 3, unit: { name: 'cm' } },
          sizes: () => [{ label: 's', cm: 10 }, { label: 'm', cm: 20 }], owner: ({ id }: Part) => id === '1' ? { __typename: 'Person', name: 'Ann', email: 'a@x' } : { __typename: 'Company', name: 'Acme', vat: '7' }, weight: () => 5,
        },
        Vehicle: { __resolveReference: byReference, a: () => 1 },
      },
    },
    computed: {
      sdl: `
        type Product @key(fields: "id") { id: ID! price(currency: Currency!): Int @external dimensions: Dimensions @external sizes: [Size!]! @external owner: Owner! @external weight: Int @external
          inEuro: String @requires(fields: "price(currency: EUR)") inDollar: String @requires(fields: "price(currency: USD)")
          area: Int @requires(fields: "dimensions { width height unit { name } }") total: Int @requires(fields: "sizes { cm }") ownedBy: String @requires(fields: "owner { name ... on Person { email } ... on Company { vat } }")
          shipping: Int @requires(fields: "weight") }
        enum Currency { EUR USD } type Dimensions { width: Int @external height: Int @external unit: Unit @external } type Unit { name: String @external } type Size { cm: Int! @external }
        interface Owner { name: String! } type Person implements Owner { name: String! @external email: String @external } type Company implements Owner { name: String! @external vat: String @external }
        type Vehicle @key(fields: "id") { id: ID! a: Int @external c: Int @external b: Int @requires(fields: "a") d: Int @requires(fields: "c") }`,
      resolvers: {
        Product: {
          __resolveReference: byReference, inEuro: ({ price }: { price: number }) => `EUR ${price}`, inDollar: ({ price }: { price: number }) => `USD ${price}`,
          area: ({ dimensions }: { dimensions: { width: number; height: number } | null }) => dimensions && dimensions.width * dimensions.height, total: ({ sizes }: { sizes: { cm: number }[] }) => sizes.reduce((sum, { cm }) => sum + cm, 0),
          ownedBy: ({ owner }: { owner: { name: string; email?: string; vat?: string } }) => `${owner.name} ${owner.email ?? owner.vat}`, shipping: ({ weight }: { weight: number }) => weight * 2,
        },
        Vehicle: { __resolveReference: byReference, b: ({ a }: { a: number }) => a * 10, d: ({ c }: { c: number }) => c + 1 },
      },
    },
    further: {
      sdl: 'type Vehicle @key(fields: "id") { id: ID! b: Int @external c: Int @requires(fields: "b") }',
      resolvers: { Vehicle: { __resolveReference: byReference, c: ({ b }: { b: number }) => b * 10 } },
    },
  },
  operations: [
    { promise: 'a required field with an argument', source: '{ product { inEuro } }', answer: { data: { product: { inEuro: 'EUR 10' } } } },
    { promise: 'the same field required with two arguments', source: '{ product { inEuro inDollar } }', answer: { data: { product: { inEuro: 'EUR 10', inDollar: 'USD 12' } } } },
    { promise: 'the client asks for the required field with another argument', source: '{ product { price(currency: USD) inEuro } }', answer: { data: { product: { price: 12, inEuro: 'EUR 10' } } } },
    { promise: 'a client\'s alias of the required field\'s name changes nothing', source: '{ product { weight: id shipping } }', answer: { data: { product: { weight: '1', shipping: 10 } } } },
    { promise: 'objects inside objects, null where there is none', source: '{ items { area } }', answer: { data: { items: [{ area: 6 }, { area: null }] } } },
    { promise: 'lists of objects', source: '{ product { total sizes { label } } }', answer: { data: { product: { total: 30, sizes: [{ label: 's' }, { label: 'm' }] } } } },
    { promise: 'fragments on the types of an interface', source: '{ items { ownedBy owner { name } } }', answer: { data: { items: [{ ownedBy: 'Ann a@x', owner: { name: 'Ann' } }, { ownedBy: 'Acme 7', owner: { name: 'Acme' } }] } } },
    { promise: 'a chain that goes back and forth', source: '{ vehicle { d } }', answer: { data: { vehicle: { d: 101 } } }, asks: ['base', 'computed', 'computed', 'further'] },
    { promise: 'every link of the chain at once', source: '{ vehicle { a b c d } }', answer: { data: { vehicle: { a: 1, b: 10, c: 100, d: 101 } } } },
  ],
} satisfies Case;
