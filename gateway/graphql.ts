import type { ApolloServer } from '@apollo/server';
import { type ExecutionResult, type GraphQLScalarType, type GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Spending } from '../subgraphs/spending.ts';
import { startApollo, type ApolloContext } from './apollo.ts';
import { createAsking } from './asking.ts';
import { readProtection } from './authorization.ts';
import { createDocuments, type Documents } from './documents.ts';
import type { Engine } from './executor.ts';
import type { IdentityOf } from './joined-queries.ts';
import { type Limits, limitsWith } from './limits.ts';
import { observed, observedTransport, type Observer } from './observed.ts';
import { createPlanner } from './planner.ts';
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
  kindOf: Documents['kindOf'];
  errorsOf: Documents['errorsOf'];
  /** A query or a mutation. `data` is missing when the operation was rejected before it ran. */
  execute(operation: GraphOperation): Promise<ExecutionResult>;
  /** The same answer as JSON and a newline, as the HTTP front writes it. Null when the operation was rejected before it ran. */
  answer(operation: GraphOperation): Promise<Buffer | null>;
  /** A query or a mutation whose deferred fragments may be answered later: its parts (see delivery.ts), or the one answer where nothing is gained by that. */
  deliver(operation: GraphOperation): Promise<Stream | ExecutionResult>;
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
  /** Where other processes spend from the budgets of the same keys. Default: there are none. */
  spending?: Spending | null;
  /** Looks on; nobody does where it is left out. */
  observer?: Observer;
  log: Logger;
};

/** Builds the gateway. Throws when the supergraph needs a subgraph or a feature that is not there. */
export async function createGraph({ supergraphSdl, apiSdl = publicSdl(supergraphSdl), subgraphs = {}, scalars, remote, limits: changes, openIntrospection = true, joinQueries = () => null, spending = null, observer, log }: GraphOptions): Promise<Graph> {
  const limits = limitsWith(changes);
  const supergraph = readSupergraph(supergraphSdl);
  const schema = buildPublicSchema(apiSdl, Object.values(subgraphs).filter(isReachable), scalars);
  const reached = transportsOf(supergraph, subgraphs, remote);
  const transports = observer ? new Map([...reached].map(([name, transport]) => [name, observedTransport(name, transport, observer)])) : reached;
  const engine: Engine = { supergraph, planner: await createPlanner(supergraphSdl, limits, log, observer), transports, log };
  const documents = createDocuments(schema, readProtection(supergraph), engine, limits);
  // The first validation checks the schema itself; no client should wait for that.
  documents.read('{ __typename }');

  const bare = createAsking({ documents, limits, openIntrospection, joinQueries, spending, log });
  const asking = observer ? observed(bare, documents.kindOf, observer) : bare;
  const apollo = await startApollo({ schema, supergraphSdl, execute: asking.execute, read: documents.read, log }).catch((error: unknown) => {
    engine.planner.stop();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await apollo.stop();
    engine.planner.stop();
    for (const transport of transports.values()) transport.close?.();
  };
  return { schema, kindOf: documents.kindOf, errorsOf: documents.errorsOf, ...asking, apollo, stop };
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
