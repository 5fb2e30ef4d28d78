import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { buildSchema, execute, type ExecutionResult, type GraphQLSchema, NoUnusedVariablesRule, parse, specifiedRules, validate } from 'graphql';
import { createExecutor } from '../../../subgraphs/execution/index.ts';
import { mostObjects } from '../../../subgraphs/execution/run.ts';
import { callerWith, federate, requestOf } from '../../gateway/federation.ts';
import type { Case } from '../../gateway/cases.test.ts';
import { dice, operationOf, type Weather, zoo } from './zoo.ts';

type Given = { variables?: Record<string, unknown>; context?: unknown; rootValue?: unknown; operationName?: string };

/** Both answers to one operation: graphql-js's, and that of a compiled document, which is run again to see that nothing stays behind. */
async function both(schema: GraphQLSchema, source: string, { variables = {}, context = null, rootValue, operationName }: Given = {}): Promise<[ExecutionResult, ExecutionResult]> {
  const document = parse(source);
  const run = createExecutor(schema);
  const theirs = await execute({ schema, document, variableValues: variables, contextValue: context, rootValue, operationName: operationName ?? null, hideSuggestions: true });
  await run({ document, variables, context, rootValue, operationName });
  return [theirs, await run({ document, variables, context, rootValue, operationName })];
}

/** In one order: which of two errors comes first is free. */
const errorsOf = ({ errors = [] }: ExecutionResult): string[] => errors.map(({ message, path, locations, extensions }) => JSON.stringify({ message: message.replace(/\(.*\)|got: .*/, ''), path, locations, extensions })).toSorted();
const dataOf = ({ data }: ExecutionResult): string => JSON.stringify(data) ?? 'none';

const weathers: Record<string, Weather> = {
  'everything right': { late: 0, wrong: 0, missing: 0, thrown: 0 },
  'values that are missing and wrong, and resolvers that throw': { late: 0, wrong: 6, missing: 8, thrown: 6 },
  'everything late': { late: 100, wrong: 0, missing: 0, thrown: 0 },
};

const rules = specifiedRules.filter((rule) => rule !== NoUnusedVariablesRule);

describe('answers are those of graphql-js, in the same order', () => {
  for (const [name, weather] of Object.entries(weathers)) {
    test(`${name}: 150 operations`, async () => {
      let withErrors = 0;
      for (let seed = 1; seed <= 150; seed++) {
        const schema = zoo(seed, weather);
        const source = operationOf(dice(seed * 77));
        assert.deepEqual(validate(schema, parse(source), rules), [], source);
        const variables = { no: seed % 2 === 0, ...seed % 3 === 0 && { times: 5 }, ...seed % 5 === 0 && { food: { name: 'hay' } }, ...seed % 7 === 0 && { yes: false } };
        const [theirs, ours] = await both(schema, source, { variables });
        assert.equal(dataOf(ours), dataOf(theirs), `${seed}: ${source}`);
        assert.deepEqual(errorsOf(ours), errorsOf(theirs), `${seed}: ${source}`);
        if (theirs.errors) withErrors += 1;
      }
      assert.equal(withErrors > 40, weather.thrown > 0, `${withErrors} with errors`);
    });
  }

  test('late, wrong and thrown at once: 150 operations have the same nulls, and an error for each', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const schema = zoo(seed, { late: 30, wrong: 5, missing: 6, thrown: 5 });
      const source = operationOf(dice(seed * 91));
      const [theirs, ours] = await both(schema, source, { variables: { no: false } });
      assert.equal(dataOf(ours), dataOf(theirs), `${seed}: ${source}`);
      // Of several errors below one null, the first in time is told.
      assert.equal(ours.errors?.length, theirs.errors?.length, `${seed}: ${source}`);
    }
  });

  for (const file of globSync('../../gateway/cases/*/case.ts', { cwd: import.meta.dirname }).sort()) {
    test(`what the gateway asks subgraphs: ${file.split('/').at(-2)}`, async () => {
      const { default: { subgraphs, operations } } = await import(join(import.meta.dirname, file)) as { default: Case };
      const { graph, fetches, subgraphs: reachable } = await federate(subgraphs);
      for (const { source, variables, scopes } of operations) await graph.execute({ source, variables, request: requestOf(scopes ? callerWith(...scopes) : null) });
      const asked = fetches.filter(({ operation }) => !operation.startsWith('mutation'));
      for (const { subgraph, operation, variables, request } of asked) {
        const schema = reachable[subgraph]?.schema ?? assert.fail(subgraph);
        const [theirs, ours] = await both(schema, operation, { variables, context: request });
        assert.deepEqual([dataOf(ours), errorsOf(ours)], [dataOf(theirs), errorsOf(theirs)], operation);
      }
      await graph.stop();
    });
  }
});

