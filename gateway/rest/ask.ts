import type { ExecutionResult } from 'graphql';
import { Failure, type FailureCode, failureCodes, type FailureDetail } from '../../schema/failures.ts';
import type { TypedOperation } from '../../schema/types/operation.ts';
import type { RequestContext } from '../../subgraphs/subgraph.ts';
import type { Graph } from '../graphql.ts';
import { isStream } from '../transport.ts';

type Asking = RequestContext & { signal?: AbortSignal | undefined };

/** Runs an operation for a REST request. Rejects with the Failure that the graph gave as its first error, or with a fault. */
export async function ask<Result extends object, Variables extends object>(graph: Graph, operation: TypedOperation<Result, Variables>, variables: Variables, asking: Asking): Promise<Result> {
  return dataOf<Result>(await graph.execute(operationOf(operation, variables, asking)));
}

/** The stream of a subscription's answers. */
export async function watch<Result extends object, Variables extends object>(graph: Graph, operation: TypedOperation<Result, Variables>, variables: Variables, asking: Asking): Promise<AsyncIterableIterator<Result>> {
  const answer = await graph.subscribe(operationOf(operation, variables, asking));
  if (!isStream(answer)) throw failureOf(answer) ?? new Error('a subscription answered without a stream');
  const results: AsyncIterableIterator<Result> = {
    async next() {
      const { done, value } = await answer.next();
      return done ? { done, value: undefined } : { done: false, value: dataOf<Result>(value) };
    },
    async return() {
      await answer.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}

function operationOf({ source, name }: { source: string; name: string }, variables: object, { signal, ...request }: Asking) {
  return { source, operationName: name, variables: { ...variables }, request, signal };
}

function dataOf<Result>(answer: ExecutionResult): Result {
  const failure = failureOf(answer);
  if (failure) throw failure;
  // The type was generated from the operation's text, which is what was executed.
  return answer.data as Result;
}

const codes: ReadonlySet<unknown> = new Set(failureCodes);

function failureOf({ errors }: ExecutionResult): Error | null {
  const [error] = errors ?? [];
  if (!error) return null;
  const { code, ...detail } = error.extensions;
  // What the graph rejects before it runs is a value that does not fit the schema's types: the caller's input.
  if (code === 'BAD_USER_INPUT') return new Failure('VALIDATION', error.message);
  if (code === 'TIMEOUT' || code === 'CANCELED') return new Failure('UNAVAILABLE', error.message);
  return codes.has(code) ? new Failure(code as FailureCode, error.message, detail as FailureDetail) : error;
}
