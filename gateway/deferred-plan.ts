import type { PlanNode } from '@graphql-hive/router-query-planner';
import { type Deferral, deferralsIn, type Mark, pathsByMark } from './deferrals.ts';
import { deliver, type Deliver, type Group, type Prepared } from './delivery.ts';
import type { Engine } from './executor.ts';
import { plannedSelections, type Selected } from './operation.ts';
import { prepareStep } from './plan.ts';
import { callsOf, closureOf, type PlannedCall } from './plan-graph.ts';
import { generateProjection, type Projection } from './projection.ts';
import type { Step } from './run.ts';
import { type DeferredShape, objectsIn, type ObjectShape, shapeOf } from './shape.ts';

/** A plan of the operation, with the client's names of its variables. */
export type Plan = { node: PlanNode | null; clientVariable: (name: string) => string };

/** Null when everything is known as soon as the first part is: then nothing is gained by sending less of it. */
export function prepareDelivery(selected: Selected, plans: readonly Plan[], engine: Engine, introspect: Prepared['introspect'], prepareAnswer: (shape: ObjectShape, introspect: Prepared['introspect']) => Prepared['finish']): Deliver | null {
  const deferrals = deferralsIn(selected.selectionSet);
  const planned = plannedSelections(selected);
  if (deferrals.length === 0 || !planned) return null;
  const { calls, steps, roots } = prepareCalls(plans, engine);
  const paths = pathsByMark(planned);
  const needed = (mark: Mark): Set<number> => closureOf(calls, calls.keys().filter((number) => [...calls[number]?.writes ?? []].some((path) => paths.get(mark)?.has(path))));
  const first = needed(null);
  const groups = gainingGroups(deferrals, first, needed);
  if (groups.length === 0) return null;
  const shape = shapeOf({ ...selected, deferred: new Set(groups.map(({ deferral }) => deferral.mark)) });
  const inTurn = inTurnOf(calls, roots, first);
  const prepared: Prepared = {
    steps: steps.map((step, number) => ({ step, after: [...calls[number]?.after ?? [], ...inTurn(number)] })),
    first, groups, shape, whole: shapeOf(selected), projections: projectionsIn(shape), finish: prepareAnswer(shape, introspect), introspect,
  };
  return (call, emit) => deliver(prepared, call, emit, engine.log);
}

function projectionsIn(shape: ObjectShape, projections = new Map<DeferredShape, Projection>(), seen = new Set<ObjectShape>()): ReadonlyMap<DeferredShape, Projection> {
  if (seen.has(shape)) return projections;
  seen.add(shape);
  for (const deferred of shape.deferred) {
    projections.set(deferred, generateProjection(deferred.shape));
    projectionsIn(deferred.shape, projections, seen);
  }
  for (const { slot } of shape.fields) for (const inner of objectsIn(slot.of)) projectionsIn(inner, projections, seen);
  return projections;
}

/** `roots`: the calls that each plan begins with, where there are several plans. */
function prepareCalls(plans: readonly Plan[], { supergraph, transports }: Engine): { calls: PlannedCall[]; steps: Step[]; roots: number[] } {
  const calls: PlannedCall[] = [];
  const steps: Step[] = [];
  const roots: number[] = [];
  for (const { node, clientVariable } of plans) {
    if (plans.length > 1) roots.push(calls.length);
    const added = callsOf(node, calls.length);
    calls.push(...added);
    // Equal references may not become one object: calls are not made in the order that this was found safe for.
    steps.push(...added.map((one) => prepareStep(one.node, { supergraph, transports, clientVariable, mayShare: () => false })));
  }
  return { calls, steps, roots };
}

/** What a call waits for besides what it reads. Fields of a mutation are called in turn, each when all that the first part has of the one before is there. */
function inTurnOf(calls: readonly PlannedCall[], roots: readonly number[], first: ReadonlySet<number>): (number: number) => number[] {
  return (number) => {
    const plan = roots.indexOf(number);
    const before = roots[plan - 1];
    return before === undefined ? [] : [...calls.keys()].filter((other) => other >= before && other < number && first.has(other));
  };
}

/** Deferred fragments that need a call which nothing before them needs, each under the next outer one that does. */
function gainingGroups(deferrals: readonly Deferral[], first: ReadonlySet<number>, needed: (mark: Mark) => Set<number>): Group[] {
  const groups = new Map<Deferral, Group>();
  const outerOf = (deferral: Deferral): Group | null => {
    for (let outer = deferral.parent; outer; outer = outer.parent) {
      const group = groups.get(outer);
      if (group) return group;
    }
    return null;
  };
  for (const deferral of deferrals) {
    const calls = needed(deferral.mark);
    const parent = outerOf(deferral);
    const known = new Set(first);
    for (let outer = parent; outer; outer = outer.parent) for (const number of outer.calls) known.add(number);
    if ([...calls].every((number) => known.has(number))) continue;
    const group: Group = { deferral, parent, children: [], calls };
    parent?.children.push(group);
    groups.set(deferral, group);
  }
  return [...groups.values()];
}
