import type { FetchNode, PlanNode } from '@graphql-hive/router-query-planner';
import { type DocumentNode, type FieldNode, Kind, OperationTypeNode, parse, print } from 'graphql';
import { prepareEntityFetch, type EntityBatch } from './entity-fetch.ts';
import { prepareRootFetch, prepareSource, type Fetch, type Source } from './root-fetch.ts';
import type { Step } from './run.ts';
import { fieldsOf, type SharedPlaces, sharedPlaces } from './shared-places.ts';
import type { Supergraph } from './supergraph.ts';
import type { Transport } from './transport.ts';
import { withTypeNames } from './type-names.ts';

/** What plans are prepared with. */
export type Surroundings = {
  supergraph: Supergraph;
  transports: ReadonlyMap<string, Transport>;
  /** The client's name of a variable that was renamed for the planner. */
  clientVariable: (name: string) => string;
  /** Whether equal references at a path of this plan may become one object. */
  mayShare: SharedPlaces;
};

/** A plan as functions: run per request without looking at the plan or the schema again. */
export type Prepared = {
  source: Source | null;
  step: Step;
  /** Response keys that lead to objects of which one may stand at many places. */
  sharedPaths: readonly (readonly string[])[];
};

const nothing: Step = () => undefined;

export function preparePlan(node: PlanNode | null, given: Omit<Surroundings, 'mayShare'>): Prepared {
  const mayShare = sharedPlaces(node);
  const sharedPaths: string[][] = [];
  const noted: SharedPlaces = (path) => {
    const isShared = mayShare(path);
    if (isShared) sharedPaths.push(fieldsOf(path));
    return isShared;
  };
  return { ...prepareParts(node, { ...given, mayShare: noted }), sharedPaths };
}

function prepareParts(node: PlanNode | null, around: Surroundings): Pick<Prepared, 'source' | 'step'> {
  if (!node) return { source: null, step: nothing };
  // The planner leaves out the kind of a subscription's own fetch.
  if (node.kind === 'Subscription') return { source: prepareSource(fetchOf({ ...node.primary, kind: 'Fetch' }, around), around), step: nothing };
  const [first, ...rest] = node.kind === 'Sequence' ? node.nodes : [];
  if (first?.kind !== 'Subscription') return { source: null, step: prepareStep(node, around) };
  return { source: prepareParts(first, around).source, step: prepareStep({ kind: 'Sequence', nodes: rest }, around) };
}

/** The work of one node of a plan, those below it included. */
export function prepareStep(node: PlanNode, around: Surroundings): Step {
  switch (node.kind) {
    case 'Sequence': return inSequence(node.nodes.map((inner) => prepareStep(inner, around)));
    case 'Parallel': return atOnce(node.nodes.map((inner) => prepareStep(inner, around)));
    case 'Fetch': return prepareRootFetch(fetchOf(node, around), [], around);
    case 'Flatten': {
      if (node.node.kind !== 'Fetch') throw new Error(`a plan flattens a ${node.node.kind}`);
      const fetch = fetchOf(node.node, around);
      if (!node.node.requires?.length) return prepareRootFetch(fetch, node.path, around);
      const { requires, inputRewrites = [], outputRewrites = [] } = node.node;
      return prepareEntityFetch(fetch, [{ key: '_entities', variable: 'representations', paths: [node.path], requires, inputRewrites, outputRewrites }], around);
    }
    case 'BatchFetch': {
      const batches = node.entityBatch.aliases.map(({ alias, representationsVariableName, paths, requires, inputRewrites = [], outputRewrites = [] }): EntityBatch => (
        { key: alias, variable: representationsVariableName, paths, requires, inputRewrites, outputRewrites }
      ));
      return prepareEntityFetch(fetchOf({ ...node, kind: 'Fetch' }, around), batches, around);
    }
    // Conditions are decided before planning, and the planner does not know @defer: these would mean that we misunderstand the plan.
    default: throw new Error(`a plan has a node of kind ${node.kind}`);
  }
}

export function inSequence(steps: readonly Step[]): Step {
  if (steps.length === 1 && steps[0]) return steps[0];
  return async (run) => {
    for (const step of steps) {
      if (run.lifetime?.isOver) return;
      await step(run);
    }
  };
}

function atOnce(steps: readonly Step[]): Step {
  return async (run) => {
    const pending = steps.map((step) => step(run)).filter((work) => work !== undefined);
    await Promise.all(pending);
  };
}

function fetchOf(node: FetchNode, { transports, clientVariable, supergraph }: Surroundings): Fetch {
  const transport = transports.get(node.serviceName);
  if (!transport) throw new Error(`no subgraph is called ${node.serviceName}`);
  const planned = parse(node.operation, { noLocation: true });
  const document = withTypeNames(planned, supergraph);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  if (!operation) throw new Error('a fetch has no operation');
  const usages = (node.variableUsages ?? []).map((name) => ({ sent: name, given: clientVariable(name) }));
  const kinds = { query: OperationTypeNode.QUERY, mutation: OperationTypeNode.MUTATION, subscription: OperationTypeNode.SUBSCRIPTION };
  return {
    subgraph: node.serviceName, transport, usages, rootKeys: rootKeys(document), outputRewrites: node.outputRewrites ?? [],
    operation: { kind: kinds[node.operationKind ?? 'query'], text: document === planned ? node.operation : print(document), document },
  };
}

/** Response keys at the top of a fetch: where an error without a path stands. */
function rootKeys(document: DocumentNode): string[] {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const fields = operation?.selectionSet.selections.filter((node): node is FieldNode => node.kind === Kind.FIELD) ?? [];
  return fields.map((node) => node.alias?.value ?? node.name.value);
}
