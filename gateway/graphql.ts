import type { ApolloServer } from '@apollo/server';
import { type ExecutionResult, type GraphQLError, type GraphQLScalarType, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { startApollo, type ApolloContext } from './apollo.ts';
import { readProtection } from './authorization.ts';
import { createDocuments } from './documents.ts';
import { createMasker, refuse, Rejected, withoutSuggestions } from './errors.ts';
import type { Engine } from './executor.ts';
import { createQueryJoining, type IdentityOf } from './joined-queries.ts';
import { Lifetimes } from './lifetime.ts';
import { type Limits, limitsWith } from './limits.ts';
import { createPlanner } from './planner.ts';
import { createAdmission } from './admission.ts';
import { buildPublicSchema, publicSdl } from './public-schema.ts';
import { overHttp, type RemoteOptions } from './remote.ts';
import { readSupergraph, type Supergraph } from './supergraph.ts';
import { inProcess, type Reachable, type Stream, type Transport } from './transport.ts';

/** One operation of a client. */
export type GraphOperation = {
  source: string;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | null | undefined;
  /** `cost: true` asks for what the operation costs, in `extensions` of the answer. */
  extensions?: Readonly<Record<string, unknown>> | null | undefined;
  request: RequestContext;
  /** Aborts the operation, or ends its stream. */
  signal?: AbortSignal | undefined;
};

/** The federated graph, ready to be asked. None of its functions rejects: what goes wrong is in the answer. */
export type Graph = {
  /** What clients see. */
  schema: GraphQLSchema;
  /** Null for a text that must not be executed. */
  kindOf(operation: Pick<GraphOperation, 'source' | 'operationName'>): OperationTypeNode | null;
  /** What is wrong with a text, whoever asks for it. */
  errorsOf(source: string): readonly GraphQLError[];
  /** A query or a mutation. `data` is missing when the operation was rejected before it ran. */
  execute(operation: GraphOperation): Promise<ExecutionResult>;
  /** The same answer as JSON and a newline, as the HTTP front writes it. Null when the operation was rejected before it ran. */
  answer(operation: GraphOperation): Promise<Buffer | null>;
  /** Any operation: the stream of a subscription, or the one answer of everything else and of what cannot start. */
  subscribe(operation: GraphOperation): Promise<Stream | ExecutionResult>;
  /** GraphQL over HTTP for queries and mutations. */
  apollo: ApolloServer<ApolloContext>;
  stop(): Promise<void>;
};

export type GraphOptions = {
  supergraphSdl: string;
  /** The public schema where it has been made before; else it is taken out of the supergraph. */
  apiSdl?: string;
  /** By their names in the supergraph: of this process, or the way to another. Those that are missing are called at the supergraph's addresses. */
  subgraphs?: Readonly<Record<string, Reachable | Transport>>;
  /** What the values of custom scalars must be; else the subgraphs of this process say so. */
  scalars?: Readonly<Record<string, GraphQLScalarType>>;
  /** For the subgraphs that are called at the supergraph's addresses. */
  remote?: Omit<RemoteOptions, 'name' | 'url'>;
  limits?: Partial<Limits>;
  /** Whether requests without a credential may ask for the schema. Default: yes. */
  openIntrospection?: boolean;
  /** Identical queries that are under way share one answer, of `answer` only; says who may share with whom. Default: nobody. */
  joinQueries?: IdentityOf;
  log: Logger;
};

/** Builds the gateway. Throws when the supergraph needs a subgraph or a feature that is not there. */
export async function createGraph({ supergraphSdl, apiSdl = publicSdl(supergraphSdl), subgraphs = {}, scalars, remote, limits: changes, openIntrospection = true, joinQueries = () => null, log }: GraphOptions): Promise<Graph> {
  const limits = limitsWith(changes);
  const supergraph = readSupergraph(supergraphSdl);
  const schema = buildPublicSchema(apiSdl, Object.values(subgraphs).filter(isReachable), scalars);
  const transports = transportsOf(supergraph, subgraphs, remote);
  const engine: Engine = { supergraph, planner: await createPlanner(supergraphSdl, limits, log), transports, log };
  const documents = createDocuments(schema, readProtection(supergraph), engine, limits);
  // The first validation checks the schema itself; no client should wait for that.
  documents.read('{ __typename }');

  const lifetimes = new Lifetimes(limits.operationTimeoutMs);

  const admit = createAdmission(limits, openIntrospection);
  const prepare = (operation: GraphOperation) => {
    const { source, operationName, request } = operation;
    const prepared = documents.get(source, operationName);
    const variables = prepared.coerce(operation.variables);
    if (prepared.kind === OperationTypeNode.SUBSCRIPTION) throw new Rejected([refuse('BAD_REQUEST', 'Subscriptions are served over WebSocket, server-sent events and multipart/mixed.')]);
    const cost = admit(prepared, variables, operation);
    return { variables, cost, isQuery: prepared.kind === OperationTypeNode.QUERY, executable: prepared.executable(request.caller, variables) };
  };
  const execute: Graph['execute'] = (operation) => lifetimes.run(operation.signal, async (lifetime) => {
    const { variables, cost, executable } = prepare(operation);
    const result = await (executable instanceof Promise ? await executable : executable).execute({ variables, request: operation.request, lifetime });
    return operation.extensions?.['cost'] === true ? { ...result, extensions: { ...result.extensions, cost } } : result;
  }, (result) => result).catch((error: unknown) => answerFor(error, operation, log));
  const join = createQueryJoining(joinQueries);
  const answerAlone = ({ request }: GraphOperation, { variables, executable }: ReturnType<typeof prepare>, signal: AbortSignal | undefined) => lifetimes.run<Buffer | null>(
    signal, async (lifetime) => (executable instanceof Promise ? await executable : executable).answer({ variables, request, lifetime }), (result) => Buffer.from(`${JSON.stringify(result)}\n`),
  );
  const answer: Graph['answer'] = async (operation) => {
    try {
      const prepared = prepare(operation);
      const joined = prepared.isQuery ? join(operation, async (signal) => answerAlone(operation, prepared, signal)) : null;
      return await (joined ?? answerAlone(operation, prepared, operation.signal));
    } catch (error) {
      if (!(error instanceof Rejected)) log.error({ err: error, requestId: operation.request.requestId }, 'fault while answering an operation');
      return null;
    }
  };
  const kindOf: Graph['kindOf'] = ({ source, operationName }) => unlessRejected(() => documents.get(source, operationName).kind, () => null);
  const errorsOf: Graph['errorsOf'] = (source) => unlessRejected<readonly GraphQLError[]>(() => documents.read(source) && [], ({ errors }) => errors);
  const open = async (operation: GraphOperation): Promise<Stream | ExecutionResult> => {
    const prepared = documents.get(operation.source, operation.operationName);
    if (prepared.kind !== OperationTypeNode.SUBSCRIPTION) return execute(operation);
    const variables = prepared.coerce(operation.variables);
    admit(prepared, variables, operation);
    const executable = await prepared.executable(operation.request.caller, variables);
    return executable.subscribe({ variables, request: operation.request, lifetime: null }, operation.signal);
  };
  const subscribe: Graph['subscribe'] = (operation) => open(operation).catch((error: unknown) => answerFor(error, operation, log));
  const apollo = await startApollo({ schema, supergraphSdl, execute, read: documents.read, log }).catch((error: unknown) => {
    engine.planner.stop();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await apollo.stop();
    engine.planner.stop();
    for (const transport of transports.values()) transport.close?.();
  };
  return { schema, kindOf, errorsOf, execute, answer, subscribe, apollo, stop };
}

function unlessRejected<Value>(read: () => Value, instead: (rejected: Rejected) => Value): Value {
  try {
    return read();
  } catch (error) {
    if (error instanceof Rejected) return instead(error);
    throw error;
  }
}

const isReachable = (subgraph: Reachable | Transport): subgraph is Reachable => 'schema' in subgraph;

function transportsOf({ subgraphs: names, addresses }: Supergraph, given: Readonly<Record<string, Reachable | Transport>>, remote: GraphOptions['remote']): Map<string, Transport> {
  const missing = names.filter((name) => !given[name] && !addresses.get(name));
  if (missing.length > 0) throw new Error(`the supergraph needs the subgraphs ${missing.join(', ')}`);
  return new Map(names.map((name) => {
    const subgraph = given[name];
    if (!subgraph) return [name, overHttp({ ...remote, name, url: addresses.get(name) ?? '' })];
    return [name, isReachable(subgraph) ? inProcess(subgraph) : subgraph];
  }));
}

/** The answer in place of what was thrown. */
function answerFor(error: unknown, { request }: GraphOperation, log: Logger): ExecutionResult {
  return { errors: error instanceof Rejected ? withoutSuggestions(error.errors, request) : [createMasker(request, log).place(error, undefined, 'gateway')] };
}
