import type { Case } from '../../cases.test.ts';

const pets = [{ id: 'p1', kind: 'cat' }, { id: 'p2', kind: 'dog' }];

export default {
  why: 'entities below entities, chains of requirements, shared roots, and what only the gateway asks for',
  subgraphs: {
    people: {
      sdl: `
        type Query @shareable { me: Person people: [Person!]! version: String }
        type Person @key(fields: "id") { id: ID! pet: Pet friend: Person }
        type Pet @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Query: { me: () => ({ id: '1' }), people: () => [{ id: '1' }, { id: '2' }], version: () => 'people' },
        Person: { __resolveReference: ({ id }: { id: string }) => ({ id }), pet: ({ id }: { id: string }) => pets[Number(id) - 1], friend: ({ id }: { id: string }) => ({ id: id === '1' ? '2' : '1' }) },
      },
    },
    animals: {
      sdl: `
        type Query @shareable { animals: [Animal!]! version: String }
        interface Animal @key(fields: "id") { id: ID! name(times: Int = 1): String! }
        type Pet implements Animal @key(fields: "id") { id: ID! name(times: Int = 1): String! size: Int fault: Int }
        type Wild implements Animal @key(fields: "id") { id: ID! name(times: Int = 1): String! }`,
      resolvers: {
        Query: { animals: () => [{ __typename: 'Pet', id: 'p1' }, { __typename: 'Wild', id: 'w1' }, null].filter(Boolean), version: () => 'animals' },
        Animal: { __resolveReference: ({ id }: { id: string }) => ({ __typename: id.startsWith('p') ? 'Pet' : 'Wild', id }) },
        Pet: { __resolveReference: ({ id }: { id: string }) => ({ id, size: id === 'p1' ? 4 : 9 }), name: ({ id }: { id: string }, { times }: { times: number }) => `pet ${id}`.repeat(times), fault: () => { throw new Error('inside'); } },
        Wild: { __resolveReference: ({ id }: { id: string }) => ({ id }), name: ({ id }: { id: string }) => `wild ${id}` },
      },
    },
    clinic: {
      sdl: 'type Pet @key(fields: "id") { id: ID! size: Int @external fault: Int @external dose: Int @requires(fields: "size") sick: Int @requires(fields: "fault") }',
      resolvers: { Pet: { __resolveReference: (reference: object) => reference, dose: ({ size }: { size: number }) => size * 10, sick: () => 1 } },
    },
    bills: {
      sdl: 'type Pet @key(fields: "id") { id: ID! dose: Int @external bill: String @requires(fields: "dose") }',
      resolvers: { Pet: { __resolveReference: (reference: object) => reference, bill: ({ dose }: { dose: number }) => `$${dose}` } },
    },
    zoo: {
      sdl: 'type Animal @key(fields: "id") @interfaceObject { id: ID! keeper: String! } type Query @shareable { star: Animal! }',
      resolvers: { Query: { star: () => ({ id: 'w1' }) }, Animal: { __resolveReference: ({ id }: { id: string }) => ({ id }), keeper: ({ id }: { id: string }) => `keeper of ${id}` } },
    },
  },
  operations: [
    { promise: 'a chain of requirements runs through three subgraphs', source: '{ me { pet { bill } } }', answer: { data: { me: { pet: { bill: '$40' } } } }, asks: ['people', 'animals', 'clinic', 'bills'] },
    { promise: 'one entity at two paths with other arguments at each', source: '{ me { pet { name } friend { friend { pet { name(times: 2) } } } } }', answer: { data: { me: { pet: { name: 'pet p1' }, friend: { friend: { pet: { name: 'pet p1pet p1' } } } } } } },
    { promise: 'entities of entities in lists are asked for in one call', source: '{ people { pet { name } friend { pet { size } } } }', answer: { data: { people: [{ pet: { name: 'pet p1' }, friend: { pet: { size: 9 } } }, { pet: { name: 'pet p2' }, friend: { pet: { size: 4 } } }] } }, asks: ['people', 'animals'] },
    { promise: 'an interface of entities is completed by its interface object', source: '{ animals { name keeper ... on Pet { size } } }', answer: { data: { animals: [{ name: 'pet p1', keeper: 'keeper of p1', size: null }, { name: 'wild w1', keeper: 'keeper of w1' }] } } },
    { promise: 'an interface object leads to the entities of the interface', source: '{ star { keeper name __typename } }', answer: { data: { star: { keeper: 'keeper of w1', name: 'wild w1', __typename: 'Wild' } } } },
    {
      promise: 'an error of a field that only the gateway asked for does not name it', source: '{ me { pet { id sick } } }',
      answer: { data: { me: { pet: { id: 'p1', sick: 1 } } }, errors: [{ message: 'Internal error', path: ['me', 'pet'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
    { promise: 'a root field of several subgraphs is asked of one', source: '{ version }', answer: { data: { version: 'animals' } }, asks: ['animals'] },
  ],
} satisfies Case;
