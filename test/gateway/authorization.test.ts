import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  buildSchema, execute, getNamedType, getNullableType, type GraphQLFieldResolver, type GraphQLInputType, type GraphQLObjectType, isAbstractType, isEnumType,
  isInputObjectType, isInterfaceType, isLeafType, isListType, isNonNullType, isObjectType, Kind, parse, print, valueFromASTUntyped, type GraphQLOutputType,
} from 'graphql';
import { pino } from 'pino';
import { createGraph, type Graph } from '../../gateway/graphql.ts';
import { isStream } from '../../gateway/transport.ts';
import { apiSdl, subgraphNames, subgraphSdl, supergraphSdl } from '../../schema/sdl.ts';
import { callerWith, federate, requestOf, sent } from './federation.ts';

const api = buildSchema(apiSdl());
const asked: string[] = [];

type Protected = { typeName: string; fieldName: string; scopes: string[][] };

/** Read from the subgraphs' own SDL, not from what the gateway makes of it. */
function protectedFields(): Protected[] {
  const found: Protected[] = [];
  for (const name of subgraphNames) {
    for (const type of parse(subgraphSdl(name)).definitions) {
      if (!('fields' in type) || !('name' in type) || !type.name) continue;
      for (const field of type.fields ?? []) {
        for (const directive of field.directives ?? []) {
          const kind = directive.name.value;
          if (kind !== 'requiresScopes' && kind !== 'authenticated' || field.kind !== Kind.FIELD_DEFINITION) continue;
          const scopes = directive.arguments?.[0] ? valueFromASTUntyped(directive.arguments[0].value) as string[][] : [];
          found.push({ typeName: type.name.value, fieldName: field.name.value, scopes });
        }
      }
    }
  }
  return found;
}

const allFields = protectedFields();
const allScopes = [...new Set(allFields.flatMap(({ scopes }) => scopes.flat()))];

function literal(type: GraphQLInputType): string {
  const inner = getNullableType(type);
  if (isListType(inner)) return `[${literal(inner.ofType)}]`;
  if (isEnumType(inner)) return inner.getValues()[0]?.name ?? '';
  if (isInputObjectType(inner)) {
    const required = Object.values(inner.getFields()).filter((field) => isNonNullType(field.type) && field.defaultValue === undefined);
    return `{${required.map((field) => `${field.name}: ${literal(field.type)}`).join(', ')}}`;
  }
  return { Int: '1', Float: '1.5', Boolean: 'true' }[inner.name] ?? '"x"';
}

function call(typeName: string, fieldName: string): string {
  const type = api.getType(typeName);
  assert.ok(isObjectType(type) || isInterfaceType(type));
  const required = type.getFields()[fieldName]?.args.filter((argument) => isNonNullType(argument.type)) ?? [];
  return required.length > 0 ? `${fieldName}(${required.map((argument) => `${argument.name}: ${literal(argument.type)}`).join(', ')})` : fieldName;
}

/** The shortest way from a root to a type, as brackets around a selection, avoiding the fields that are protected themselves where possible. */
function wayTo(target: string): ((selection: string) => string) | null {
  const roots = [['query', 'Query'], ['mutation', 'Mutation'], ['subscription', 'Subscription']] as const;
  const seen = new Set<string>(roots.map(([, root]) => root));
  const queue = roots.map(([kind, root]) => ({ typeName: root as string, wrap: (selection: string) => `${kind} { ${selection} }` }));
  for (const { typeName, wrap } of queue) {
    if (typeName === target) return wrap;
    const type = api.getType(typeName);
    const next: { typeName: string; wrap: (selection: string) => string }[] = [];
    if (isAbstractType(type)) for (const possible of api.getPossibleTypes(type)) next.push({ typeName: possible.name, wrap: (selection) => wrap(`... on ${possible.name} { ${selection} }`) });
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) next.push({ typeName: getNamedType(field.type).name, wrap: (selection) => wrap(`${call(typeName, field.name)} { ${selection} }`) });
    }
    for (const step of next) {
      if (seen.has(step.typeName)) continue;
      seen.add(step.typeName);
      queue.push(step);
    }
  }
  return null;
}

