import type { Case } from '../../cases.test.ts';

const nodes = [{ __typename: 'User', id: 'u1', name: 'u1', age: 11 }, { __typename: 'Bot', id: 'b1', name: 'b1', version: 2 }];
const find = ({ id }: { id: string }) => nodes.find((node) => node.id === id);

export default {
  why: 'an interface that other subgraphs know as one object type',
  subgraphs: {
    main: {
      sdl: `
        type Query { nodes: [Node!]! node(id: ID!): Node }
        interface Node @key(fields: "id") { id: ID! name: String! }
        type User implements Node @key(fields: "id") { id: ID! name: String! age: Int }
        type Bot implements Node @key(fields: "id") { id: ID! name: String! version: Int }`,
      resolvers: { Query: { nodes: () => nodes, node: (_: unknown, reference: { id: string }) => find(reference) }, Node: { __resolveReference: find }, User: { __resolveReference: find }, Bot: { __resolveReference: find } },
    },
    names: {
      sdl: 'type Query { anyone: Node everyone: [Node!]! } type Node @key(fields: "id") @interfaceObject { id: ID! username: String friends: [Node!]! }',
      resolvers: {
        Query: { anyone: () => ({ id: 'u1' }), everyone: () => [{ id: 'b1' }, { id: 'u1' }] },
        Node: { __resolveReference: ({ id }: { id: string }) => ({ id }), username: ({ id }: { id: string }) => `@${id}`, friends: ({ id }: { id: string }) => [{ id: id === 'u1' ? 'b1' : 'u1' }] },
      },
    },
    owned: {
      sdl: 'type Query { owners: [Owner!]! } type Owner @key(fields: "id") { id: ID! node: Node } type Node @key(fields: "id", resolvable: false) @interfaceObject { id: ID! }',
      resolvers: { Query: { owners: () => [{ id: 'o1', node: { id: 'u1' } }, { id: 'o2', node: { id: 'b1' } }, { id: 'o3', node: null }] } },
    },
  },
  operations: [
    { promise: 'its field on every type', source: '{ nodes { username } }', answer: { data: { nodes: [{ username: '@u1' }, { username: '@b1' }] } } },
    { promise: 'its field on one type', source: '{ nodes { id ... on User { username age } } }', answer: { data: { nodes: [{ id: 'u1', username: '@u1', age: 11 }, { id: 'b1' }] } } },
    { promise: 'the interface\'s own fields from the object', source: '{ anyone { name username } }', answer: { data: { anyone: { name: 'u1', username: '@u1' } } } },
    { promise: 'the concrete type of an object', source: '{ everyone { __typename id } }', answer: { data: { everyone: [{ __typename: 'Bot', id: 'b1' }, { __typename: 'User', id: 'u1' }] } } },
    { promise: 'fragments on concrete types of an object', source: '{ everyone { ... on User { age } ... on Bot { version username } } }', answer: { data: { everyone: [{ version: 2, username: '@b1' }, { age: 11 }] } } },
    { promise: 'objects below objects', source: '{ anyone { friends { name friends { username ... on User { age } } } } }', answer: { data: { anyone: { friends: [{ name: 'b1', friends: [{ username: '@u1', age: 11 }] }] } } } },
    { promise: 'a reference that cannot be resolved where it stands', source: '{ owners { id node { id name username } } }', answer: { data: { owners: [{ id: 'o1', node: { id: 'u1', name: 'u1', username: '@u1' } }, { id: 'o2', node: { id: 'b1', name: 'b1', username: '@b1' } }, { id: 'o3', node: null }] } } },
    { promise: 'nothing but the key asks nobody else', source: '{ owners { node { id } } }', answer: { data: { owners: [{ node: { id: 'u1' } }, { node: { id: 'b1' } }, { node: null }] } }, asks: ['owned'] },
    { promise: 'one that does not exist is null', source: '{ node(id: "x") { username } }', answer: { data: { node: null } } },
  ],
} satisfies Case;
