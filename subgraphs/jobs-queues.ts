import type { PgBoss } from 'pg-boss';
import type { Connection } from './database.ts';
import type { Definition, RunnableDefinition } from './jobs-runner.ts';

const schema = 'jobs';
const keptSeconds = 30 * 24 * 3600;

/** Jobs of a queue that ended without a last attempt of their own come to `<queue>.exhausted`. */
export function withExhausted(definition: Definition): Definition[] {
  const { queue, options: { exhausted } } = definition;
  if (!exhausted) return [definition];
  return [definition, { queue: exhaustedOf(queue), options: { concurrency: 1, retryLimit: 10, retryDelaySeconds: 5, deadlineSeconds: 60 }, run: definition.run && (({ data }) => exhausted(data)) }];
}

const exhaustedOf = (queue: string): string => `${queue}.exhausted`;

export const isRunHere = (definition: Definition): definition is RunnableDefinition => definition.run !== null;

type Preparation = { boss: PgBoss; connection: Connection; definitions: readonly Definition[]; heartbeatSeconds: number; isDefinedHere: (queue: string) => boolean };

export async function prepareQueues({ boss, connection, definitions, heartbeatSeconds, isDefinedHere }: Preparation): Promise<void> {
  const all = definitions.flatMap(withExhausted);
  const known = new Set(all.flatMap(({ queue, options: { formerly } }) => (formerly === undefined ? [queue] : [queue, formerly])));
  const existing = new Set((await boss.getQueues()).map(({ name }) => name));
  const orphaned = [...existing].filter((name) => !name.startsWith('__pgboss') && isDefinedHere(name) && !known.has(name));
  if (orphaned.length > 0) throw new Error(`no definition for the queues that exist: ${orphaned.join(', ')}`);
  // Those that others point to come first.
  for (const { queue, options } of all.reverse()) {
    const settings = {
      retryLimit: options.retryLimit, retryDelay: options.retryDelaySeconds ?? 0, retryBackoff: (options.retryDelaySeconds ?? 0) > 0,
      // Ours comes first; this one is for a process that is too stuck to look at its clock.
      expireInSeconds: options.deadlineSeconds + 60, heartbeatSeconds, deleteAfterSeconds: keptSeconds, retentionSeconds: keptSeconds,
      ...(options.exhausted ? { deadLetter: exhaustedOf(queue) } : {}),
    };
    if (existing.has(queue)) await boss.updateQueue(queue, settings);
    else await boss.createQueue(queue, settings);
    if (options.schedule) await boss.schedule(queue, options.schedule, {}, { tz: 'UTC' });
    if (options.formerly !== undefined && existing.has(options.formerly)) await takeAlong(connection, boss, options.formerly, queue);
  }
}

async function takeAlong(connection: Connection, boss: PgBoss, formerly: string, queue: string): Promise<void> {
  await connection.execute(`update ${schema}.job set name = $2 where name = $1 and state < 'completed'`, [formerly, queue]);
  await boss.deleteQueue(formerly);
}

/** Who owns the database alone knows that whatever was running is not running any more. */
export async function takeOver(connection: Connection, boss: PgBoss, queues: readonly string[]): Promise<void> {
  for (const queue of queues) {
    await connection.execute(`update ${schema}.job set state = 'retry', start_after = now(), heartbeat_on = null where name = $1 and state = 'active' and retry_count < retry_limit`, [queue]);
    const spent = await connection.execute(`select id from ${schema}.job where name = $1 and state = 'active'`, [queue]);
    if (spent.length > 0) await boss.fail(queue, spent.map(({ id }) => String(id)), { message: 'the process that ran it was killed' });
  }
}
