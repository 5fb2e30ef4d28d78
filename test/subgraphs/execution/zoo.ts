import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema, isObjectType } from 'graphql';

/** Numbers that look random and are the same in every run. */
export function dice(seed: number): (sides: number) => number {
  let state = seed * 2_654_435_761 % 4_294_967_296 || 1;
  return (sides) => {
    state = (state ^ state << 13) >>> 0;
    state = (state ^ state >>> 17) >>> 0;
    state = (state ^ state << 5) >>> 0;
    return state % sides;
  };
}

/** A schema with every kind of type, whose values are as a resolver may give them: right, missing, wrong, late, thrown. */
const sdl = `
  scalar Odd
  enum Mood { CALM WILD }
  input Food { name: String! grams: Int = 10 also: [Food!] }
  interface Being { id: ID! name: String }
  union Found = Cat | Dog | Stone
  type Cat implements Being { id: ID! name: String mood: Mood lives: Int! friend: Being friends: [Being!] near: [[Found]] odd: Odd eats(food: Food, times: Int = 2, moods: [Mood!]): String }
  type Dog implements Being { id: ID! name: String mood: Mood! barks: Boolean weight: Float owner: Cat! friends: [Being]! tags: [String!]! }
  type Stone { id: ID! weight: Float grains: [Int] }
  type Query { cat: Cat cats(first: Int): [Cat!]! dog: Dog! dogs: [Dog] being: Being beings: [Being!] found: [Found!]! mood: Mood moods: [[Mood!]] odd: Odd echo(food: Food!): String }
  type Mutation { first: Cat second: Dog! third: [Found] }`;

const right: Record<string, (roll: (sides: number) => number) => unknown> = {
  ID: (roll) => [`id${roll(9)}`, roll(9)][roll(2)], String: (roll) => ['text', 7, true, ''][roll(4)], Int: (roll) => [roll(99), 3.0, '12', true][roll(4)], Float: (roll) => [0.5, 2, '1.5'][roll(3)],
  Boolean: (roll) => roll(2) === 1, Mood: (roll) => ['CALM', 'WILD'][roll(2)], Odd: () => 'odd', Cat: (roll) => ({ id: roll(5), name: 'Cat', lives: 9 }), Dog: (roll) => ({ id: roll(5), barks: true, weight: 3 }),
  Being: (roll) => ({ __typename: ['Cat', 'Dog'][roll(2)], id: 1 }), Found: (roll) => ({ __typename: ['Cat', 'Dog', 'Stone'][roll(3)], id: 2, weight: 1 }),
};
const wrong: Record<string, readonly unknown[]> = {
  ID: [{}, 1.5], String: [{}, []], Int: [1.5, 'many', 2 ** 40], Float: ['heavy', {}], Boolean: ['yes', []], Mood: ['LOUD', 4], Odd: ['even'], Being: [{ __typename: 'Stone' }, { __typename: 'Nobody' }, { __typename: 'Found' }, {}], Found: [{ __typename: 'Mood' }, 5],
};

/** How often a value is not plainly right, in 100. */
export type Weather = { late: number; wrong: number; missing: number; thrown: number };

