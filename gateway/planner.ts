import { createHash } from 'node:crypto';
import { type PlanNode, QueryPlanner } from '@graphql-hive/router-query-planner';
import { Rejected } from './errors.ts';
import { tooComplex, type Limits } from './limits.ts';
import { RecentlyUsed } from './recently-used.ts';

/** Plans operations over the subgraphs. */
export type Planner = {
  /** The plan of one normalised, validated operation without fragments, conditions and introspection. Null when nothing is to be fetched. */
  plan(operation: string): Promise<PlanNode | null>;
};

const cachedPlans = 2_000;

/**
 * The native planner behind its guards. It trusts its input (cycles and long chains of fragments crash the process), so it may only be given
 * what limits.ts and validation let pass, with fragments written out.
 */
export function createPlanner(supergraphSdl: string, limits: Limits): Planner {
  const native = new QueryPlanner(supergraphSdl);
  const plans = new RecentlyUsed<PlanNode | null>(cachedPlans);
  const underWay = new Map<string, Promise<PlanNode | null>>();
  const noLabels = new Set<string>();
  const planOnce = async (key: string, operation: string): Promise<PlanNode | null> => {
    try {
      const { node = null } = await withDeadline(native.planAsync(operation, null, noLabels, 0), limits);
      plans.set(key, node);
      return node;
    } finally {
      underWay.delete(key);
    }
  };
  return {
    async plan(operation) {
      const key = createHash('sha256').update(operation).digest('base64');
      const known = plans.get(key);
      if (known !== undefined) return known;
      const running = underWay.get(key) ?? planOnce(key, operation);
      underWay.set(key, running);
      return running;
    },
  };
}

/** Waits for a plan for the time that one may take. The native thread cannot be stopped; a late answer is let go. */
export async function withDeadline<Value>(work: Promise<Value>, limits: Limits): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  // A plan that was ready while the process was held up by something else still counts: it is delivered before setImmediate.
  const timer = setTimeout(() => setImmediate(() => reject(new Rejected([tooComplex('planTimeoutMs', limits)]))), limits.planTimeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
