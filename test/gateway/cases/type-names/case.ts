import type { Case } from '../../cases.test.ts';

const contents = [{ __typename: 'Cup', id: 't1', label: 'cup' }, { __typename: 'Lamp', id: 't2', label: 'lamp' }];
const stored = contents.map(({ __typename, id, label }) => ({ __typename, id, label: `stored ${label}`, size: 3, watts: 40 }));
const byId = ({ id }: { id: string }) => stored.find((one) => one.id === id);

export default {
  why: 'what type an object is of costs no fetch where the object comes from',
  subgraphs: {
    counter: {
      sdl: `
        type Query { parcels: [Parcel!]! @provides(fields: "contents { label }") things: [Thing!]! sender: Sender }
        type Parcel @key(fields: "id") { id: ID! contents: [Thing!]! @external }
        interface Thing { label: String }
        type Cup implements Thing @key(fields: "id") { id: ID! label: String @external }
        type Lamp implements Thing @key(fields: "id") { id: ID! label: String @external }
        union Sender = Firm | Person type Firm { vat: Int } type Person { name: String }`,
      resolvers: {
        Query: { parcels: () => [{ id: 'p1', contents }], things: () => contents.map(({ __typename, id }) => ({ __typename, id })), sender: () => ({ __typename: 'Firm', vat: 7 }) },
        Cup: { __resolveReference: (reference: object) => reference }, Lamp: { __resolveReference: (reference: object) => reference },
      },
    },
    stock: {
      sdl: `
        type Parcel @key(fields: "id") { id: ID! contents: [Thing!]! @shareable }
        interface Thing { label: String }
        type Cup implements Thing @key(fields: "id") { id: ID! label: String @shareable size: Int }
        type Lamp implements Thing @key(fields: "id") { id: ID! label: String @shareable watts: Int }`,
      resolvers: { Parcel: { __resolveReference: ({ id }: { id: string }) => ({ id, contents: stored }) }, Cup: { __resolveReference: byId }, Lamp: { __resolveReference: byId } },
    },
  },
  operations: [
    { promise: 'of what is provided', source: '{ parcels { contents { label __typename } } }', answer: { data: { parcels: [{ contents: [{ label: 'cup', __typename: 'Cup' }, { label: 'lamp', __typename: 'Lamp' }] }] } }, asks: ['counter'] },
    { promise: 'under another name, and in fragments', source: '{ parcels { contents { kind: __typename ...Named } } } fragment Named on Thing { __typename label ... on Lamp { of: __typename } }', answer: { data: { parcels: [{ contents: [{ kind: 'Cup', __typename: 'Cup', label: 'cup' }, { kind: 'Lamp', __typename: 'Lamp', label: 'lamp', of: 'Lamp' }] }] } }, asks: ['counter'] },
    { promise: 'alone', source: '{ things { __typename } sender { __typename } parcels { __typename } }', answer: { data: { things: [{ __typename: 'Cup' }, { __typename: 'Lamp' }], sender: { __typename: 'Firm' }, parcels: [{ __typename: 'Parcel' }] } }, asks: ['counter'] },
    { promise: 'beside fields of one type only', source: '{ things { __typename ... on Lamp { watts } } sender { __typename ... on Person { name } } }', answer: { data: { things: [{ __typename: 'Cup' }, { __typename: 'Lamp', watts: 40 }], sender: { __typename: 'Firm' } } }, asks: ['counter', 'stock'] },
    { promise: 'where fragments tell types apart and the client does not ask', source: '{ parcels { contents { label ... on Lamp { watts } } } }', answer: { data: { parcels: [{ contents: [{ label: 'cup' }, { label: 'lamp', watts: 40 }] }] } } },
  ],
} satisfies Case;