/** Each value is decided by its place in the answer alone, so that whoever executes gets the same. */
export function zoo(seed: number, weather: Weather): GraphQLSchema {
  const fieldValue = (typeText: string, roll: (sides: number) => number): unknown => {
    const isNonNull = typeText.endsWith('!');
    const type = isNonNull ? typeText.slice(0, -1) : typeText;
    if (roll(100) < weather.thrown) return [() => { throw new Error('thrown'); }, () => { throw new GraphQLError('told', { extensions: { code: 'TOLD' } }); }, new Error('given'), () => Promise.reject(new Error('rejected'))][roll(weather.late > 0 ? 4 : 3)];
    if (roll(100) < weather.missing) return [null, undefined][roll(2)];
    const value = type.startsWith('[') ? listOf(type.slice(1, -1), roll) : valueOf(type, roll);
    return roll(100) < weather.late ? [Promise.resolve(value), new Promise((resolve) => void setImmediate(resolve, value)), async () => value][roll(3)] : roll(20) === 0 ? () => value : value;
  };
  const listOf = (item: string, roll: (sides: number) => number): unknown => {
    if (roll(100) < weather.wrong) return ['no list', 4, {}][roll(3)];
    const items = Array.from({ length: roll(4) }, () => {
      const value = fieldValue(item, roll);
      return typeof value === 'function' ? null : value;
    });
    return roll(6) === 0 ? new Set(items) : items;
  };
  const valueOf = (type: string, roll: (sides: number) => number): unknown => roll(100) < weather.wrong ? (wrong[type] ?? [4])[roll(wrong[type]?.length ?? 1)] : right[type]?.(roll);
  const schema = makeExecutableSchema({ typeDefs: sdl, resolvers: { Odd: new GraphQLScalarType({ name: 'Odd', serialize: (value) => value === 'odd' ? { is: 'odd' } : value === 'even' ? undefined : String(value) }) } });
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__') || !isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const roll = dice(seed + type.name.length * 31 + field.name.length * 7 + field.name.charCodeAt(0));
      // Some fields have no resolver: their values are properties.
      if (type.name !== 'Query' && type.name !== 'Mutation' && field.args.length === 0 && roll(2) === 0) continue;
      field.resolve = (_source, args, _context, { path }) => {
        let place = '';
        for (let at: typeof path | undefined = path; at; at = at.prev) place += `${at.key}/`;
        const value = fieldValue(String(field.type), dice(seed + Array.from(place).reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 1_000_003, 7)));
        if (field.args.length > 0 && String(field.type) === 'String' && !(value instanceof Error) && typeof value !== 'function') return JSON.stringify(args);
        return typeof value === 'function' ? (value as () => unknown)() : value;
      };
    }
  }
  const dog = schema.getType('Dog');
  if (isObjectType(dog) && seed % 3 === 0) dog.isTypeOf = (value) => weather.late > 0 && seed % 2 === 0 ? Promise.resolve(value !== null) : value !== null && (value as { id?: unknown }).id !== 4;
  return schema;
}

const fieldsBy: Record<string, Record<string, string | null>> = {
  Query: { cat: 'Cat', cats: 'Cat', dog: 'Dog', dogs: 'Dog', being: 'Being', beings: 'Being', found: 'Found', mood: null, moods: null, odd: null, 'echo(food: { name: "fish", also: [{ name: $name }] })': null, '__type(name: "Cat")': '__Type' },
  Mutation: { first: 'Cat', second: 'Dog', third: 'Found' },
  Cat: { id: null, name: null, mood: null, lives: null, friend: 'Being', friends: 'Being', near: 'Found', odd: null, 'eats(food: { name: "milk" }, moods: WILD)': null, 'eats(times: $times)': null, 'eats(food: $food)': null },
  Dog: { id: null, name: null, mood: null, barks: null, weight: null, owner: 'Cat', friends: 'Being', tags: null },
  Stone: { id: null, weight: null, grains: null }, Being: { id: null, name: null }, Found: {}, __Type: { name: null, kind: null },
};
const under: Record<string, readonly string[]> = { Being: ['Cat', 'Dog', 'Being'], Found: ['Cat', 'Dog', 'Stone', 'Being'] };

/** A valid operation of that schema: aliases, fragments of both kinds, conditions, arguments. */
export function operationOf(roll: (sides: number) => number): string {
  let aliases = 0;
  const set = (type: string, depth: number): string => {
    const names = Object.entries(fieldsBy[type] ?? {});
    const selections = Array.from({ length: 1 + roll(4) }, (): string => {
      const condition = ['', '', '', ' @include(if: $yes)', ' @skip(if: $no)', ' @skip(if: $yes)', ' @include(if: false)'][roll(7)] ?? '';
      const inner = under[type];
      if (inner && roll(2) === 0) return `... on ${inner[roll(inner.length)] ?? type}${condition} { ${fragment(inner, depth)} }`;
      const [name, of] = names[roll(names.length)] ?? ['__typename', null];
      if (of !== null && depth <= 0) return '__typename';
      // Every field has an alias of its own, so that no two have to be merged that cannot be.
      return `f${aliases++}: ${name}${condition}${of === null ? '' : ` { ${set(of, depth - 1)} }`}`;
    });
    return selections.join(' ');
  };
  const fragment = (types: readonly string[], depth: number): string => types.includes('Being') && roll(2) === 0 ? '__typename' : `... { ${depth >= 0 ? '__typename' : 'id'} }`;
  const kind = roll(4) === 0 ? 'Mutation' : 'Query';
  const body = set(kind, 4);
  const shared = `fragment Shared on Cat { s: name t: friend { id } ...Again } fragment Again on Cat { u: lives t: friend { name } }`;
  return `${kind.toLowerCase()} ($yes: Boolean = true, $no: Boolean!, $times: Int, $food: Food, $name: String = "bone") { ${body} ${kind === 'Query' ? 'cat { ...Shared ...Shared t: friend { __typename } }' : 'first { ...Shared }'} }
    ${shared}`;
}
