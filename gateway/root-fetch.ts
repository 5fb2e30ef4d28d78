import type { FetchRewrite, FlattenNodePathSegment } from '@graphql-hive/router-query-planner';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { copyOf, type Data, mergeInto } from './data.ts';
import type { Path } from './errors.ts';
import { leadingFields, locate, prepareFinder } from './paths.ts';
import type { Surroundings } from './plan.ts';
import { prepareRewrites, renamedKeys } from './rewrites.ts';
import type { Run, Step } from './run.ts';
import type { Call, Stream, SubgraphOperation, Transport } from './transport.ts';

/** One operation for one subgraph, out of a plan. */
export type Fetch = {
  subgraph: string;
  transport: Transport;
  operation: SubgraphOperation;
  /** Variables of the client that it uses, by their name here and the client's. */
  usages: readonly { sent: string; given: string }[];
  rootKeys: readonly string[];
  outputRewrites: readonly FetchRewrite[];
};

/** The stream that a subscription starts with, and what each of its events adds. */
export type Source = {
  open(call: Call): Promise<Stream | ExecutionResult>;
  absorb(run: Run, event: ExecutionResult): void;
  subgraph: string;
};

const noVariables: Readonly<Record<string, unknown>> = Object.freeze({});

/** The client's variables that a fetch uses. One that was not given stays out, so that defaults of the subgraph hold. */
export function variablesFor({ usages }: Fetch, given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (usages.length === 0) return noVariables;
  const variables: Record<string, unknown> = {};
  for (const usage of usages) if (given[usage.given] !== undefined) variables[usage.sent] = given[usage.given];
  return variables;
}

/** A fetch of root fields, whose answer belongs at `path` (empty: at the top). */
export function prepareRootFetch(fetch: Fetch, path: readonly FlattenNodePathSegment[], around: Surroundings): Step {
  const send = fetch.transport.prepare(fetch.operation);
  const absorb = path.length === 0 ? absorbAtTop(fetch, around) : absorbAt(fetch, path, around);
  return async (run) => {
    try {
      const answer = await send({ variables: variablesFor(fetch, run.variables), request: run.request, lifetime: run.lifetime });
      run.isPlain &&= answer.isPlain === true;
      absorb(run, answer);
    } catch (error) {
      reportEverywhere(run, error, fetch, leadingFields(path));
    }
  };
}

/** The stream of a subscription's root field. */
export function prepareSource(fetch: Fetch, around: Surroundings): Source {
  const open = fetch.transport.prepareStream(fetch.operation);
  return {
    subgraph: fetch.subgraph,
    open: (call) => open({ ...call, variables: variablesFor(fetch, call.variables) }),
    absorb: absorbAtTop(fetch, around),
  };
}

type Absorb = (run: Run, answer: ExecutionResult) => void;

function absorbAtTop(fetch: Fetch, { supergraph }: Surroundings): Absorb {
  const rewrite = prepareRewrites(fetch.outputRewrites, supergraph);
  const renamed = renamedKeys(fetch.outputRewrites);
  return (run, { data, errors }) => {
    if (errors) for (const error of errors) placeError(run, error, fetch, renamed, []);
    if (!data) return;
    rewrite?.(data);
    if (Object.keys(run.data).length === 0) run.data = data;
    else mergeInto(run.data, data, supergraph.isAbstract);
  };
}

/** A root type may be reached from inside the graph; what is fetched for it belongs to every object there. */
function absorbAt(fetch: Fetch, path: readonly FlattenNodePathSegment[], { supergraph }: Surroundings): Absorb {
  const rewrite = prepareRewrites(fetch.outputRewrites, supergraph);
  const renamed = renamedKeys(fetch.outputRewrites);
  const find = prepareFinder(path, supergraph);
  return (run, { data, errors }) => {
    if (errors) for (const error of errors) for (const place of locate(path, run.data, supergraph)) placeError(run, error, fetch, renamed, place.path);
    if (!data) return;
    rewrite?.(data);
    let isFirst = true;
    const visit = (target: Data): void => {
      mergeInto(target, isFirst ? data : copyOf(data), supergraph.isAbstract);
      isFirst = false;
    };
    find(run.data, { visit });
  };
}

function placeError(run: Run, error: GraphQLError, fetch: Fetch, renamed: ReadonlyMap<string, string>, prefix: Path): void {
  if (!error.path) reportEverywhere(run, error, fetch, prefix);
  else run.report(error, [...prefix, ...clientKeys(error.path, renamed)], fetch.subgraph);
}

/** Response keys as the client wrote them. */
export function clientKeys(path: Path, renamed: ReadonlyMap<string, string>): Path {
  return renamed.size === 0 ? path : path.map((part) => typeof part === 'string' ? renamed.get(part) ?? part : part);
}

function reportEverywhere(run: Run, error: unknown, { rootKeys, subgraph }: Fetch, prefix: Path): void {
  for (const key of rootKeys) run.report(error, [...prefix, key], subgraph);
}