/** Something of every type. */
const anything: GraphQLFieldResolver<Record<string, unknown>, unknown> = (source, _args, _context, { returnType, fieldName, schema }) => {
  const some = (type: GraphQLOutputType): unknown => {
    const inner = getNullableType(type);
    if (isListType(inner)) return [some(inner.ofType)];
    if (isEnumType(inner)) return inner.getValues()[0]?.name;
    if (isLeafType(inner)) return ['Int', 'Float'].includes(inner.name) ? 1 : inner.name === 'Boolean' ? true : inner.name === 'HexColor' ? '#aabbcc' : 'x';
    const object: GraphQLObjectType | undefined = isAbstractType(inner) ? wanted(schema.getPossibleTypes(inner)) : inner as GraphQLObjectType;
    return { __typename: object?.name };
  };
  return source?.[fieldName] ?? some(returnType);
};
let concreteType = '';
const wanted = (types: readonly GraphQLObjectType[]): GraphQLObjectType | undefined => types.find(({ name }) => name === concreteType) ?? types[0];

async function startGraph(): Promise<Graph> {
  const subgraphs = Object.fromEntries(subgraphNames.map((name) => {
    const schema = buildSubgraphSchema([{ typeDefs: parse(subgraphSdl(name)) }]);
    return [name, {
      schema,
      execute: async ({ document, variables }: { document: ReturnType<typeof parse>; variables: object }) => {
        asked.push(print(document));
        return execute({ schema, document, variableValues: { ...variables }, fieldResolver: anything });
      },
      subscribe: async ({ document }: { document: ReturnType<typeof parse> }) => {
        asked.push(print(document));
        return { errors: [] };
      },
    }];
  }));
  return createGraph({ supergraphSdl: supergraphSdl(), apiSdl: apiSdl(), subgraphs, log: pino({ level: 'silent' }) });
}

