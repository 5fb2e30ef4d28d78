import { composed, federate, type TestSubgraph } from '../../gateway/federation.ts';

/** The well-known federation of a shop: users, products, their stock, and reviews that lead from each to the other. */

const users = ['Ada', 'Bela', 'Chidi', 'Dana', 'Emre', 'Femi'].map((name, index) => ({ id: `${index + 1}`, name: `${name} Example`, username: name.toLowerCase() }));
const products = ['Table', 'Couch', 'Chair', 'Lamp', 'Shelf', 'Mirror', 'Carpet', 'Stool', 'Desk'].map((name, index) => (
  { upc: `${index + 1}`, name, price: 54 + index * 211, weight: 100 * (index % 4) + 50 }
));
const stock = new Set(['1', '2', '4', '5', '8']);
const sentence = 'It came on time, stands straight, and looks as it does in the picture; each screw is in a bag. ';
const reviews = Array.from({ length: 11 }, (_, index) => ({ id: `${index + 1}`, body: sentence.repeat(1 + index % 4).trim(), userId: `${1 + index % 2}`, upc: `${1 + index % 5}` }));

type Review = (typeof reviews)[number];
const userOf = (reference: { id: string }) => users.find(({ id }) => id === reference.id);
const productOf = (reference: { upc: string }) => products.find(({ upc }) => upc === reference.upc);

export const shop: Record<string, TestSubgraph> = {
  accounts: {
    sdl: 'type Query { me: User user(id: ID!): User users: [User] } type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }',
    resolvers: { Query: { me: () => users[0], user: (_: unknown, reference: { id: string }) => userOf(reference), users: () => users }, User: { __resolveReference: userOf } },
  },
  products: {
    sdl: 'type Query { topProducts(first: Int = 5): [Product] } type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int }',
    resolvers: { Query: { topProducts: (_: unknown, { first }: { first: number }) => products.slice(0, first) }, Product: { __resolveReference: productOf } },
  },
  inventory: {
    sdl: `type Product @key(fields: "upc") { upc: String! weight: Int @external price: Int @external inStock: Boolean shippingEstimate: Int @requires(fields: "price weight") }`,
    resolvers: {
      Product: {
        __resolveReference: (reference: object) => reference, inStock: ({ upc }: { upc: string }) => stock.has(upc),
        shippingEstimate: ({ price, weight }: { price: number; weight: number }) => price > 1_000 ? 0 : Math.round(weight / 2),
      },
    },
  },
  reviews: {
    sdl: `type Query { reviews: [Review] } type Review @key(fields: "id") { id: ID! body: String product: Product author: User @provides(fields: "username") }
      type User @key(fields: "id") { id: ID! username: String @external numberOfReviews: Int reviews: [Review] } type Product @key(fields: "upc") { upc: String! reviews: [Review] }`,
    resolvers: {
      Query: { reviews: () => reviews },
      Review: { product: ({ upc }: Review) => ({ upc }), author: ({ userId }: Review) => userOf({ id: userId }) },
      User: { __resolveReference: ({ id }: { id: string }) => ({ id }), reviews: ({ id }: { id: string }) => reviews.filter(({ userId }) => userId === id) },
      Product: { __resolveReference: ({ upc }: { upc: string }) => ({ upc }), reviews: ({ upc }: { upc: string }) => reviews.filter((review) => review.upc === upc) },
    },
  },
};

/** The deep query: seven calls, an answer of about 87 KB. */
export const deepQuery = `
  fragment User on User { id username name }
  fragment Review on Review { id body }
  fragment Product on Product { inStock name price shippingEstimate upc weight }
  query Deep {
    users {
      ...User
      reviews { ...Review product { ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } } }
    }
    topProducts {
      ...Product
      reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } }
    }
  }`;

/** The supergraph with subgraphs at `${base}/name`. */
export function shopSupergraph(base: string): string {
  return composed(shop, (name) => `${base}/${name}`).supergraphSdl;
}

/** The shop in this process. */
export async function localShop() {
  // Lists of reviews have no end that they tell; the limit is for graphs that do.
  return federate(shop, { traced: false, limits: { cost: Number.POSITIVE_INFINITY } });
}
