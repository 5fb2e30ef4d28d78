import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanNode } from '@graphql-hive/router-query-planner';
import { pino } from 'pino';
import { preparePlan } from '../../gateway/plan.ts';
import { Run } from '../../gateway/run.ts';
import { readSupergraph } from '../../gateway/supergraph.ts';
import type { Call, Transport } from '../../gateway/transport.ts';
import { composed, requestOf } from './federation.ts';

const { supergraphSdl } = composed({
  a: { sdl: 'type Query { a: A } type A @key(fields: "id") { id: ID! b: Int c: Int } type Other @key(fields: "id") { id: ID! }' },
});
const supergraph = readSupergraph(supergraphSdl);

/** Runs a hand-written plan over given data; every call is answered by `answer`. */
async function runPlan(node: PlanNode, data: Record<string, unknown>, answer: (call: Call, text: string) => unknown) {
  const calls: { text: string; variables: unknown }[] = [];
  const transport: Transport = {
    prepare: ({ text }) => async (call) => {
      calls.push({ text, variables: call.variables });
      return answer(call, text) as { data: Record<string, unknown> };
    },
    prepareStream: () => async () => ({}),
  };
  const { step } = preparePlan(node, { supergraph, transports: new Map([['a', transport]]), clientVariable: (name) => name });
  const run = new Run({ typeName: 'Query', fields: [], deferred: [] }, { variables: {}, request: requestOf(), lifetime: null }, pino({ level: 'silent' }));
  run.data = data;
  await step(run);
  return { data: JSON.parse(JSON.stringify(run.data)) as unknown, calls, errors: run.errors };
}

const requires = (typeCondition: string) => [{ kind: 'InlineFragment' as const, typeCondition, selections: [{ kind: 'Field' as const, name: '__typename' }, { kind: 'Field' as const, name: 'id' }] }];

test('a fetch without requirements under a path fills every object there with its own copy', async () => {
  const node: PlanNode = { kind: 'Flatten', path: [{ Field: 'list' }, '@'], node: { kind: 'Fetch', serviceName: 'a', operation: '{ a { b } }' } };
  const { data, calls } = await runPlan(node, { list: [{}, null, { a: { c: 1 } }] }, () => ({ data: { a: { b: 2 } } }));
  assert.deepEqual(data, { list: [{ a: { b: 2 } }, null, { a: { c: 1, b: 2 } }] });
  assert.equal(calls.length, 1);
});

test('a batch sends an empty list for what is not there, and an entity at two paths does not share what is below it', async () => {
  const node: PlanNode = {
    kind: 'BatchFetch', serviceName: 'a', operation: 'query($r0: [_Any!]!, $r1: [_Any!]!) { _e0: _entities(representations: $r0) { __typename } _e1: _entities(representations: $r1) { __typename } }',
    entityBatch: {
      aliases: [
        { alias: '_e0', representationsVariableName: 'r0', paths: [[{ Field: 'x' }], [{ Field: 'y' }, '@']], requires: requires('A') },
        { alias: '_e1', representationsVariableName: 'r1', paths: [[{ Field: 'z' }]], requires: requires('Other') },
      ],
    },
  };
  const x = { __typename: 'A', id: '1' };
  const y = [{ __typename: 'A', id: '1' }, { __typename: 'A', id: '2' }];
  const { calls } = await runPlan(node, { x, y, z: null }, () => ({ data: { _e0: [{ inner: { n: 1 } }, { inner: { n: 2 } }], _e1: [] } }));
  assert.deepEqual(calls[0]?.variables, { r0: [{ __typename: 'A', id: '1' }, { __typename: 'A', id: '2' }], r1: [] });
  assert.deepEqual(JSON.parse(JSON.stringify([x, y])), [{ __typename: 'A', id: '1', inner: { n: 1 } }, [{ __typename: 'A', id: '1', inner: { n: 1 } }, { __typename: 'A', id: '2', inner: { n: 2 } }]]);
  assert.notEqual(Reflect.get(x, 'inner'), Reflect.get(y[0] ?? {}, 'inner'));
});

test('nothing to ask for is not asked', async () => {
  const node: PlanNode = { kind: 'Flatten', path: [{ Field: 'x' }], node: { kind: 'Fetch', serviceName: 'a', operation: 'query($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }', requires: requires('A') } };
  assert.equal((await runPlan(node, { x: null }, () => ({}))).calls.length, 0);
  assert.equal((await runPlan(node, { x: { __typename: 'Other', id: '1' } }, () => ({}))).calls.length, 0);
  assert.equal((await runPlan(node, { x: { __typename: 'A', id: null } }, () => ({}))).calls.length, 0);
});

test('a subgraph that cannot be reached is one masked error where its part begins', async () => {
  const node: PlanNode = { kind: 'Fetch', serviceName: 'a', operation: '{ a { b } }' };
  const { errors } = await runPlan(node, {}, () => { throw new Error('connection refused to 10.0.0.1'); });
  assert.deepEqual(errors.map(({ message }) => message), ['Internal error']);
});

test('a node that is not understood stops the preparation', () => {
  const around = { supergraph, transports: new Map<string, Transport>(), clientVariable: (name: string) => name };
  assert.throws(() => preparePlan({ kind: 'Condition', condition: 'x' }, around), /kind Condition/);
  assert.throws(() => preparePlan({ kind: 'Fetch', serviceName: 'nobody', operation: '{ a }' }, around), /no subgraph is called nobody/);
});
