import { type ExecutionResult, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { Spending } from '../subgraphs/spending.ts';
import { createAdmission } from './admission.ts';
import type { Documents } from './documents.ts';
import type { Deliver, Delivery } from './delivery.ts';
import { createMasker, fault, refuse, Rejected, withoutSuggestions } from './errors.ts';
import type { Graph, GraphOperation } from './graphql.ts';
import { createQueryJoining, type IdentityOf } from './joined-queries.ts';
import { type Lifetime, Lifetimes } from './lifetime.ts';
import type { Limits } from './limits.ts';
import { Parts } from './parts.ts';
import type { Call, Stream } from './transport.ts';

type Surroundings = { documents: Documents; limits: Limits; openIntrospection: boolean; joinQueries: IdentityOf; spending: Spending | null; log: Logger };

/** The ways to ask a graph: each admits an operation once, keeps its time, and answers whatever goes wrong. */
export function createAsking({ documents, limits, openIntrospection, joinQueries, spending, log }: Surroundings): Pick<Graph, 'execute' | 'answer' | 'deliver' | 'subscribe'> {
  const lifetimes = new Lifetimes(limits.operationTimeoutMs);
  const admit = createAdmission(limits, openIntrospection, spending);
  const prepare = (operation: GraphOperation, inParts = false) => {
    const { source, operationName, request } = operation;
    const prepared = documents.get(source, operationName);
    const variables = prepared.coerce(operation.variables);
    if (prepared.kind === OperationTypeNode.SUBSCRIPTION) throw new Rejected([refuse('BAD_REQUEST', 'Subscriptions are served over WebSocket, server-sent events and multipart/mixed.')]);
    const cost = admit(prepared, variables, operation);
    return { variables, cost, isQuery: prepared.kind === OperationTypeNode.QUERY, executable: prepared.executable(request.caller, variables, inParts) };
  };
  type Prepared = ReturnType<typeof prepare>;

  const run = (operation: GraphOperation, prepare: () => Prepared): Promise<ExecutionResult> => lifetimes.run(operation.signal, async (lifetime) => {
    const { variables, cost, executable } = prepare();
    const result = await (executable instanceof Promise ? await executable : executable).execute({ variables, request: operation.request, lifetime });
    return withCost(operation, result, cost);
  }, (result) => result);
  const execute: Graph['execute'] = (operation) => run(operation, () => prepare(operation)).catch((error: unknown) => answerFor(error, operation, log));

  const join = createQueryJoining(joinQueries);
  const answerAlone = ({ request }: GraphOperation, { variables, executable }: Prepared, signal: AbortSignal | undefined) => lifetimes.run<Buffer | null>(
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

  const deliver: Graph['deliver'] = async (operation) => {
    try {
      const prepared = prepare(operation, true);
      const executable = await prepared.executable;
      return executable.deliver ? inParts(executable.deliver, operation, prepared, lifetimes, log) : await run(operation, () => prepared);
    } catch (error) {
      return answerFor(error, operation, log);
    }
  };

  const open = async (operation: GraphOperation): Promise<Stream | ExecutionResult> => {
    const prepared = documents.get(operation.source, operation.operationName);
    if (prepared.kind !== OperationTypeNode.SUBSCRIPTION) return execute(operation);
    const variables = prepared.coerce(operation.variables);
    admit(prepared, variables, operation);
    const executable = await prepared.executable(operation.request.caller, variables);
    return executable.subscribe({ variables, request: operation.request, lifetime: null }, operation.signal);
  };
  const subscribe: Graph['subscribe'] = (operation) => open(operation).catch((error: unknown) => answerFor(error, operation, log));
  return { execute, answer, deliver, subscribe };
}

/** Runs until the last part is made, or nobody reads any more. */
function inParts(deliver: Deliver, operation: GraphOperation, { variables, cost }: { variables: Call['variables']; cost: object }, lifetimes: Lifetimes, log: Logger): Stream {
  const { request, signal: outer } = operation;
  const gone = new AbortController();
  const parts = new Parts(() => gone.abort());
  const signal = outer ? AbortSignal.any([outer, gone.signal]) : gone.signal;
  let delivery: Delivery | null = null;
  const work = async (lifetime: Lifetime): Promise<void> => {
    delivery = deliver({ variables, request, lifetime }, (part) => parts.push('data' in part ? withCost(operation, part, cost) : part));
    await delivery.done;
  };
  lifetimes.run(signal, work, (result) => delivery?.giveUp(result)).catch((error: unknown) => {
    log.error({ err: error, requestId: request.requestId }, 'fault while answering an operation');
    delivery?.giveUp({ errors: [fault(request)], data: null });
  }).finally(() => parts.end());
  return parts;
}

function withCost(operation: GraphOperation, result: ExecutionResult, cost: object): ExecutionResult {
  return operation.extensions?.['cost'] === true ? { ...result, extensions: { ...result.extensions, cost } } : result;
}

/** The answer in place of what was thrown. */
function answerFor(error: unknown, { request }: GraphOperation, log: Logger): ExecutionResult {
  return { errors: error instanceof Rejected ? withoutSuggestions(error.errors, request) : [createMasker(request, log).place(error, undefined, 'gateway')] };
}
