import { GraphQLError } from 'graphql';
import type { Spending } from '../subgraphs/spending.ts';
import { createBudgets } from './budgets.ts';
import type { PreparedOperation } from './documents.ts';
import { refuse, Rejected } from './errors.ts';
import type { GraphOperation } from './graphql.ts';
import { type Limits, tooComplex } from './limits.ts';

/** What an operation costs and what it may cost, as `extensions.cost` says it. `remaining` is null for who has no key. */
export type CostReport = { operation: number; limit: number; perMinute: number; remaining: number | null };

/**
 * Decides whether an operation is run: the schema for those who may see it, cost within the limit and within the budget of its key. Nothing was
 * executed when it throws Rejected. Who has no key reads public lists only, each operation within the limit.
 */
export function createAdmission(limits: Limits, openIntrospection: boolean, spending: Spending | null) {
  const budgets = createBudgets(limits.costPerMinute, { spending });
  return (prepared: PreparedOperation, variables: Readonly<Record<string, unknown>>, { request: { caller } }: GraphOperation): CostReport => {
    if (prepared.introspects && !caller && !openIntrospection) throw new Rejected([refuse('UNAUTHENTICATED', 'Introspection needs a key')]);
    const operation = prepared.cost(variables);
    if (operation > limits.cost) throw new Rejected([tooComplex('cost', limits)]);
    const spent = caller ? budgets.spend(caller.keyId, operation) : null;
    if (spent && spent.retryAfterSeconds !== null) {
      const message = `This key has spent its budget of ${limits.costPerMinute} a minute; the operation costs ${operation}, ${spent.remaining} are left`;
      throw new Rejected([new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', retryAfterSeconds: spent.retryAfterSeconds } })]);
    }
    return { operation, limit: limits.cost, perMinute: limits.costPerMinute, remaining: spent?.remaining ?? null };
  };
}
