import type { Case } from '../../cases.test.ts';

let log: string[] = [];
const note = (text: string): string => {
  log.push(text);
  return text;
};

export default {
  why: 'each mutation is completed before the next begins',
  subgraphs: {
    a: {
      sdl: 'type Query { log: [String!]! } type Mutation { clear: Boolean addA(id: ID!): Thing failA: Thing } type Thing @key(fields: "id") { id: ID! }',
      resolvers: {
        Query: { log: () => log },
        Mutation: {
          clear: () => { log = []; return true; },
          addA: (_: unknown, { id }: { id: string }) => (note(`a ${id}`), { id }),
          failA: () => { throw new Error('no'); },
        },
      },
    },
    b: {
      sdl: 'type Mutation { addB(id: ID!): Thing } type Thing @key(fields: "id") { id: ID! name: String }',
      resolvers: {
        Mutation: { addB: async (_: unknown, { id }: { id: string }) => (await Promise.resolve(), note(`b ${id}`), { id }) },
        Thing: { __resolveReference: ({ id }: { id: string }) => ({ id }), name: ({ id }: { id: string }) => note(`name of ${id}`) },
      },
    },
  },
  operations: [
    {
      promise: 'entities of one mutation are fetched before the next is sent',
      source: 'mutation { clear one: addA(id: "1") { name } two: addB(id: "2") { id } three: addA(id: "3") { name } }',
      answer: { data: { clear: true, one: { name: 'name of 1' }, two: { id: '2' }, three: { name: 'name of 3' } } },
    },
    { promise: 'the order of effects was the order of the fields', source: '{ log }', answer: { data: { log: ['a 1', 'name of 1', 'b 2', 'a 3', 'name of 3'] } } },
    {
      promise: 'a mutation that fails leaves the others alone', source: 'mutation { failA { id } addB(id: "4") { id } }',
      answer: { data: { failA: null, addB: { id: '4' } }, errors: [{ message: 'Internal error', path: ['failA'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
    },
  ],
} satisfies Case;