describe('every protected field of the supergraph', () => {
  let graph: Graph;
  before(async () => {
    graph = await startGraph();
  });
  const places = allFields.flatMap(({ typeName, fieldName, scopes }) => {
    const type = api.getType(typeName);
    return [typeName, ...isAbstractType(type) ? api.getPossibleTypes(type).map(({ name }) => name) : []].map((place) => ({ place, fieldName, scopes }));
  });

  test('is found', () => assert.ok(places.length >= 30, `${places.length} places`));

  for (const { place, fieldName, scopes } of places) {
    test(`${place}.${fieldName} is not asked for and not answered without its scope`, async () => {
      const wrap = wayTo(place);
      assert.ok(wrap, `${place} cannot be reached`);
      const field = api.getType(place) as GraphQLObjectType;
      const isLeaf = isLeafType(getNamedType(field.getFields()[fieldName]?.type));
      const source = wrap(`probe: ${call(place, fieldName)} ${isLeaf ? '' : '{ __typename }'}`);
      concreteType = place;
      const answerFor = async (caller: ReturnType<typeof callerWith> | null) => {
        asked.length = 0;
        const answer = await graph.subscribe({ source, request: requestOf(caller) });
        assert.ok(!isStream(answer));
        return { codes: answer.errors?.filter(({ path }) => path?.at(-1) === 'probe').map(({ extensions }) => extensions['code']) ?? [], isAsked: asked.some((text) => text.includes('probe')), errors: answer.errors };
      };
      const stranger = await answerFor(null);
      assert.equal(stranger.isAsked, false, 'a stranger');
      assert.ok(stranger.errors?.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED'), 'a stranger gets an error');
      for (const missing of scopes.flat()) {
        const { codes, isAsked } = await answerFor(callerWith(...allScopes.filter((scope) => scope !== missing)));
        // Where the way leads through a field of the same scope, that one is refused already.
        assert.equal(isAsked, false, `without ${missing}`);
        if (codes.length > 0) assert.deepEqual([...new Set(codes)], ['FORBIDDEN']);
      }
      const insider = await answerFor(callerWith(...allScopes));
      assert.equal(insider.isAsked, true, `with every scope: ${source} ${JSON.stringify(insider.errors)}`);
      assert.deepEqual(insider.codes, []);
    });
  }
});

describe('protection', async () => {
  const { graph, fetches } = await federate({
    a: {
      sdl: `
        type Query { open: String closed: String @authenticated two: String @requiresScopes(scopes: [["x:read", "y:read"], ["admin"]]) node: Node nodes: [Node] things: [Thing!] mixed: Mixed }
        type Mutation { change: Thing! @requiresScopes(scopes: [["x:write"]]) touch: Thing }
        interface Node { id: ID! part: String }
        type Thing implements Node @key(fields: "id") { id: ID! part: String @requiresScopes(scopes: [["x:read"]]) }
        type Other implements Node @key(fields: "id") { id: ID! part: String }
        type Hidden @authenticated { value: String }
        union Mixed = Thing | Hidden`,
      resolvers: {
        Query: {
          open: () => 'o', closed: () => 'c', two: () => 't', node: () => ({ __typename: 'Other', id: '1', part: 'p' }), nodes: () => [{ __typename: 'Thing', id: '1', part: 'p' }],
          things: () => [{ id: '1', part: 'p' }, { id: '2', part: 'q' }], mixed: () => ({ __typename: 'Hidden', value: 'v' }),
        },
        Mutation: { change: () => ({ id: '1' }), touch: () => ({ id: '1', part: 'p' }) },
      },
    },
    b: {
      sdl: 'type Thing @key(fields: "id") { id: ID! sure: String! @requiresScopes(scopes: [["x:read"]]) free: String }',
      resolvers: { Thing: { __resolveReference: ({ id }: { id: string }) => ({ id, sure: 's', free: 'f' }) } },
    },
  });
  const ask = async (source: string, caller: ReturnType<typeof callerWith> | null) => {
    fetches.length = 0;
    return sent(await graph.execute({ source, request: requestOf(caller) })) as { data: unknown; errors?: { message: string; path: unknown; extensions: unknown }[] };
  };
  const codes = ({ errors = [] }: { errors?: { path: unknown; extensions: unknown }[] }) => errors.map(({ path, extensions }) => [path, (extensions as { code: string }).code]);

  test('what is open is answered beside what is refused', async () => {
    const answer = await ask('{ open closed }', null);
    assert.deepEqual(answer, { data: { open: 'o', closed: null }, errors: [{ message: 'Query.closed needs a credential.', path: ['closed'], extensions: { code: 'UNAUTHENTICATED' } }] });
    assert.deepEqual(fetches.map(({ operation }) => operation), ['{ open }']);
  });

  test('all scopes of one alternative are needed, any alternative will do', async () => {
    assert.deepEqual(codes(await ask('{ two }', callerWith('x:read'))), [[['two'], 'FORBIDDEN']]);
    assert.deepEqual((await ask('{ two }', callerWith('x:read', 'y:read'))).data, { two: 't' });
    assert.deepEqual((await ask('{ two }', callerWith('admin'))).data, { two: 't' });
  });

  test('one caller does not open the door for the next', async () => {
    const source = '{ things { id free sure part } }';
    assert.deepEqual((await ask(source, callerWith('x:read'))).data, { things: [{ id: '1', free: 'f', sure: 's', part: 'p' }, { id: '2', free: 'f', sure: 's', part: 'q' }] });
    const refused = await ask(source, callerWith('y:read'));
    assert.deepEqual(refused.data, { things: null }, 'the non-null field takes the list');
    assert.deepEqual(codes(refused), [[['things', 0, 'sure'], 'FORBIDDEN']]);
    assert.ok(!fetches.some(({ operation }) => /sure|part/.test(operation)));
    assert.deepEqual((await ask(source, callerWith('x:read'))).errors, undefined);
  });

  test('every object of a list gets its own error for a nullable field', async () => {
    assert.deepEqual(codes(await ask('{ things { id part } }', null)), [[['things', 0, 'part'], 'UNAUTHENTICATED'], [['things', 1, 'part'], 'UNAUTHENTICATED']]);
  });

  test('a field that is protected on one type is not read through its interface', async () => {
    assert.deepEqual(codes(await ask('{ nodes { id part } node { ... on Other { part } } }', null)), [[['nodes', 0, 'part'], 'UNAUTHENTICATED']]);
    assert.deepEqual((await ask('{ nodes { ... on Node { ... on Thing { p: part } } } }', callerWith('x:read'))).data, { nodes: [{ p: 'p' }] });
    assert.deepEqual(codes(await ask('{ nodes { ...T } } fragment T on Thing { part }', callerWith('y'))), [[['nodes', 0, 'part'], 'FORBIDDEN']]);
  });

  test('a protected type is protected in every field', async () => {
    assert.deepEqual(codes(await ask('{ mixed { ... on Hidden { value } } }', null)), [[['mixed', 'value'], 'UNAUTHENTICATED']]);
  });

  test('a refused mutation is not executed, a refused part of its answer does not stop it', async () => {
    const refused = await ask('mutation { change { id } }', callerWith('x:read'));
    assert.deepEqual([refused.data, fetches.length], [null, 0]);
    const touched = await ask('mutation { touch { part } }', null);
    assert.deepEqual([touched.data, codes(touched)], [{ touch: { part: null } }, [[['touch', 'part'], 'UNAUTHENTICATED']]]);
  });

  test('a supergraph with a security feature that is not known is not served', async () => {
    const policy = supergraphSdl().replace('https://specs.apollo.dev/authenticated/v0.1', 'https://specs.apollo.dev/policy/v0.1');
    await assert.rejects(createGraph({ supergraphSdl: policy, apiSdl: apiSdl(), subgraphs: {}, log: pino({ level: 'silent' }) }), /policy\/v0.1, which this gateway does not have/);
  });
});