describe('what is asked wrongly is answered as graphql-js does', () => {
  const schema = buildSchema('type Query { a(n: Int!): Int b: Int in(i: In): Int } input In { size: Size } enum Size { BIG } type Mutation { c: Int }');
  const cases: Record<string, { source: string } & Given> = {
    'no operation': { source: 'fragment A on Query { b }' }, 'several without a name': { source: 'query A { b } query B { b }' }, 'a name that nobody has': { source: 'query A { b }', operationName: 'C' },
    'one by its name': { source: 'query A { x: b } query B { b }', operationName: 'B', rootValue: { b: 5 } }, 'a kind that is not there': { source: 'subscription { b }' },
    'a variable that does not fit': { source: 'query ($n: Int!) { a(n: $n) }', variables: { n: 'x' } }, 'a variable that is missing': { source: 'query ($n: Int!) { a(n: $n) }' },
    'a variable of names that are nearly there': { source: 'query ($i: In!) { in(i: $i) }', variables: { i: { siz: 'BI' } } },
    'a variable without a value at a place that needs one': { source: 'query ($n: Int = 4) { a(n: $n) b }', variables: { n: null }, rootValue: { a: ({ n }: { n: number }) => n, b: 1 } },
    'the schema': { source: '{ __schema { queryType { name fields { name args { name type { kind ofType { name } } } } } } __type(name: "Mutation") { name } __typename }' },
    'a key that objects inherit': { source: '{ __proto__: b constructor: b toString: __typename }', rootValue: { b: 3 } },
  };
  for (const [name, { source, ...given }] of Object.entries(cases)) {
    test(name, async () => {
      const [theirs, ours] = await both(schema, source, given);
      assert.deepEqual([dataOf(ours), errorsOf(ours)], [dataOf(theirs), errorsOf(theirs)]);
    });
  }
});

test('a change begins when the one before it is done', async () => {
  const done: string[] = [];
  const change = (name: string) => async () => {
    done.push(`${name} begins`);
    await new Promise(setImmediate);
    done.push(`${name} ends`);
    return 1;
  };
  const document = parse('mutation { a b c: a }');
  const run = createExecutor(buildSchema('type Query { q: Int } type Mutation { a: Int b: Int }'));
  assert.deepEqual(await run({ document, variables: {}, context: null, rootValue: { a: change('a'), b: change('b') } }), { data: { a: 1, b: 1, c: 1 } });
  assert.deepEqual(done, ['a begins', 'a ends', 'b begins', 'b ends', 'a begins', 'a ends']);
});

test('each resolver has arguments of its own, whoever changes them', async () => {
  const document = parse('query ($n: Int) { list { of(n: $n, s: "x") } }');
  const of = (args: { n: number; s: string }) => `${args.n++}${args.s += 'y'}`;
  const run = createExecutor(buildSchema('type Query { list: [Item] } type Item { of(n: Int, s: String): String }'));
  for (let time = 0; time < 2; time++) assert.deepEqual(await run({ document, variables: { n: 1 }, context: null, rootValue: { list: [{ of }, { of }] } }), { data: { list: [{ of: '1xy' }, { of: '1xy' }] } });
});

test('an answer without end is ended with an error, wherever null might stand', async () => {
  const schema = buildSchema('type Query { nodes: [Node] } type Node { nodes: [Node] id: ID }');
  const nodes = Array.from({ length: 60 }, (): unknown => ({ id: 'n', nodes: () => nodes }));
  const source = '{ nodes { nodes { nodes { nodes { id } } } } }';
  const run = createExecutor(schema);
  const answer = await run({ document: parse(source), variables: {}, context: null, rootValue: { nodes } });
  assert.equal(answer.data, null);
  assert.deepEqual(answer.errors?.map(({ message, extensions }) => [message, extensions['code']]), [[`The answer has over ${mostObjects} objects.`, 'OPERATION_TOO_COMPLEX']]);
});
