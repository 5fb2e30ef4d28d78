import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { buildSchema, type GraphQLField, type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isLeafType, isListType, isNonNullType } from 'graphql';
import { apiSdl } from '../../schema/sdl.ts';
import { anything, nearly } from '../fuzz/values.ts';
import { startTestPlatform } from '../support/platform.ts';

const cases = Number(process.env['FUZZ_CASES'] ?? 15);
const seed = 13;
const platform = await startTestPlatform({ after }, { workers: 0 });
const keys = await Promise.all((['personal', 'enterprise', 'organization', 'partner'] as const).map(async (kind) => (await platform.tenant({ kind })).key));
const schema = buildSchema(apiSdl());

/** Values that a type takes, as far as its name and fields tell. */
function fitting(type: GraphQLInputType, depth = 0): fc.Arbitrary<unknown> {
  if (isNonNullType(type)) return fitting(type.ofType, depth);
  if (isListType(type)) return fc.array(fitting(type.ofType, depth), { maxLength: 4 });
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  if (!isInputObjectType(type)) return { Int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), Float: fc.double(), Boolean: fc.boolean() }[type.name] ?? fc.oneof(fc.string(), anything);
  return depth > 3 ? fc.constant({}) : fc.record(Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, nearly(fitting(field.type, depth + 1))])), { requiredKeys: [] });
}

function operationOf(kind: 'query' | 'mutation', { name, args, type }: GraphQLField<unknown, unknown>): string {
  const [variables, given] = [args.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', '), args.map((argument) => `${argument.name}: $${argument.name}`).join(', ')];
  return `${kind}${variables && ` (${variables})`} { ${name}${given && `(${given})`} ${isLeafType(getNamedType(type)) ? '' : '{ __typename }'} }`;
}

/** Everything that a type takes, each of its texts with a zero byte. */
function zeroed(type: GraphQLInputType, depth = 0): unknown {
  if (isNonNullType(type)) return zeroed(type.ofType, depth);
  if (isListType(type)) return [zeroed(type.ofType, depth)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) return depth > 3 ? {} : Object.fromEntries(Object.values(type.getFields()).map((field) => [field.name, zeroed(field.type, depth + 1)]));
  return { Int: 1, Float: 1, Boolean: true, EmailAddress: 'a\0b@example.com', URL: 'https://example.com/a%00', DateTime: '2099-01-01T00:00:00Z', PhoneNumber: '+1202555\u00000101' }[type.name] ?? 'name\0name';
}

test('a zero byte in any text, which no database can hold, is no fault', async () => {
  for (const [kind, type] of [['query', schema.getQueryType()], ['mutation', schema.getMutationType()]] as const) for (const field of Object.values(type?.getFields() ?? {})) {
    if (field.args.length === 0) continue;
    const query = operationOf(kind, field);
    // Whatever is left out lets the others come further.
    const given = field.args.map(({ name, type: of }) => [name, zeroed(of)] as const);
    for (const variables of [Object.fromEntries(given), Object.fromEntries(given.filter(([name]) => field.args.some((argument) => argument.name === name && isNonNullType(argument.type))))]) {
      for (const key of keys) {
        const { status, text } = await platform.rest('/graphql', { key, json: { query, variables } });
        assert.ok([200, 400].includes(status) && !/"code":"INTERNAL/.test(text), `${field.name}: ${status} ${text.slice(0, 500)}`);
      }
    }
  }
});

describe(`${cases} times bad variables (seed ${seed}) are refused or taken, and never a fault`, () => {
  for (const [kind, type] of [['query', schema.getQueryType()], ['mutation', schema.getMutationType()]] as const) for (const field of Object.values(type?.getFields() ?? {})) {
    if (field.args.length > 0) test(`${kind} ${field.name}`, async () => {
      const query = operationOf(kind, field);
      const variables = fc.record(Object.fromEntries(field.args.map((argument) => [argument.name, nearly(fitting(argument.type))])), { requiredKeys: [] });
      await fc.assert(fc.asyncProperty(variables, fc.constantFrom(...keys), async (given, key) => {
        const { status, text } = await platform.rest('/graphql', { key, json: { query, variables: given } });
        assert.ok([200, 400, 413, 429].includes(status) && !/"code":"INTERNAL/.test(text), `${status} ${text.slice(0, 500)}`);
        assert.ok('data' in JSON.parse(text) || 'errors' in JSON.parse(text), text);
      }), { numRuns: cases, seed });
    });
  }
});
