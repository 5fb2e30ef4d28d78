import { type PlanNode, QueryPlanner } from '@graphql-hive/router-query-planner';

/** What the gateway tells the planner's process. */
export type PlannerOrder = { kind: 'load'; supergraphSdl: string } | { kind: 'plan'; id: number; operation: string };
/** What it answers. A plan is null when nothing is to be fetched. */
export type PlannerAnswer =
  | { kind: 'loaded' }
  | { kind: 'refused'; message: string }
  | { kind: 'planned'; id: number; node: PlanNode | null }
  | { kind: 'failed'; id: number; message: string };

const noLabels = new Set<string>();
let native: QueryPlanner | null = null;

const say = (answer: PlannerAnswer): void => void process.send?.(answer);
const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

async function plan(id: number, operation: string): Promise<void> {
  try {
    if (!native) throw new Error('no supergraph is loaded');
    const { node = null } = await native.planAsync(operation, null, noLabels, 0);
    say({ kind: 'planned', id, node });
  } catch (error) {
    say({ kind: 'failed', id, message: messageOf(error) });
  }
}

function load(supergraphSdl: string): void {
  try {
    native = new QueryPlanner(supergraphSdl);
    say({ kind: 'loaded' });
  } catch (error) {
    say({ kind: 'refused', message: messageOf(error) });
  }
}

process.on('message', (order: PlannerOrder) => {
  if (order.kind === 'load') load(order.supergraphSdl);
  else void plan(order.id, order.operation);
});
// The gateway has gone, however it went.
process.on('disconnect', () => process.exit(0));
// A terminal signals the whole group; the gateway still plans while it stops.
process.on('SIGINT', () => undefined);
