import type { FetchRewrite, FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { copyOf, type Data, isData, mergeInto } from './data.ts';
import { type Finder, leadingFields, locate, prepareFinder } from './paths.ts';
import type { Surroundings } from './plan.ts';
import { prepareRepresenter, type Representer } from './representations.ts';
import { prepareRewrites, renamedKeys, type Rewrite } from './rewrites.ts';
import { clientKeys, type Fetch, variablesFor } from './root-fetch.ts';
import type { Run, Step } from './run.ts';
import type { Supergraph } from './supergraph.ts';

/** One `_entities` field of a fetch, and the objects of the answer that it completes. */
export type EntityBatch = {
  /** Its response key. */
  key: string;
  /** The variable of its representations. */
  variable: string;
  paths: readonly (readonly FlattenNodePathSegment[])[];
  requires: readonly RequiresSelection[];
  inputRewrites: readonly FetchRewrite[] | null;
  outputRewrites: readonly FetchRewrite[] | null;
};

type PreparedBatch = {
  batch: EntityBatch;
  finders: readonly Finder[];
  representer: Representer;
  rewriteOutput: Rewrite | null;
  renamed: ReadonlyMap<string, string>;
};

/** What one request asks of one batch. `targets[i]` is completed by the entity of `representations[indexes[i]]`. */
type Asked = { representations: Data[]; targets: Data[]; indexes: number[]; /** Number of the path that each target was found at. */ origins: number[] };

/** A fetch of entities: each asked for once, however often it stands in the answer, all paths of the plan's node in one call. */
export function prepareEntityFetch(fetch: Fetch, batches: readonly EntityBatch[], around: Surroundings): Step {
  const { supergraph } = around;
  const send = fetch.transport.prepare(fetch.operation);
  const prepared = batches.map((batch) => prepareBatch(batch, supergraph));
  return (run) => {
    const asked = prepared.map((batch) => ask(batch, run.data));
    if (asked.every(({ representations }) => representations.length === 0)) return undefined;
    const variables: Record<string, unknown> = { ...variablesFor(fetch, run.variables) };
    for (const [index, { batch }] of prepared.entries()) variables[batch.variable] = asked[index]?.representations ?? [];
    return complete(run, send({ variables, request: run.request, lifetime: run.lifetime }), fetch, prepared, asked, supergraph);
  };
}

async function complete(run: Run, sent: Promise<ExecutionResult>, fetch: Fetch, prepared: readonly PreparedBatch[], asked: readonly Asked[], supergraph: Supergraph): Promise<void> {
  try {
    const { data, errors } = await sent;
    if (data) for (const [index, batch] of prepared.entries()) spread(data[batch.batch.key], batch, asked[index], supergraph);
    if (errors) for (const error of errors) place(run, error, fetch, prepared, asked, supergraph);
  } catch (error) {
    for (const { batch } of prepared) reportForAll(run, error, fetch, batch);
  }
}

function prepareBatch(batch: EntityBatch, supergraph: Supergraph): PreparedBatch {
  return {
    batch,
    finders: batch.paths.map((path) => prepareFinder(path, supergraph)),
    representer: prepareRepresenter(widened(batch, supergraph), prepareRewrites(batch.inputRewrites, supergraph), supergraph),
    rewriteOutput: prepareRewrites(batch.outputRewrites, supergraph),
    renamed: renamedKeys(batch.outputRewrites),
  };
}

/**
 * A fetch from a subgraph that knows an interface as one object type: the planner (0.0.38) merges such fetches of several implementing types
 * but keeps the condition of the last one. All of them are meant; which objects, the path says.
 */
function widened({ requires, inputRewrites }: EntityBatch, supergraph: Supergraph): readonly RequiresSelection[] {
  const interfaces = (inputRewrites ?? []).flatMap((rewrite) => 'ValueSetter' in rewrite ? [rewrite.ValueSetter.setValueTo] : []).filter(supergraph.isAbstract);
  if (interfaces.length === 0) return requires;
  return requires.map((selection) => {
    if (selection.kind !== 'InlineFragment') return selection;
    const whole = interfaces.find((name) => supergraph.satisfies(selection.typeCondition, name));
    return whole ? { ...selection, typeCondition: whole } : selection;
  });
}

function ask({ finders, representer }: PreparedBatch, data: Data): Asked {
  const asked: Asked = { representations: [], targets: [], indexes: [], origins: [] };
  const known = new Map<string, Map<unknown, number>>();
  for (const [origin, find] of finders.entries()) {
    const found: Data[] = [];
    find(data, found);
    for (const target of found) {
      const typeName = target['__typename'];
      const represent = typeof typeName === 'string' ? representer.forType(typeName) : null;
      const representation = represent?.make(target);
      if (!represent || !representation) continue;
      let ofType = known.get(String(typeName));
      if (!ofType) known.set(String(typeName), ofType = new Map());
      const key = represent.keyOf(representation);
      let index = ofType.get(key);
      if (index === undefined) {
        index = asked.representations.push(representation) - 1;
        ofType.set(key, index);
      }
      asked.targets.push(target);
      asked.indexes.push(index);
      asked.origins.push(origin);
    }
  }
  return asked;
}

function spread(entities: unknown, { rewriteOutput, finders }: PreparedBatch, asked: Asked | undefined, { isAbstract }: Supergraph): void {
  if (!Array.isArray(entities) || !asked) return;
  if (rewriteOutput) for (const entity of entities) rewriteOutput(entity);
  const owners: number[] = [];
  for (const [at, target] of asked.targets.entries()) {
    const index = asked.indexes[at] ?? -1;
    const entity: unknown = entities[index];
    if (!isData(entity)) continue;
    const origin = asked.origins[at] ?? 0;
    const owner = finders.length === 1 ? origin : owners[index] ??= origin;
    // Objects at one path get the same later fetches and may share what is below; objects at two paths may not.
    mergeInto(target, owner === origin ? entity : copyOf(entity), isAbstract);
  }
}

/** An error below an entity stands at every place of that entity; any other stands once, where the batch's objects begin. */
function place(run: Run, error: GraphQLError, fetch: Fetch, prepared: readonly PreparedBatch[], asked: readonly Asked[], supergraph: Supergraph): void {
  const [key, index, ...below] = error.path ?? [];
  const at = prepared.findIndex(({ batch }) => batch.key === key);
  const [concernedBatch, question] = [prepared[at], asked[at]];
  if (!concernedBatch || !question || typeof index !== 'number') {
    for (const { batch } of concernedBatch ? [concernedBatch] : prepared) reportForAll(run, error, fetch, batch);
    return;
  }
  const { batch, renamed } = concernedBatch;
  const concerned = new Set(question.targets.filter((_, target) => question.indexes[target] === index));
  for (const path of batch.paths) {
    for (const { target, path: found } of locate(path, run.data, supergraph)) {
      if (concerned.has(target)) run.report(error, [...found, ...clientKeys(below, renamed)], fetch.subgraph);
    }
  }
}

function reportForAll(run: Run, error: unknown, { subgraph }: Fetch, batch: EntityBatch): void {
  for (const path of batch.paths) run.report(error, leadingFields(path), subgraph);
}
