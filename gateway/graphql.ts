import type { ApolloServer } from '@apollo/server';
import { type ExecutionResult, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { startApollo, type ApolloContext } from './apollo.ts';
import { readProtection } from './authorization.ts';
import { createDocuments } from './documents.ts';
import { createMasker, refuse, Rejected } from './errors.ts';
import type { Engine } from './executor.ts';
import { type Lifetime, Lifetimes } from './lifetime.ts';
import { type Limits, limitsWith } from './limits.ts';
import { createPlanner } from './planner.ts';
import { buildPublicSchema } from './public-schema.ts';
import { readSupergraph } from './supergraph.ts';
import { inProcess, type Reachable, type Stream } from './transport.ts';

/** One operation of a client. */
export type GraphOperation = {
  source: string;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | null | undefined;
  request: RequestContext;
  /** Aborts the operation, or ends its stream. */
  signal?: AbortSignal | undefined;
};

/** The federated graph, ready to be asked. Neither of its functions rejects: what goes wrong is in the answer. */
export type Graph = {
  /** What clients see. */
  schema: GraphQLSchema;
  /** A query or a mutation. `data` is missing when the operation was rejected before it ran. */
  execute(operation: GraphOperation): Promise<ExecutionResult>;
  /** Any operation: the stream of a subscription, or the one answer of everything else and of what cannot start. */
  subscribe(operation: GraphOperation): Promise<Stream | ExecutionResult>;
  /** GraphQL over HTTP for queries and mutations. */
  apollo: ApolloServer<ApolloContext>;
  stop(): Promise<void>;
};

export type GraphOptions = {
  supergraphSdl: string;
  /** The public schema: the supergraph without what is inaccessible. */
  apiSdl: string;
  /** By their names in the supergraph. */
  subgraphs: Readonly<Record<string, Reachable>>;
  limits?: Partial<Limits>;
  log: Logger;
};

/** Builds the gateway over subgraphs of this process. Throws when the supergraph needs a subgraph or a feature that is not there. */
export async function createGraph({ supergraphSdl, apiSdl, subgraphs, limits: changes, log }: GraphOptions): Promise<Graph> {
  const limits = limitsWith(changes);
  const supergraph = readSupergraph(supergraphSdl);
  const missing = supergraph.subgraphs.filter((name) => !subgraphs[name]);
  if (missing.length > 0) throw new Error(`the supergraph needs the subgraphs ${missing.join(', ')}`);
  const schema = buildPublicSchema(apiSdl, Object.values(subgraphs));
  const transports = new Map(Object.entries(subgraphs).map(([name, subgraph]) => [name, inProcess(subgraph)]));
  const engine: Engine = { supergraph, planner: createPlanner(supergraphSdl, limits), transports, log };
  const documents = createDocuments(schema, readProtection(supergraph), engine, limits);
  // The first validation checks the schema itself; no client should wait for that.
  documents.read('{ __typename }');

  const lifetimes = new Lifetimes(limits.operationTimeoutMs);

  const run = async (operation: GraphOperation, lifetime: Lifetime): Promise<ExecutionResult> => {
    const { source, operationName, request } = operation;
    const prepared = documents.get(source, operationName);
    const variables = prepared.coerce(operation.variables);
    if (prepared.kind === OperationTypeNode.SUBSCRIPTION) return { errors: [refuse('BAD_REQUEST', 'Subscriptions are served over WebSocket and server-sent events.')] };
    const executable = prepared.executable(request.caller, variables);
    return (executable instanceof Promise ? await executable : executable).execute({ variables, request, lifetime });
  };
  const execute: Graph['execute'] = (operation) => lifetimes.run(operation.signal, (lifetime) => run(operation, lifetime)).catch((error: unknown) => answerFor(error, operation, log));
  const open = async (operation: GraphOperation): Promise<Stream | ExecutionResult> => {
    const prepared = documents.get(operation.source, operation.operationName);
    if (prepared.kind !== OperationTypeNode.SUBSCRIPTION) return execute(operation);
    const variables = prepared.coerce(operation.variables);
    const executable = await prepared.executable(operation.request.caller, variables);
    return executable.subscribe({ variables, request: operation.request, lifetime: null }, operation.signal);
  };
  const subscribe: Graph['subscribe'] = (operation) => open(operation).catch((error: unknown) => answerFor(error, operation, log));
  const apollo = await startApollo({ schema, supergraphSdl, execute, read: documents.read, log });
  return { schema, execute, subscribe, apollo, stop: () => apollo.stop() };
}

/** The answer in place of what was thrown. */
function answerFor(error: unknown, { request }: GraphOperation, log: Logger): ExecutionResult {
  return { errors: error instanceof Rejected ? error.errors : [createMasker(request, log).place(error, undefined, 'gateway')] };
}
