import { type ExecutionResult, type GraphQLError, OperationTypeNode } from 'graphql';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Asked } from './asked.ts';
import { fault, refuse } from './errors.ts';
import type { Graph } from './graphql.ts';
import { isRejection, isStream, type Stream } from './transport.ts';

/** What the protocols of GraphQL over WebSocket have in common. Undefined: there was room to send at once. */
export type Wire = { send(text: string): Promise<void> | undefined; close(code: number, reason: string): void };

/** How one protocol says what becomes of an operation. Identifiers are JSON text. */
export type Sayings = {
  next(id: string, answer: ExecutionResult): string;
  error(id: string, errors: readonly GraphQLError[]): string;
  complete(id: string): string;
};

/** The part of a connection's life that a protocol decides. */
export type Connection = {
  receive(text: string): void;
  /** Called now and then while the connection is open. */
  beat(): void;
  closed(): void;
};

/** More than any screen has; each costs memory for as long as it runs. */
const mostOperations = 1_000;

type Running = { isStopped: boolean; stream: Stream | null; abort: AbortController | null };

/** The operations that run on one socket, by the client's names for them. */
export class SocketOperations {
  readonly #graph: Pick<Graph, 'kindOf' | 'subscribe'>;
  readonly #wire: Wire;
  readonly #say: Sayings;
  readonly #running = new Map<string, Running>();
  #isClosed = false;

  constructor(graph: Pick<Graph, 'kindOf' | 'subscribe'>, wire: Wire, say: Sayings) {
    this.#graph = graph;
    this.#wire = wire;
    this.#say = say;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  start(id: string, asked: Asked, context: RequestContext): void {
    if (this.#isClosed) return;
    if (this.#running.size >= mostOperations) {
      void this.#wire.send(this.#say.error(JSON.stringify(id), [refuse('RATE_LIMITED', `At most ${mostOperations} operations run on one connection.`)]));
      return;
    }
    const running: Running = { isStopped: false, stream: null, abort: null };
    this.#running.set(id, running);
    this.#run(id, running, asked, context).catch(() => this.#wire.close(1011, 'Internal error'));
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

  async #run(id: string, running: Running, asked: Asked, context: RequestContext): Promise<void> {
    const last = await this.#answer(JSON.stringify(id), running, asked, context);
    if (running.isStopped) return;
    this.#running.delete(id);
    await this.#wire.send(last);
  }

  /** Sends the answers; gives the message that is to be the last. */
  async #answer(name: string, running: Running, { query, operationName, variables }: Asked, context: RequestContext): Promise<string> {
    const operation = { source: query, operationName, variables, request: context };
    // A subscription ends with its stream; other work has to be told.
    if (this.#graph.kindOf(operation) !== OperationTypeNode.SUBSCRIPTION) running.abort = new AbortController();
    const answer = await this.#graph.subscribe({ ...operation, signal: running.abort?.signal });
    if (isStream(answer)) await this.#forward(name, running, answer, context);
    else if (isRejection(answer)) return this.#say.error(name, answer.errors);
    else if (!running.isStopped) await this.#wire.send(this.#say.next(name, answer));
    return this.#say.complete(name);
  }

  async #forward(name: string, running: Running, stream: Stream, context: RequestContext): Promise<void> {
    running.stream = stream;
    if (running.isStopped) end(running);
    try {
      for (;;) {
        const { done, value } = await stream.next();
        if (done || running.isStopped) return;
        const full = this.#wire.send(this.#say.next(name, value));
        if (full) await full;
      }
    } catch {
      await this.#wire.send(this.#say.next(name, { errors: [fault(context)] }));
    }
  }
}

function end(running: Running): void {
  running.isStopped = true;
  running.abort?.abort();
  running.stream?.return?.().catch(() => undefined);
}
