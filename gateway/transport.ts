import type { DocumentNode, ExecutionResult, GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext, Subgraph, SubgraphRequest } from '../subgraphs/subgraph.ts';
import type { Trace } from '../subgraphs/traces.ts';
import type { Lifetime } from './lifetime.ts';

/** One operation that a plan sends to a subgraph, prepared once and called with every request. */
export type SubgraphOperation = { kind: OperationTypeNode; text: string; document: DocumentNode };

/** What changes from call to call. */
export type Call = {
  variables: Readonly<Record<string, unknown>>;
  request: RequestContext;
  /** Null: nobody sets an end. */
  lifetime: Lifetime | null;
  /** Of a subscription: one object for all that are identical. */
  sharedBy?: object | undefined;
  /** Where it is a span of its own: that one, instead of the request's. */
  trace?: Trace | null;
};

export type Stream = AsyncIterableIterator<ExecutionResult>;

export function isStream(answer: Stream | ExecutionResult): answer is Stream {
  return Symbol.asyncIterator in answer;
}

/** Whether nothing of an operation was executed. */
export function isRejection(answer: Stream | ExecutionResult): answer is { errors: readonly GraphQLError[] } {
  return !isStream(answer) && answer.data === undefined && answer.errors !== undefined && answer.errors.length > 0;
}

/** What a subgraph says. */
export type SubgraphAnswer = ExecutionResult & {
  /** Every string in it is ASCII without anything that JSON escapes. Left out where nobody looked. */
  isPlain?: boolean;
};

/** The way to one subgraph. A call that rejects is a fault of that subgraph. */
export type Transport = {
  prepare(operation: SubgraphOperation): (call: Call) => Promise<SubgraphAnswer>;
  /** The stream of a subscription, or one answer with errors when it cannot start. */
  prepareStream(operation: SubgraphOperation): (call: Call) => Promise<Stream | ExecutionResult>;
  /** Lets go of connections. */
  close?(): void;
};

/** A subgraph as far as the gateway needs it. */
export type Reachable = Pick<Subgraph, 'schema' | 'execute' | 'subscribe'>;

/** Calls a subgraph of this process: no HTTP, no JSON text. Its answers are the gateway's to change. */
export function inProcess(subgraph: Reachable): Transport {
  return {
    prepare: ({ document }) => (call) => subgraph.execute(new LocalRequest(document, call)),
    prepareStream: ({ document }) => (call) => subgraph.subscribe(new LocalRequest(document, call)),
  };
}

class LocalRequest implements SubgraphRequest {
  readonly document: DocumentNode;
  readonly variables: Call['variables'];
  readonly request: RequestContext;
  readonly sharedBy: object | undefined;
  readonly #lifetime: Lifetime | null;

  constructor(document: DocumentNode, { variables, request, lifetime, sharedBy }: Call) {
    this.document = document;
    this.variables = variables;
    this.request = request;
    this.sharedBy = sharedBy;
    this.#lifetime = lifetime;
  }

  get signal(): AbortSignal | undefined {
    return this.#lifetime?.signal;
  }
}
