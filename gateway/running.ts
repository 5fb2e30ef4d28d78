import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Asked } from './asked.ts';
import { fault, refuse, Rejected } from './errors.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import type { Texts } from './texts.ts';
import { isRejection, isStream, type Stream } from './transport.ts';

/** The way to a client that holds one connection for all its operations. Undefined: there was room to send at once. */
export type Wire = { send(text: string): Promise<void> | undefined; close(code: number, reason: string): void };

/** How one protocol says what becomes of an operation. Identifiers are JSON text. */
export type Sayings = {
  next(id: string, answer: ExecutionResult): string;
  complete(id: string): string;
};

/** What connections ask. The graph is asked for again with every operation. */
export type Sources = { graph: () => Pick<Graph, 'kindOf' | 'subscribe'>; texts: Texts };

/** More than any screen has; each costs memory for as long as it runs. */
const mostOperations = 1_000;

type Running = { isStopped: boolean; stream: Stream | null; abort: AbortController | null };

/** The operations that run on one connection, by the client's names for them. */
export class RunningOperations {
  readonly #sources: Sources;
  readonly #wire: Wire;
  readonly #say: Sayings;
  readonly #running = new Map<string, Running>();
  #isClosed = false;

  constructor(sources: Sources, wire: Wire, say: Sayings) {
    this.#sources = sources;
    this.#wire = wire;
    this.#say = say;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  /** Runs an operation; its answers are sent as they come. Gives the errors of one that was rejected, of which nothing is sent, else null. */
  async start(id: string, asked: Asked, context: RequestContext): Promise<readonly GraphQLError[] | null> {
    if (this.#isClosed) return null;
    if (this.#running.size >= mostOperations) return [refuse('RATE_LIMITED', `At most ${mostOperations} operations run on one connection.`)];
    try {
      return await this.#open(id, { source: this.#sources.texts.textOf(asked), operationName: asked.operationName, variables: asked.variables, extensions: asked.extensions, request: context });
    } catch (error) {
      if (error instanceof Rejected) return error.errors;
      throw error;
    }
  }

  async #open(id: string, operation: GraphOperation): Promise<readonly GraphQLError[] | null> {
    const graph = this.#sources.graph();
    // A subscription ends with its stream; other work has to be told.
    const abort = graph.kindOf(operation) === OperationTypeNode.SUBSCRIPTION ? null : new AbortController();
    const running: Running = { isStopped: false, stream: null, abort };
    this.#running.set(id, running);
    const answer = await graph.subscribe({ ...operation, signal: abort?.signal });
    if (isRejection(answer)) {
      if (running.isStopped) return null;
      this.#running.delete(id);
      return answer.errors;
    }
    this.#send(id, running, answer, operation.request).catch(() => this.#wire.close(1011, 'Internal error'));
    return null;
  }

  stop(id: string): void {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    end(running);
  }

  /** Nothing starts from now on. */
  close(): void {
    this.#isClosed = true;
    const all = [...this.#running.values()];
    this.#running.clear();
    for (const running of all) end(running);
  }

  async #send(id: string, running: Running, answer: Stream | ExecutionResult, context: RequestContext): Promise<void> {
    const name = JSON.stringify(id);
    if (isStream(answer)) {
      running.stream = answer;
      if (running.isStopped) end(running);
      // Not a function of its own: each that waits for an event holds a third of a KB of a stream that is idle.
      try {
        for (let event = await answer.next(); !event.done && !running.isStopped; event = await answer.next()) {
          const full = this.#wire.send(this.#say.next(name, event.value));
          if (full) await full;
        }
      } catch {
        await this.#wire.send(this.#say.next(name, { errors: [fault(context)] }));
      }
    } else if (!running.isStopped) await this.#wire.send(this.#say.next(name, answer));
    if (running.isStopped) return;
    this.#running.delete(id);
    await this.#wire.send(this.#say.complete(name));
  }
}

function end(running: Running): void {
  running.isStopped = true;
  running.abort?.abort();
  running.stream?.return?.().catch(() => undefined);
}
