import { createHash } from 'node:crypto';
import type { PlanNode } from '@graphql-hive/router-query-planner';
import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { secondsSince } from '../subgraphs/metrics.ts';
import { currentTrace, spanned } from '../subgraphs/traces.ts';
import { Rejected, Unavailable } from './errors.ts';
import { tooComplex, type Limits } from './limits.ts';
import type { Observer } from './observed.ts';
import { type PlannerProcess, type PlanOutcome, startPlannerProcess } from './planner-process.ts';
import { RecentlyUsed } from './recently-used.ts';

/** Plans operations over the subgraphs. */
export type Planner = {
  /** The plan of one normalised, validated operation without fragments, conditions and introspection. Null when nothing is to be fetched. */
  plan(operation: string): Promise<PlanNode | null>;
  stop(): void;
};

const cachedPlans = 2_000;
/** A process holds about 60 MB; the plans of a running graph are soon all in the cache. */
const idleMs = 10 * 60_000;
const retryAfterSeconds = 5;

/**
 * The native planner in a process of its own, behind its guards. It trusts its input: cycles and long chains of fragments crash it, and what it has
 * begun cannot be stopped. So it may only be given what limits.ts and validation let pass, with fragments written out; and what crashes or stalls it
 * all the same costs that one operation and nothing else. Rejects when the supergraph is refused.
 */
export async function createPlanner(supergraphSdl: string, limits: Limits, log: Logger, observer?: Observer): Promise<Planner> {
  const plans = new RecentlyUsed<PlanNode | null | Rejected>(cachedPlans);
  const underWay = new Map<string, Promise<PlanNode | null>>();
  const processes = createProcesses(supergraphSdl, limits, log);
  try {
    await processes.loaded;
  } catch (error) {
    processes.stop();
    throw error;
  }
  const planOnce = async (key: string, operation: string): Promise<PlanNode | null> => {
    try {
      const node = await (observer ? measured(observer, () => processes.plan(operation)) : processes.plan(operation));
      plans.set(key, node);
      return node;
    } catch (error) {
      // It would end the next process as well.
      if (error instanceof Rejected && error.errors[0] === unplannable) plans.set(key, error);
      throw error;
    } finally {
      underWay.delete(key);
    }
  };
  return {
    async plan(operation) {
      const key = createHash('sha256').update(operation).digest('base64');
      const known = plans.get(key);
      if (known instanceof Rejected) throw known;
      if (known !== undefined) return known;
      const running = underWay.get(key) ?? planOnce(key, operation);
      underWay.set(key, running);
      return running;
    },
    stop: processes.stop,
  };
}

async function measured<T>({ metrics, tracer }: Observer, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const note = (outcome: string): void => metrics.plans.observe({ outcome }, secondsSince(startedAt));
  try {
    const planned = await (tracer ? spanned(tracer, 'plan', { kind: 'internal', parent: currentTrace() }, work) : work());
    note('planned');
    return planned;
  } catch (error) {
    note(error instanceof Rejected ? 'rejected' : 'fault');
    throw error;
  }
}

const unplannable = new GraphQLError('Operation is too complex: it cannot be planned. Divide it.', { extensions: { code: 'OPERATION_TOO_COMPLEX' } });

/**
 * One process for all operations, and a second for those that were in one that died: there they are tried one by one, so that the one to blame
 * is known and the others get their plans.
 */
function createProcesses(supergraphSdl: string, limits: Limits, log: Logger) {
  const start = (): PlannerProcess => startPlannerProcess(supergraphSdl, (said) => log.error({ said }, 'the planner ended; it is started again'));
  let shared = start();
  const idle = setTimeout(() => {
    if (shared.size() === 0) shared.kill();
    else idle.refresh();
  }, idleMs).unref();

  const ask = async (planner: PlannerProcess, operation: string): Promise<PlanOutcome> => {
    const outcome = await within(limits.planTimeoutMs, planner.plan(operation));
    if (outcome) return outcome;
    // It would go on for nobody, on a core that others need.
    planner.kill();
    throw new Rejected([tooComplex('planTimeoutMs', limits)]);
  };
  let last: Promise<unknown> = Promise.resolve();
  const askAlone = async (operation: string): Promise<PlanOutcome> => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    last = promise;
    await before;
    const planner = start();
    try {
      await planner.loaded.catch((error: unknown) => {
        throw new Unavailable('the planner does not start', retryAfterSeconds, error);
      });
      return await ask(planner, operation);
    } finally {
      planner.kill();
      resolve(undefined);
    }
  };
  return {
    loaded: shared.loaded,
    async plan(operation: string): Promise<PlanNode | null> {
      if (!shared.isAlive()) shared = start();
      idle.refresh();
      let outcome = await ask(shared, operation);
      if (outcome.kind === 'died') outcome = await askAlone(operation);
      if (outcome.kind === 'planned') return outcome.node;
      if (outcome.kind === 'died') throw new Rejected([unplannable]);
      throw new Error(`the planner refuses an operation: ${outcome.message}`);
    },
    stop(): void {
      clearTimeout(idle);
      shared.kill();
    },
  };
}

/** What comes in time, else null. */
async function within<Value>(timeoutMs: number, work: Promise<Value>): Promise<Value | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  // What was ready while the process was held up by something else still counts: it is delivered before setImmediate.
  const timer = setTimeout(() => setImmediate(() => resolve(null)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
