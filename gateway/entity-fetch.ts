import type { FetchRewrite, FlattenNodePathSegment, RequiresSelection } from '@graphql-hive/router-query-planner';
import type { GraphQLError } from 'graphql';
import { copyOf, type Data, isData, mergeInto } from './data.ts';
import { type Finder, leadingFields, locate, prepareFinder, type Visitor } from './paths.ts';
import type { Surroundings } from './plan.ts';
import { prepareRepresenter, type Representer, type TypeRepresenter } from './representations.ts';
import { prepareRewrites, renamedKeys, type Rewrite } from './rewrites.ts';
import { clientKeys, type Fetch, variablesFor } from './root-fetch.ts';
import type { Run, Step } from './run.ts';
import type { Supergraph } from './supergraph.ts';
import type { SubgraphAnswer } from './transport.ts';

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
  places: readonly { find: Finder; /** Whether equal references may become one object. */ isShared: boolean }[];
  representer: Representer;
  rewriteOutput: Rewrite | null;
  renamed: ReadonlyMap<string, string>;
};

/** What one request asks of one batch. `targets[i]` is completed by the entity of `representations[indexes[i]]`. */
class Asked implements Visitor {
  readonly representations: Data[] = [];
  readonly targets: Data[] = [];
  readonly indexes: number[] = [];
  /** Number of the path that each target was found at. */
  readonly origins: number[] = [];
  readonly #representer: Representer;
  readonly #known = new Map<unknown, Map<unknown, number>>();
  #origin = 0;
  /** At a place where equal references become one object: the first of each representation, and all that are already asked for. */
  #firsts: Data[] | null = null;
  #done: Set<Data> | null = null;
  #typeName: unknown = null;
  #represent: TypeRepresenter | null = null;
  #ofType: Map<unknown, number> = new Map();

  constructor({ representer, places }: PreparedBatch, data: Data) {
    this.#representer = representer;
    for (let origin = 0; origin < places.length; origin++) {
      const place = places[origin];
      this.#origin = origin;
      this.#firsts = place?.isShared ? [] : null;
      this.#done = place?.isShared ? new Set() : null;
      place?.find(data, this);
    }
  }

  visit(target: Data, holder: Data | unknown[], key: string | number): void {
    if (this.#done?.has(target)) return;
    if (target['__typename'] !== this.#typeName) this.#changeType(target['__typename']);
    const index = this.#represent ? this.#represent(target, this.#ofType, this.representations) : -1;
    if (index === -1) return;
    if (this.#firsts && this.#done) {
      const first = this.#firsts[index];
      if (first && isSameReference(first, target)) {
        Reflect.set(holder, key, first);
        return;
      }
      this.#firsts[index] ??= target;
      this.#done.add(target);
    }
    this.targets.push(target);
    this.indexes.push(index);
    this.origins.push(this.#origin);
  }

  #changeType(typeName: unknown): void {
    this.#typeName = typeName;
    this.#represent = typeof typeName === 'string' ? this.#representer.forType(typeName) : null;
    this.#ofType = this.#known.get(typeName) ?? new Map<unknown, number>();
    this.#known.set(typeName, this.#ofType);
  }
}

/** A fetch of entities: each asked for once, however often it stands in the answer, all paths of the plan's node in one call. */
export function prepareEntityFetch(fetch: Fetch, batches: readonly EntityBatch[], around: Surroundings): Step {
  const { supergraph } = around;
  const send = fetch.transport.prepare(fetch.operation);
  const prepared = batches.map((batch) => prepareBatch(batch, around));
  return (run) => {
    const asked = prepared.map((batch) => new Asked(batch, run.data));
    if (asked.every(({ representations }) => representations.length === 0)) return undefined;
    const variables: Record<string, unknown> = { ...variablesFor(fetch, run.variables) };
    for (const [index, { batch }] of prepared.entries()) variables[batch.variable] = asked[index]?.representations ?? [];
    return complete(run, send({ variables, request: run.request, lifetime: run.lifetime }), fetch, prepared, asked, supergraph);
  };
}

async function complete(run: Run, sent: Promise<SubgraphAnswer>, fetch: Fetch, prepared: readonly PreparedBatch[], asked: readonly Asked[], supergraph: Supergraph): Promise<void> {
  try {
    const { data, errors, isPlain } = await sent;
    run.isPlain &&= isPlain === true;
    if (data) for (const [index, batch] of prepared.entries()) spread(data[batch.batch.key], batch, asked[index], supergraph);
    if (errors) for (const error of errors) place(run, error, fetch, prepared, asked, supergraph);
  } catch (error) {
    for (const { batch } of prepared) reportForAll(run, error, fetch, batch);
  }
}

function prepareBatch(batch: EntityBatch, { supergraph, mayShare }: Surroundings): PreparedBatch {
  return {
    batch,
    places: batch.paths.map((path) => ({ find: prepareFinder(path, supergraph), isShared: mayShare(path) })),
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

/** Whether two objects say nothing but the same plain values. */
function isSameReference(one: Data, other: Data): boolean {
  let surplus = 0;
  for (const _ in one) surplus += 1;
  for (const key in other) {
    const value = other[key];
    if (one[key] !== value || typeof value === 'object' && value !== null) return false;
    surplus -= 1;
  }
  return surplus === 0;
}

function spread(entities: unknown, { rewriteOutput, places }: PreparedBatch, asked: Asked | undefined, { isAbstract }: Supergraph): void {
  if (!Array.isArray(entities) || !asked) return;
  if (rewriteOutput) for (const entity of entities) rewriteOutput(entity);
  const owners: number[] = [];
  for (const [at, target] of asked.targets.entries()) {
    const index = asked.indexes[at] ?? -1;
    const entity: unknown = entities[index];
    if (!isData(entity)) continue;
    const origin = asked.origins[at] ?? 0;
    const owner = places.length === 1 ? origin : owners[index] ??= origin;
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
