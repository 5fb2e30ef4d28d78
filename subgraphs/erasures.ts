import type { Generated } from 'kysely';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import type { Connection, Store } from './database.ts';
import { type AccountId, type ClientId, type ErasureId, newErasureId } from './ids.ts';
import type { Jobs } from './jobs.ts';

type ErasureTables = {
  erasure: { id: ErasureId; account_id: AccountId; client_id: ClientId; requested_at: Generated<Date>; completed_at: Date | null };
  erasure_count: { erasure_id: ErasureId; subgraph: SubgraphName; rows: number; files: number };
};

/** What was removed. */
export type ErasedCount = { rows: number; files: number };
export type ErasureRow = { id: ErasureId; accountId: AccountId; clientId: ClientId; requestedAt: Date; completedAt: Date | null };
export type Subject = { accountId: AccountId; clientId: ClientId };

/**
 * Removes all that a subgraph keeps of a client. Safe to be done twice and to be interrupted anywhere: files first, then the rows that name
 * them, and `settle` in the transaction of those rows. `aboutIds`: what jobs may be kept of.
 */
export type EraseSubject = (subject: Subject, settle: (count: ErasedCount, aboutIds: readonly string[]) => Promise<void>) => Promise<void>;

/** Removes people from all subgraphs, each by a durable job with a receipt. */
export type Erasures = {
  /** Says how a subgraph forgets a client; in this order they are asked. Before the jobs start. */
  define(subgraph: SubgraphName, erase: EraseSubject): void;
  /** In the running transaction. `count`: what it has removed already. */
  request(subgraph: SubgraphName, subject: Subject, count: ErasedCount): Promise<ErasureRow>;
  find(accountId: AccountId, id: ErasureId): Promise<ErasureRow | null>;
  /** Of all subgraphs, also those that kept nothing. */
  counts(accountId: AccountId, id: ErasureId): Promise<({ subgraph: SubgraphName } & ErasedCount)[]>;
};

type ErasureJob = Subject & { erasureId: ErasureId };

const queue = 'enterprise.erasure';
const columns = ['id', 'account_id as accountId', 'client_id as clientId', 'requested_at as requestedAt', 'completed_at as completedAt'] as const;

export function createErasures(connection: Connection, jobs: Jobs): Erasures {
  const store = connection.store<ErasureTables>('enterprise');
  const parts = new Map<SubgraphName, EraseSubject>();
  // Somebody's right: it is tried for days before it counts as failed.
  jobs.define<ErasureJob>(queue, { concurrency: 2, retryLimit: 50, retryDelaySeconds: 2, deadlineSeconds: 600 }, async ({ data: { accountId, clientId, erasureId }, signal }) => {
    for (const [subgraph, erase] of parts) {
      signal.throwIfAborted();
      await erase({ accountId, clientId }, async (count, aboutIds) => {
        await add(store, erasureId, subgraph, count);
        await jobs.forget(aboutIds);
      });
    }
    await store().updateTable('erasure').set({ completed_at: new Date() }).where('account_id', '=', accountId).where('id', '=', erasureId).where('completed_at', 'is', null).execute();
  });
  return {
    define: (subgraph, erase) => void parts.set(subgraph, erase),
    request: (subgraph, { accountId, clientId }, count) => connection.transaction(async () => {
      const row = await store().insertInto('erasure').values({ id: newErasureId(), account_id: accountId, client_id: clientId, completed_at: null }).returning(columns).executeTakeFirstOrThrow();
      await add(store, row.id, subgraph, count);
      const job: ErasureJob = { accountId, clientId, erasureId: row.id };
      await jobs.enqueue(queue, job, { jobKey: row.id, tenant: accountId });
      return row;
    }),
    find: async (accountId, id) => (await store().selectFrom('erasure').select(columns).where('account_id', '=', accountId).where('id', '=', id).executeTakeFirst()) ?? null,
    counts: async (accountId, id) => {
      const rows = await store().selectFrom('erasure_count').innerJoin('erasure', 'erasure.id', 'erasure_id').select(['subgraph', 'rows', 'files'])
        .where('account_id', '=', accountId).where('erasure_id', '=', id).execute();
      return subgraphNames.map((subgraph) => rows.find((row) => row.subgraph === subgraph) ?? { subgraph, rows: 0, files: 0 });
    },
  };
}

async function add(store: Store<ErasureTables>, erasureId: ErasureId, subgraph: SubgraphName, { rows, files }: ErasedCount): Promise<void> {
  await store().insertInto('erasure_count').values({ erasure_id: erasureId, subgraph, rows, files })
    .onConflict((conflict) => conflict.columns(['erasure_id', 'subgraph']).doUpdateSet(({ eb }) => ({ rows: eb('erasure_count.rows', '+', rows), files: eb('erasure_count.files', '+', files) }))).execute();
}
