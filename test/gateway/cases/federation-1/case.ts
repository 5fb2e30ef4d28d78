import type { Case } from '../../cases.test.ts';

const byId = (reference: { id: string }) => reference;

export default {
  why: 'subgraphs of federation 1 stand beside those of federation 2',
  subgraphs: {
    old: {
      version: 1,
      sdl: `
        type Query { user: User users: [User] }
        type User @key(fields: "id") { id: ID! name: String profile: Profile }
        type Profile { displayName: String }`,
      resolvers: { Query: { user: () => ({ id: 'u1' }), users: () => [{ id: 'u1' }, { id: 'u2' }] }, User: { __resolveReference: byId, name: ({ id }: { id: string }) => `name ${id}`, profile: ({ id }: { id: string }) => ({ displayName: `display ${id}` }) } },
    },
    extending: {
      version: 1,
      sdl: `
        extend type Query { rated: User }
        extend type User @key(fields: "id") { id: ID! @external name: String @external rid: String @requires(fields: "name") reviews: [Review] }
        type Review { body: String author: User @provides(fields: "name") }`,
      resolvers: {
        Query: { rated: () => ({ id: 'u2' }) },
        User: { __resolveReference: byId, rid: ({ name }: { name: string }) => `rid of ${name}`, reviews: ({ id }: { id: string }) => [{ body: `review of ${id}`, author: { id, name: `provided ${id}` } }] },
      },
    },
    modern: {
      sdl: 'type User @key(fields: "id") { id: ID! age: Int adult: Boolean @requires(fields: "profile { displayName }") profile: Profile @external } type Profile @shareable { displayName: String }',
      resolvers: { User: { __resolveReference: byId, age: () => 30, adult: ({ profile }: { profile: { displayName: string } }) => profile.displayName.startsWith('display') } },
    },
    attached: {
      version: 1,
      sdl: 'type User @extends @key(fields: "id") { id: ID! @external city: String }',
      resolvers: { User: { __resolveReference: byId, city: ({ id }: { id: string }) => `city ${id}` } },
    },
  },
  operations: [
    { promise: 'an extended type is completed', source: '{ users { name reviews { body } city age } }', answer: { data: { users: ['u1', 'u2'].map((id) => ({ name: `name ${id}`, reviews: [{ body: `review of ${id}` }], city: `city ${id}`, age: 30 })) } } },
    { promise: 'a root field of an extension', source: '{ rated { id name city } }', answer: { data: { rated: { id: 'u2', name: 'name u2', city: 'city u2' } } } },
    { promise: 'an external field is required across', source: '{ user { rid } rated { rid } }', answer: { data: { user: { rid: 'rid of name u1' }, rated: { rid: 'rid of name u2' } } } },
    { promise: 'a required object of the old subgraph reaches the new one', source: '{ user { adult } }', answer: { data: { user: { adult: true } } } },
    { promise: 'a provided field is taken where it is provided', source: '{ user { reviews { author { name } } } }', answer: { data: { user: { reviews: [{ author: { name: 'provided u1' } }] } } }, asks: ['old', 'extending'] },
  ],
} satisfies Case;
