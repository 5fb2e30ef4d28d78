import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { pino } from 'pino';
import { Rejected } from '../../gateway/errors.ts';
import { limitsWith } from '../../gateway/limits.ts';
import { createPlanner, type Planner } from '../../gateway/planner.ts';
import { until } from '../support/database.ts';
import { composed } from './federation.ts';

const { supergraphSdl } = composed({
  shop: { sdl: 'type Query { node: Node holders: [Holder!]! } type Node @key(fields: "id") { id: ID! next: Node } union Holder = A | B type A { nodes: [Node!]! } type B { nodes: [Node!]! }', resolvers: {} },
  names: { sdl: 'type Node @key(fields: "id") { id: ID! name(size: Int): String }', resolvers: {} },
});
const log = pino({ level: 'silent' });

/** A valid operation that aborts the native planner (0.0.38). The gateway rewrites its like before it plans them. */
const deadly = 'query { holders { __typename ... on A { nodes { n: name } } ... on B { nodes { n: name(size: 2) } } } }';
const repeat = (count: number, make: (index: number) => string): string => Array.from({ length: count }, (_, index) => make(index)).join(' ');
/** It plans for seconds. */
const slow = `query { node { ${repeat(3_000, (index) => `a${index}: next { name next { name } }`)} } }`;
const harmless = (index: number): string => `query { node { id n${index}: name } }`;

async function started(t: { after(work: () => void): void }, limits = limitsWith()): Promise<Planner> {
  const planner = await createPlanner(supergraphSdl, limits, log);
  t.after(() => planner.stop());
  return planner;
}

const refusal = (message: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof Rejected, String(error));
  assert.match(error.errors[0]?.message ?? '', message);
  assert.equal(error.errors[0]?.extensions['code'], 'OPERATION_TOO_COMPLEX');
  return true;
};

/** Processes of the planner below this one. */
function processes(): number[] {
  const lines = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes('planner-child')).map((line) => Number(line.trim().split(' ')[0]));
}

test('an operation that crashes the planner is refused; those that were planned beside it get their plans', async (t) => {
  const planner = await started(t);
  const neighbours = Array.from({ length: 10 }, (_, index) => planner.plan(harmless(index)));
  const twice = [planner.plan(deadly), planner.plan(deadly)];
  const others = Array.from({ length: 10 }, (_, index) => planner.plan(harmless(100 + index)));
  for (const plan of twice) await assert.rejects(plan, refusal(/cannot be planned/));
  for (const plan of await Promise.all([...neighbours, ...others])) assert.ok(plan);
  await assert.rejects(planner.plan(deadly), refusal(/cannot be planned/));
  assert.ok(await planner.plan(harmless(200)));
});

test('two that crash it are both found', async (t) => {
  const planner = await started(t);
  const outcomes = await Promise.allSettled([planner.plan(deadly), planner.plan(harmless(1)), planner.plan(deadly.replace('2', '3'))]);
  assert.deepEqual(outcomes.map(({ status }) => status), ['rejected', 'fulfilled', 'rejected']);
});

test('a plan that takes too long is given up and its work is ended', async (t) => {
  const planner = await started(t, limitsWith({ planTimeoutMs: 1_000 }));
  assert.ok(await planner.plan(harmless(0)));
  const before = processes();
  assert.equal(before.length, 1);
  await assert.rejects(planner.plan(slow), refusal(/the limit "planTimeoutMs" is 1000/));
  await until(() => processes().length === 0);
  assert.ok(await planner.plan(harmless(1)));
});

test('a planner that was killed from outside is started again', async (t) => {
  const planner = await started(t);
  const [pid = 0] = processes();
  const planned = planner.plan(harmless(0));
  process.kill(pid, 'SIGKILL');
  assert.ok(await planned);
  await until(() => !processes().includes(pid));
  assert.ok(await planner.plan(harmless(1)));
});

test('a broken supergraph is refused with the reason', async () => {
  await assert.rejects(createPlanner('type Query {', limitsWith(), log), /./);
});

test('what the planner itself refuses is a fault, not a crash', async (t) => {
  const planner = await started(t);
  await assert.rejects(planner.plan('query { nothing }'), /refuses an operation/);
  assert.ok(await planner.plan(harmless(0)));
});

test('it ends with the gateway', async () => {
  const planner = await createPlanner(supergraphSdl, limitsWith(), log);
  planner.stop();
  await until(() => processes().length === 0);
});
