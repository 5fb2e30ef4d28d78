import type { Case } from '../../cases.test.ts';

type Person = { id: string; name?: string; born?: number; home?: { city: string } };
const byReference = (reference: object) => reference;
const below = (id: string, of: string): Person => ({ id: `${of}${id}` });

export default {
  why: 'requirements of an entity below an entity of the same type that one subgraph leads to',
  subgraphs: {
    register: {
      version: 1,
      sdl: 'type Query { person: Person people: [Person!]! } type Person @key(fields: "id") { id: ID! name: String born(calendar: String): Int home: Home } type Home { city: String! }',
      resolvers: {
        Query: { person: () => ({ id: '1' }), people: () => [{ id: '1' }, { id: '2' }] },
        Person: { __resolveReference: byReference, name: ({ id }: Person) => `name ${id}`, born: (_: unknown, { calendar }: { calendar?: string }) => calendar ? 5_731 : 1_970, home: ({ id }: Person) => ({ city: `city ${id}` }) },
      },
    },
    club: {
      version: 1,
      sdl: `
        extend type Query { host: Person }
        extend type Person @key(fields: "id") {
          id: ID! @external name: String @external born(calendar: String): Int @external home: Home @external
          rank: Int partner: Person friends: [Person] party: Party named: Named
          greeting: String @requires(fields: "name") age: Int @requires(fields: "born(calendar: \\"other\\")") address: Address @requires(fields: "home { city }") nearest: Person @requires(fields: "home { city }") }
        extend type Home { city: String! @external } type Party { guests: [Person!]! } type Address { line: String tenant: Person } union Named = Party | Person`,
      resolvers: {
        Query: { host: () => ({ id: 'h' }) },
        Person: {
          __resolveReference: byReference, rank: () => 3, partner: ({ id }: Person) => below(id, 'p'), friends: ({ id }: Person) => [below(id, 'f'), below(id, 'g'), null], party: ({ id }: Person) => ({ guests: [below(id, 'a')] }),
          named: ({ id }: Person) => ({ __typename: 'Person', ...below(id, 'n') }), greeting: ({ name }: Person) => `Hello ${name}`, age: ({ born }: Person) => 6_000 - (born ?? 0),
          address: ({ id, home }: Person) => ({ line: home?.city, tenant: { id } }), nearest: ({ home }: Person) => ({ id: `of ${home?.city}` }),
        },
      },
    },
  },
  operations: [
    { promise: 'below an object', source: '{ person { partner { greeting } } }', answer: { data: { person: { partner: { greeting: 'Hello name p1' } } } }, asks: ['register', 'club', 'register', 'club'] },
    { promise: 'in lists, with nulls', source: '{ people { friends { greeting rank name } } }', answer: { data: { people: ['1', '2'].map((id) => ({ friends: [...['f', 'g'].map((of) => ({ greeting: `Hello name ${of}${id}`, rank: 3, name: `name ${of}${id}` })), null] })) } } },
    { promise: 'at every level', source: '{ person { greeting partner { greeting partner { greeting rank } } } }', answer: { data: { person: { greeting: 'Hello name 1', partner: { greeting: 'Hello name p1', partner: { greeting: 'Hello name pp1', rank: 3 } } } } } },
    { promise: 'behind an object of no subgraph but one', source: '{ person { party { guests { greeting } } } }', answer: { data: { person: { party: { guests: [{ greeting: 'Hello name a1' }] } } } } },
    { promise: 'behind a union', source: '{ person { named { __typename ... on Person { greeting } } } }', answer: { data: { person: { named: { __typename: 'Person', greeting: 'Hello name n1' } } } } },
    { promise: 'with arguments, beside the same field without', source: '{ person { born partner { born age } } }', answer: { data: { person: { born: 1_970, partner: { born: 1_970, age: 269 } } } } },
    { promise: 'of objects, which lead to objects', source: '{ person { partner { address { line tenant { rank name } } } } }', answer: { data: { person: { partner: { address: { line: 'city p1', tenant: { rank: 3, name: 'name p1' } } } } } } },
    { promise: 'of an entity that a requirement led to', source: '{ person { partner { nearest { id rank name } } } }', answer: { data: { person: { partner: { nearest: { id: 'of city p1', rank: 3, name: 'name of city p1' } } } } } },
    { promise: 'below what a requirement led to', source: '{ person { nearest { greeting } address { tenant { age partner { nearest { greeting } } } } } host { nearest { address { line } } } }', answer: { data: { person: { nearest: { greeting: 'Hello name of city 1' }, address: { tenant: { age: 269, partner: { nearest: { greeting: 'Hello name of city p1' } } } } }, host: { nearest: { address: { line: 'city of city h' } } } } } },
    { promise: 'at the top as well', source: '{ host { greeting partner { greeting } } }', answer: { data: { host: { greeting: 'Hello name h', partner: { greeting: 'Hello name ph' } } } } },
    { promise: 'of two people in one operation', source: '{ a: person { partner { greeting } } b: host { friends { age } } }', answer: { data: { a: { partner: { greeting: 'Hello name p1' } }, b: { friends: [{ age: 269 }, { age: 269 }, null] } } } },
  ],
} satisfies Case;
