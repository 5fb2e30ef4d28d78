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
type Plan = (operation: string) => Promise<PlanNode | null>;
let first: Plan | null = null;
/** For what the first one finds no plan for. Made when it is needed: it takes time and as much room again. */
let second: (() => Promise<Plan | null>) | null = null;

const say = (answer: PlannerAnswer): void => void process.send?.(answer);
const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);

async function plan(id: number, operation: string): Promise<void> {
  try {
    if (!first) throw new Error('no supergraph is loaded');
    say({ kind: 'planned', id, node: await first(operation).catch((error: unknown) => planOtherwise(operation, error)) });
  } catch (error) {
    say({ kind: 'failed', id, message: messageOf(error) });
  }
}

async function planOtherwise(operation: string, error: unknown): Promise<PlanNode | null> {
  try {
    const other = await second?.();
    if (other) return await other(operation);
  } catch {
    // What the first one said is about the supergraph that there is.
  }
  throw error;
}

function planner(sdl: string): Plan {
  const native = new QueryPlanner(sdl);
  return async (operation) => (await native.planAsync(operation, null, noLabels, 0)).node ?? null;
}

async function apartPlanner(supergraphSdl: string): Promise<Plan | null> {
  const { requirementsApart, withOwners } = await import('./requirements-apart.ts');
  const apart = requirementsApart(supergraphSdl);
  if (!apart) return null;
  const plan = planner(apart.sdl);
  return async (operation) => withOwners(await plan(operation), apart);
}

function load(supergraphSdl: string): void {
  try {
    first = planner(supergraphSdl);
    let made: Promise<Plan | null> | null = null;
    second = () => made ??= apartPlanner(supergraphSdl);
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
