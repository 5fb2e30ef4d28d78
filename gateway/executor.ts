import { type ExecutionResult, executeSync, type GraphQLError, Kind, type OperationDefinitionNode, OperationTypeNode, type SelectionSetNode } from 'graphql';
import type { Logger } from 'pino';
import { generateByteProjection } from './byte-projection.ts';
import { completeWithNulls } from './completion.ts';
import type { Data } from './data.ts';
import { plannedSelections, type Selected } from './operation.ts';
import { type Plan, prepareDelivery } from './deferred-plan.ts';
import type { Deliver } from './delivery.ts';
import { inSequence, preparePlan } from './plan.ts';
import { plannedOperations } from './planned.ts';
import type { Planner } from './planner.ts';
import { generateProjection } from './projection.ts';
import { Run, type Step } from './run.ts';
import { shapeOf, shapesAt, type ObjectShape } from './shape.ts';
import { completedEvents } from './events.ts';
import { createSharing } from './sharing.ts';
import type { Supergraph } from './supergraph.ts';
import type { Call, Stream, Transport } from './transport.ts';

export type Engine = { supergraph: Supergraph; planner: Planner; transports: ReadonlyMap<string, Transport>; log: Logger };

/** An operation that is planned and prepared; variables are the client's, coerced. */
export type Executable = {
  execute(call: Call): Promise<ExecutionResult>;
  /** The same answer as JSON and a newline. */
  answer(call: Call): Promise<Buffer>;
  /** The answer in parts. Null when nothing is gained by that. */
  deliver: Deliver | null;
  /** Every event of the owning subgraph, completed from the others. */
  subscribe(call: Call, signal: AbortSignal | undefined): Promise<Stream | ExecutionResult>;
};

/** Plans an operation and prepares all that its requests have in common. */
export async function prepareExecutable(selected: Selected, operation: OperationDefinitionNode, engine: Engine): Promise<Executable> {
  const plans: Plan[] = [];
  for (const { text, clientVariable } of plannedOperations(plannedSelections(selected), operation)) plans.push({ node: await engine.planner.plan(text), clientVariable });
  const { supergraph, transports } = engine;
  const prepared = plans.map(({ node, clientVariable }) => preparePlan(node, { supergraph, transports, clientVariable }));
  const shape = shapeOf(selected);
  const introspect = introspectionOf(selected, operation);
  const finish = prepareAnswer(shape, introspect);
  const write = prepareBytes(shape, prepared.flatMap(({ sharedPaths }) => sharedPaths), introspect, finish);
  const begin = (call: Call): Run => new Run(shape, call, engine.log);
  const step = inSequence(prepared.map((plan) => plan.step));
  const source = prepared[0]?.source ?? null;
  const completing = { begin, complete: (run: Run) => finishAfter(step, run, finish), sharing: createSharing() };
  return {
    execute: async (call) => {
      const run = begin(call);
      await step(run);
      return finish(run);
    },
    answer: async (call) => {
      const run = begin(call);
      await step(run);
      return write(run);
    },
    deliver: prepareDelivery(selected, plans, engine, introspect, prepareAnswer),
    subscribe: async (call, signal) => {
      if (!source) return finish(begin(call));
      return completedEvents(source, call, signal, completing);
    },
  };
}

async function finishAfter(step: Step, run: Run, finish: (run: Run) => ExecutionResult): Promise<ExecutionResult> {
  await step(run);
  return finish(run);
}

/** The last stage: what was asked for out of what was found. */
function prepareAnswer(shape: ObjectShape, introspect: ((run: Run) => Data) | null): (run: Run) => ExecutionResult {
  const project = generateProjection(shape);
  const noIntrospection = {};
  return (run) => {
    const introspection = introspect?.(run) ?? noIntrospection;
    const verdict = { violated: false };
    let data: Data | null = project(run.data, verdict, introspection);
    if (verdict.violated) data = completeWithNulls(shape, run.data, introspection, run.errors, run.request);
    return run.errors.length > 0 ? { errors: run.errors, data } : { data };
  };
}

/** The last stage for those who want bytes. What has errors or introspection takes the long way. */
function prepareBytes(shape: ObjectShape, sharedPaths: readonly (readonly string[])[], introspect: ((run: Run) => Data) | null, finish: (run: Run) => ExecutionResult): (run: Run) => Buffer {
  const longWay = (run: Run): Buffer => Buffer.from(`${JSON.stringify(finish(run))}\n`);
  if (introspect) return longWay;
  const project = generateByteProjection(shape, new Set(sharedPaths.flatMap((keys) => shapesAt(shape, keys))));
  return (run) => (run.errors.length > 0 ? null : project(run.data, run.isPlain)) ?? longWay(run);
}

/** `__schema` and `__type` are answered from the public schema, which the subgraphs do not know. */
function introspectionOf({ schema, selectionSet }: Selected, operation: OperationDefinitionNode): ((run: Run) => Data) | null {
  if (operation.operation !== OperationTypeNode.QUERY) return null;
  const introspective = rootIntrospection(selectionSet);
  if (introspective.selections.length === 0) return null;
  const document = { kind: Kind.DOCUMENT, definitions: [{ ...operation, selectionSet: introspective }] } as const;
  return (run) => {
    const { data, errors } = executeSync({ schema, document, variableValues: run.variables });
    run.errors.push(...(errors ?? []) as GraphQLError[]);
    return data ?? {};
  };
}

function rootIntrospection(set: SelectionSetNode): SelectionSetNode {
  const selections = set.selections.flatMap((node) => node.kind === Kind.INLINE_FRAGMENT ? rootIntrospection(node.selectionSet).selections : [node]);
  return { kind: Kind.SELECTION_SET, selections: selections.filter((node) => node.kind === Kind.FIELD && /^__(schema|type)$/.test(node.name.value)) };
}
