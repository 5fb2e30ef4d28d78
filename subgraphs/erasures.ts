import type { Generated } from 'kysely';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import type { Connection, Store } from './database.ts';
import { type AccountId, type ClientId, type ErasureId } from './ids.ts';
import type { Jobs, QueueOptions } from './jobs.ts';

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
 * them, and `settle` in the transaction of those rows. `aboutIds`: what jobs may be kept of. Where something else may remove a part of it meanwhile, all of it
 * is counted by `foresee` in the transaction that lets that begin; the first count is the one that stands.
 */
export type EraseSubject = (subject: Subject, settle: (count: ErasedCount, aboutIds: readonly string[]) => Promise<void>, foresee: (count: ErasedCount) => Promise<void>) => Promise<void>;

/** Removes people from all subgraphs, each by a durable job of its own, with a receipt. */
export type Erasures = {
  /** Says how a subgraph forgets a client. Before the jobs start, in every process that runs the jobs of that subgraph. */
  define(subgraph: Keeper, erase: EraseSubject): void;
  /** In the running transaction. `count`: what it has removed already. */
  request(subgraph: SubgraphName, subject: Subject & { id: ErasureId }, count: ErasedCount): Promise<ErasureRow>;
  find(accountId: AccountId, id: ErasureId): Promise<ErasureRow | null>;
  /** Of all subgraphs, also those that kept nothing. */
  counts(accountId: AccountId, id: ErasureId): Promise<({ subgraph: SubgraphName } & ErasedCount)[]>;
};

type ErasureJob = Subject & { erasureId: ErasureId };
type Keeper = (typeof keepers)[number];

/** The subgraphs that keep anything of clients, in the order in which they forget it. Wherever each one's jobs run, it follows the one before. */
const keepers = ['enterprise', 'hairstyle', 'skinshade', 'headshot'] as const satisfies readonly SubgraphName[];
const queueOf = (subgraph: Keeper): string => `${subgraph}.erasure`;
/** Somebody's right: it is tried for days before it counts as failed. */
const options: QueueOptions<ErasureJob> = { concurrency: 2, retryLimit: 50, retryDelaySeconds: 2, deadlineSeconds: 600 };
const columns = ['id', 'account_id as accountId', 'client_id as clientId', 'requested_at as requestedAt', 'completed_at as completedAt'] as const;

export function createErasures(connection: Connection, jobs: Jobs): Erasures {
  const store = connection.store<ErasureTables>('enterprise');
  const begin = (subgraph: Keeper, job: ErasureJob): Promise<void> => jobs.enqueue(queueOf(subgraph), job, { jobKey: job.erasureId, tenant: job.accountId });
  const complete = async ({ accountId, erasureId }: ErasureJob): Promise<void> => {
    await store().updateTable('erasure').set({ completed_at: new Date() }).where('account_id', '=', accountId).where('id', '=', erasureId).where('completed_at', 'is', null).execute();
  };
  for (const subgraph of keepers) jobs.define(queueOf(subgraph), options, null);
  return {
    define: (subgraph, erase) => jobs.define<ErasureJob>(queueOf(subgraph), options, async ({ data }) => {
      const { accountId, clientId, erasureId } = data;
      await erase({ accountId, clientId }, async (count, aboutIds) => {
        await add(store, erasureId, subgraph, count);
        await jobs.forget(aboutIds);
      }, async (count) => {
        await store().insertInto('erasure_count').values({ erasure_id: erasureId, subgraph, ...count }).onConflict((conflict) => conflict.columns(['erasure_id', 'subgraph']).doNothing()).execute();
      });
      const next = keepers[keepers.indexOf(subgraph) + 1];
      await (next ? begin(next, data) : complete(data));
    }),
    request: (subgraph, { accountId, clientId, id }, count) => connection.transaction(async () => {
      const row = await store().insertInto('erasure').values({ id, account_id: accountId, client_id: clientId, completed_at: null }).returning(columns).executeTakeFirstOrThrow();
      await add(store, row.id, subgraph, count);
      await begin(keepers[0], { accountId, clientId, erasureId: row.id });
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
