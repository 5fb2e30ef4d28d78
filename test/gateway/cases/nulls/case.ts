import { GraphQLError } from 'graphql';
import type { Case } from '../../cases.test.ts';

const internal = (path: (string | number)[], message = 'Internal error') => ({ message, path, extensions: { code: 'INTERNAL', requestId: 'request-1' } });
const refused = (path: (string | number)[]) => ({ message: 'not yours', path, extensions: { code: 'NOT_FOUND', existingId: 'x' } });

export default {
  why: 'nulls rise to the nearest nullable place, with the error where it happened',
  subgraphs: {
    shop: {
      sdl: `
        type Query { item: Item items: [Item] sure: [Item!]! hidden: Color colors: [Color!] broken: Item refused: Item root: Item! twice: [Item!]! }
        type Item @key(fields: "id") { id: ID! own: String! }
        enum Color { RED SECRET @inaccessible }`,
      resolvers: {
        Query: {
          item: () => ({ id: 'bad', own: 'o' }), items: () => ['ok', 'bad', 'none', 'ok'].map((id) => ({ id, own: id })), sure: () => [{ id: 'ok', own: 'o' }, { id: 'bad', own: 'o' }],
          hidden: () => 'SECRET', colors: () => ['RED', 'SECRET'], broken: () => ({ id: 'ok', own: null }),
          refused: () => { throw new GraphQLError('not yours', { extensions: { code: 'NOT_FOUND', existingId: 'x', stacktrace: ['secret'] } }); },
          root: () => { throw new Error('the table "rows" has no column "x"'); }, twice: () => [{ id: 'refuse' }, { id: 'refuse' }],
        },
      },
    },
    names: {
      sdl: 'type Item @key(fields: "id") { id: ID! name: String! nick: String deep: Deep } type Deep { list: [Leaf!]! } type Leaf { value: Int! }',
      resolvers: {
        Item: {
          __resolveReference: ({ id }: { id: string }) => id === 'none' ? null : { id },
          name: ({ id }: { id: string }) => {
            if (id === 'bad') throw new Error('connection to 10.0.0.1 lost');
            return `name of ${id}`;
          },
          nick: ({ id }: { id: string }) => {
            if (id === 'refuse') throw new GraphQLError('not yours', { extensions: { code: 'NOT_FOUND', existingId: 'x' } });
            return null;
          },
          deep: ({ id }: { id: string }) => ({ list: [{ value: 1 }, { value: id === 'ok' ? 2 : null }] }),
        },
      },
    },
  },
  operations: [
    { promise: 'a nullable field takes the null of what is below it', source: '{ item { id name } }', answer: { data: { item: null }, errors: [internal(['item', 'name'])] } },
    {
      promise: 'in a list only the item is lost, also one that does not exist', source: '{ items { id name } }',
      answer: {
        data: { items: [{ id: 'ok', name: 'name of ok' }, null, null, { id: 'ok', name: 'name of ok' }] },
        errors: [internal(['items', 1, 'name']), internal(['items', 2, 'name'], 'Cannot return null for non-nullable field Item.name.')],
      },
    },
    { promise: 'without a nullable place the whole answer is null', source: '{ sure { name } }', answer: { data: null, errors: [internal(['sure', 1, 'name'])] } },
    { promise: 'an error below objects of an entity keeps its whole path', source: '{ items { deep { list { value } } } }', answer: {
      data: { items: [{ deep: { list: [{ value: 1 }, { value: 2 }] } }, { deep: null }, { deep: null }, { deep: { list: [{ value: 1 }, { value: 2 }] } }] },
      errors: [internal(['items', 1, 'deep', 'list', 1, 'value'])],
    } },
    { promise: 'an inaccessible enum value is null with an error that does not name it', source: '{ hidden }', answer: { data: { hidden: null }, errors: [internal(['hidden'], 'Query.hidden has a value that is not in the schema.')] } },
    { promise: 'an inaccessible enum value in a list of non-null takes the list', source: '{ colors }', answer: { data: { colors: null }, errors: [internal(['colors', 1], 'Query.colors has a value that is not in the schema.')] } },
    { promise: 'a subgraph whose own non-null field is null is a fault', source: '{ broken { own } }', answer: { data: { broken: null }, errors: [internal(['broken', 'own'])] } },
    { promise: 'a refusal keeps its sentence, code and details and nothing else', source: '{ refused { id } item { id } }', answer: { data: { refused: null, item: { id: 'bad' } }, errors: [refused(['refused'])] } },
    { promise: 'an error of an entity stands at every place of that entity', source: '{ twice { nick } }', answer: { data: { twice: [{ nick: null }, { nick: null }] }, errors: [refused(['twice', 0, 'nick']), refused(['twice', 1, 'nick'])] } },
    { promise: 'a fault tells nothing of the subgraph', source: '{ r: root { id } }', answer: { data: null, errors: [internal(['r'])] } },
  ],
} satisfies Case;
