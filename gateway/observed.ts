import { type ExecutionResult, OperationTypeNode } from 'graphql';
import { type Metrics, secondsSince } from '../subgraphs/metrics.ts';
import { beginTrace, type Span, spanned, type Trace, type Tracer, withinTrace } from '../subgraphs/traces.ts';
import type { Documents } from './documents.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import { type Call, isStream, type Stream, type SubgraphAnswer, type Transport } from './transport.ts';

/** Who looks on while the graph is asked. */
export type Observer = { metrics: Metrics; tracer: Tracer | null };
type Asking = Pick<Graph, 'execute' | 'answer' | 'deliver' | 'subscribe'>;
type Outcome = 'ok' | 'errors' | 'rejected';

/** The ways to ask a graph, by whatever door: each operation is measured, and belongs to the trace of its request. */
export function observed(asking: Asking, kindOf: Documents['kindOf'], { metrics, tracer }: Observer): Asking {
  const watched = async <Answer>(operation: GraphOperation, work: () => Promise<Answer>, outcomeOf: (answer: Answer) => Outcome | null): Promise<Answer> => {
    const startedAt = performance.now();
    const { request } = operation;
    const span = tracer?.start('graphql operation', { kind: 'internal', parent: request.trace ?? null });
    // Copies of a request would have loaders of their own, so it is told in place; operations of a batch have requests of their own.
    const trace = request.trace = span?.trace ?? request.trace ?? beginTrace(request.requestId);
    const answer = await withinTrace(trace, work);
    const outcome = outcomeOf(answer);
    // Null: the same operation is asked again in another way.
    if (outcome !== null) metrics.operations.observe({ kind: kindOf(operation) ?? 'unknown', outcome }, secondsSince(startedAt));
    if (span) endSpan(span, operation, kindOf, outcome);
    return answer;
  };
  return {
    execute: (operation) => watched(operation, () => asking.execute(operation), outcomeOfResult),
    answer: (operation) => watched(operation, () => asking.answer(operation), (bytes) => (bytes === null ? null : outcomeOfBytes(bytes))),
    deliver: (operation) => watched(operation, () => asking.deliver(operation), outcomeOfResult),
    async subscribe(operation) {
      const answer = await watched(operation, () => asking.subscribe(operation), outcomeOfResult);
      return isStream(answer) && kindOf(operation) === OperationTypeNode.SUBSCRIPTION ? counted(answer, metrics) : answer;
    },
  };
}

function endSpan(span: Span, operation: GraphOperation, kindOf: Documents['kindOf'], outcome: Outcome | null): void {
  const attributes = { 'graphql.operation.type': kindOf(operation) ?? 'unknown', ...operation.operationName && { 'graphql.operation.name': operation.operationName.slice(0, 128) } };
  span.end({ failed: outcome === 'rejected', attributes: { ...attributes, 'lookgraph.outcome': outcome ?? 'asked again' } });
}

function outcomeOfResult(answer: ExecutionResult | Stream): Outcome {
  if (isStream(answer)) return 'ok';
  return answer.data === undefined ? 'rejected' : answer.errors ? 'errors' : 'ok';
}

/** Errors stand first in the text of an answer. */
const outcomeOfBytes = (bytes: Buffer): Outcome => (bytes[2] === 'e'.charCodeAt(0) ? 'errors' : 'ok');

/** Counts a subscription for as long as it is open. */
function counted(stream: Stream, metrics: Metrics): Stream {
  let isOpen = true;
  metrics.subscriptions.inc();
  const close = (): void => {
    if (isOpen) metrics.subscriptions.dec();
    isOpen = false;
  };
  return {
    async next() {
      try {
        const result = await stream.next();
        if (result.done) close();
        else metrics.subscriptionEvents.inc();
        return result;
      } catch (error) {
        close();
        throw error;
      }
    },
    async return() {
      close();
      return stream.return ? stream.return() : { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** The way to one subgraph: each call is measured, and is a span of its own where there is a tracer. */
export function observedTransport(subgraph: string, transport: Transport, { metrics, tracer }: Observer): Transport {
  return {
    ...transport,
    prepare(operation) {
      const send = transport.prepare(operation);
      const measured = async (call: Call): Promise<SubgraphAnswer> => {
        const startedAt = performance.now();
        const note = (outcome: string): void => metrics.fetches.observe({ subgraph, kind: operation.kind, outcome }, secondsSince(startedAt));
        try {
          const answer = await send(call);
          note(answer.errors ? 'errors' : 'ok');
          return answer;
        } catch (error) {
          note('fault');
          throw error;
        }
      };
      if (!tracer) return measured;
      return (call) => spanned(tracer, `subgraph ${subgraph}`, optionsOf(call, operation.kind), (trace) => measured({ ...call, trace }));
    },
    prepareStream(operation) {
      const open = transport.prepareStream(operation);
      if (!tracer) return open;
      return (call) => spanned(tracer, `subgraph ${subgraph}`, optionsOf(call, operation.kind), (trace) => open({ ...call, trace }));
    },
  };
}

function optionsOf({ request }: Call, kind: string): { kind: 'client'; parent: Trace | null; attributes: Record<string, string> } {
  return { kind: 'client', parent: request.trace ?? null, attributes: { 'graphql.operation.type': kind } };
}
