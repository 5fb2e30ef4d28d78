import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { buildASTSchema, type ExecutionResult, parse, print, printSchema, subscribe, validate } from 'graphql';
import { pino } from 'pino';
import { createGraph, type Graph } from '../../gateway/graphql.ts';
import type { Limits } from '../../gateway/limits.ts';
import type { Reachable, Transport } from '../../gateway/transport.ts';
import { createExecutor } from '../../subgraphs/execution/index.ts';
import type { AccountId, KeyId } from '../../subgraphs/ids.ts';
import type { Caller, RequestContext, SubgraphRequest } from '../../subgraphs/subgraph.ts';

/** A subgraph of a test: its own SDL, without the link to the federation specification, and its resolvers over plain data. */
export type TestSubgraph = {
  sdl: string;
  resolvers?: Record<string, unknown>;
  /** Federation 1: no link at all. */
  version?: 1;
};

export type Fetched = { subgraph: string; operation: string; variables: Readonly<Record<string, unknown>>; request: RequestContext };

export type Federation = {
  graph: Graph;
  sdls: Sdls;
  /** What the subgraphs were asked, in order. */
  fetches: Fetched[];
  subgraphs: Readonly<Record<string, Reachable>>;
  /** What was logged. */
  logged: Record<string, unknown>[];
};

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requires", "@provides", "@external", "@shareable",
  "@override", "@interfaceObject", "@inaccessible", "@authenticated", "@requiresScopes", "@cost", "@listSize"])`;

export type FederateOptions = {
  limits?: Partial<Limits>;
  /** False: the subgraphs neither validate nor remember what they are asked. */
  traced?: boolean;
  onCall?: (call: SubgraphRequest) => void;
};

/** Composes the subgraphs and starts a graph over them. */
export async function federate(subgraphs: Record<string, TestSubgraph>, { limits = {}, traced = true, onCall = () => undefined }: FederateOptions = {}): Promise<Federation> {
  const sdls = composed(subgraphs);
  const fetches: Fetched[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>) });
  const reachable = Object.fromEntries(Object.entries(subgraphs).map(([name, subgraph]) => [name, reach(name, subgraph, traced ? fetches : null, onCall)]));
  const graph = await createGraph({ ...sdls, subgraphs: reachable, log, limits });
  return { graph, subgraphs: reachable, sdls, fetches, logged };
}

/** Another graph of the same supergraph, silent. */
export function graphOver(sdls: Sdls, subgraphs: Readonly<Record<string, Reachable | Transport>>, limits: Partial<Limits> = {}): Promise<Graph> {
  return createGraph({ ...sdls, subgraphs, log: pino({ level: 'silent' }), limits });
}

export type Sdls = { supergraphSdl: string; apiSdl: string };

export function composed(subgraphs: Record<string, TestSubgraph>, urlOf = (name: string) => `http://${name}.test`, withApi = true): Sdls {
  const services = Object.entries(subgraphs).map(([name, subgraph]) => ({ name, typeDefs: parse(sdlOf(subgraph)), url: urlOf(name) }));
  const { supergraphSdl, errors } = composeServices(services);
  if (!supergraphSdl) throw new Error(errors?.map((error) => error.message).join('\n'));
  return { supergraphSdl, apiSdl: withApi ? printSchema(buildASTSchema(transformSupergraphToPublicSchema(parse(supergraphSdl)))) : '' };
}

const sdlOf = ({ sdl, version }: TestSubgraph): string => version === 1 ? sdl : `${link}\n${sdl}`;

function reach(name: string, subgraph: TestSubgraph, fetches: Fetched[] | null, onCall: (call: SubgraphRequest) => void): Reachable {
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdlOf(subgraph)), resolvers: (subgraph.resolvers ?? {}) as GraphQLResolverMap<unknown> }]);
  const execute = createExecutor(schema);
  const args = (call: SubgraphRequest) => {
    const { document, variables, request } = call;
    onCall(call);
    // As strict as a subgraph over HTTP would be.
    const faults = fetches ? validate(schema, document) : [];
    if (faults.length > 0) throw new Error(`${name} cannot be asked: ${faults.map((fault) => fault.message).join(' ')}`);
    fetches?.push({ subgraph: name, operation: print(document).replaceAll(/\s+/g, " "), variables, request });
    return { document, variables: { ...variables }, context: request };
  };
  return {
    schema,
    execute: async (operation) => execute(args(operation)),
    subscribe: async (operation) => {
      const { document, variables: variableValues, context: contextValue } = args(operation);
      return await subscribe({ schema, document, variableValues, contextValue }) as ExecutionResult | AsyncGenerator<ExecutionResult, undefined>;
    },
  };
}

export function callerWith(...scopes: string[]): Caller {
  return { accountId: 'a' as AccountId, accountKind: 'personal', keyId: 'key_a' as KeyId, scopes: new Set(scopes) };
}

export function requestOf(caller: Caller | null = null): RequestContext {
  return { caller, requestId: 'request-1' };
}

/** An answer as it would be sent. */
export function sent(result: ExecutionResult): unknown {
  return JSON.parse(JSON.stringify(result));
}
