import type { Case } from '../../cases.test.ts';

type Parcel = { id: string; weight?: number; label?: string };
const weight = (_: unknown, { unit }: { unit: string }) => unit === 'g' ? 2_000 : 2;

export default {
  why: 'what the client calls a field does not reach keys and requirements',
  subgraphs: {
    desk: {
      sdl: `
        type Query { parcel: Parcel parcels: [Parcel!]! }
        type Parcel @key(fields: "id") @key(fields: "code { at number }") { id: ID! code: Code! label: String weight(unit: String! = "kg"): Int @shareable note: String }
        type Code { at: String! number: Int! }`,
      resolvers: {
        Query: { parcel: () => ({ id: 'p1' }), parcels: () => [{ id: 'p1' }, { id: 'p2' }] },
        Parcel: { __resolveReference: (reference: object) => reference, code: ({ id }: Parcel) => ({ at: `at ${id}`, number: 1 }), label: ({ id }: Parcel) => `label ${id}`, note: ({ id }: Parcel) => `note ${id}`, weight },
      },
    },
    fees: {
      sdl: `
        type Parcel @key(fields: "id") { id: ID! label: String @external weight(unit: String! = "kg"): Int @external sum: Int sticker: String @requires(fields: "label") postage: String @requires(fields: "weight(unit: \\"g\\")") }`,
      resolvers: { Parcel: { __resolveReference: (reference: object) => reference, sum: () => 9, sticker: ({ id, label }: Parcel) => `${id}: ${label}`, postage: ({ id, weight: grams }: Parcel) => `${id}: ${grams} g` } },
    },
    depot: {
      sdl: 'type Parcel @key(fields: "code { at number }") { code: Code! @shareable shelf: String weight(unit: String! = "kg"): Int @shareable } type Code @shareable { at: String! number: Int! }',
      resolvers: { Parcel: { __resolveReference: (reference: object) => reference, shelf: ({ code: { at, number } }: { code: { at: string; number: number } }) => `${at}/${number}`, weight } },
    },
    scale: { sdl: 'type Parcel @key(fields: "id") { id: ID! weight(unit: String! = "kg"): Int @shareable seal: Int }', resolvers: { Parcel: { __resolveReference: (reference: object) => reference, weight, seal: () => 4 } } },
  },
  operations: [
    { promise: 'another field under a key\'s name, from where the object comes from', source: '{ parcel { id: note sum sticker } }', answer: { data: { parcel: { id: 'note p1', sum: 9, sticker: 'p1: label p1' } } } },
    { promise: 'another field under a key\'s name, from elsewhere', source: '{ parcels { id: shelf sticker } }', answer: { data: { parcels: [{ id: 'at p1/1', sticker: 'p1: label p1' }, { id: 'at p2/1', sticker: 'p2: label p2' }] } } },
    { promise: 'names inside a key, and the key\'s own', source: '{ parcel { code { at: number number: at } shelf } } ', answer: { data: { parcel: { code: { at: 1, number: 'at p1' }, shelf: 'at p1/1' } } } },
    { promise: 'names that are exchanged', source: '{ parcel { label: id id: label sticker shelf } }', answer: { data: { parcel: { label: 'p1', id: 'label p1', sticker: 'p1: label p1', shelf: 'at p1/1' } } } },
    { promise: 'a required field with other arguments, in several subgraphs', source: '{ parcel { weight postage seal } }', answer: { data: { parcel: { weight: 2, postage: 'p1: 2000 g', seal: 4 } } } },
    { promise: 'a required field with arguments under its own name and another', source: '{ parcel { weight(unit: "kg") label: weight(unit: "g") postage sticker } }', answer: { data: { parcel: { weight: 2, label: 2_000, postage: 'p1: 2000 g', sticker: 'p1: label p1' } } } },
    { promise: 'names that are given to the renamed', source: '{ parcel { id: note id_2: label label_2: id label: sum sticker } }', answer: { data: { parcel: { id: 'note p1', id_2: 'label p1', label_2: 'p1', label: 9, sticker: 'p1: label p1' } } } },
  ],
} satisfies Case;
