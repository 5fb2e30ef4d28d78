import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import type { SubgraphName } from '../schema/sdl.ts';
import type { AccountId, KeyId } from './ids.ts';
import type { Trace } from './traces.ts';

export type AccountKind = 'personal' | 'enterprise' | 'partner' | 'organization';

/** Who sent a request: what one usable key stands for. */
export type Caller = {
  accountId: AccountId;
  accountKind: AccountKind;
  keyId: KeyId;
  /** `resource:read` or `resource:write`. */
  scopes: ReadonlySet<string>;
};

/** A request that is done once: its key, unlike that of any other request of the account, and what decides whether it is the same request. */
export type Idempotency = { key: string; fingerprint: string };

/** What every resolver of every subgraph knows of the request. A subgraph adds its own loaders. */
export type RequestContext = {
  /** Null for a request without a credential. */
  caller: Caller | null;
  requestId: string;
  /** The client's network address; left out where nobody knows it. */
  address?: string | undefined;
  /** Of a POST with an Idempotency-Key. */
  idempotency?: Idempotency | undefined;
  /** What the client, or this process, traces it by. */
  trace?: Trace | null;
};

/** Gives the signal of an operation's end; asked for only by work that can stop, for most cannot. Undefined: nobody sets an end. */
export type Stopped = () => AbortSignal | undefined;

/** One operation for one subgraph, as a query plan's fetch asks for it. */
export type SubgraphRequest = {
  document: DocumentNode;
  operationName?: string | undefined;
  variables: Readonly<Record<string, unknown>>;
  request: RequestContext;
  signal?: AbortSignal | undefined;
  /** Of a subscription: one object for all of one caller that are identical. An event that reaches several of them is answered once, with one answer object. */
  sharedBy?: object | undefined;
};

/** A whole subgraph, ready to be queried in the process that created it. */
export type Subgraph = {
  name: SubgraphName;
  schema: GraphQLSchema;
  /** A query or a mutation. All operations of one `request` object share its data loaders. */
  execute(operation: SubgraphRequest): Promise<ExecutionResult>;
  /** A subscription: the stream of its answers, or one answer with errors when it cannot start. */
  subscribe(operation: SubgraphRequest): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult>;
};
