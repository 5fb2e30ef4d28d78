import { Failure } from '../../schema/failures.ts';
import type { MutationCreateHeadshotModelArgs } from '../../schema/types/headshot.ts';
import { type AccountId, type ModelId, newModelId } from '../ids.ts';
import type { JobRun } from '../jobs.ts';
import { createPace } from '../picture-jobs.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { beginModel, insertModel } from './beginning.ts';
import { changeInvite, giveBack, type Parts, purgeModel } from './ending.ts';
import { costOf, keptUntil } from './rules.ts';
import { withoutFiles } from './selfie-files.ts';
import { abandonModel, type ModelJob, modelQueue, shootModel } from './shooting.ts';
import type { InviteRow, ModelRow } from './store.ts';

export type { Parts };
export type Models = ReturnType<typeof createModels>;

/** The whole life of a model: one person's headshots, from the first photo on. */
export function createModels(parts: Parts) {
  const { journal } = parts;
  const pace = createPace();
  return {
    /** For a person who accepted an invitation, which holds the credit. In the running transaction. */
    async beginInvited({ accountId, id, email, memberId, teamId, isDevelopment, expiresAt }: InviteRow, title: string): Promise<ModelRow> {
      return insertModel(parts, accountId, { id: newModelId(), email, title, memberId, teamId, isDevelopment, chargeId: costOf(isDevelopment) === 0 ? null : id, expiresAt });
    },
    /**
     * Puts a model whose selfies are complete, and whose credit is spent, in the line of those to be made: WAITING, told, and with its job, once. In
     * the running transaction. Null: it has ended.
     */
    start: async (accountId: AccountId, id: ModelId): Promise<ModelRow | null> => start(parts, accountId, id),
    /** Ends what has no photos yet. In the running transaction. */
    async withdraw(accountId: AccountId, id: ModelId): Promise<void> {
      const now = new Date();
      await journal.record(accountId, id, 'CANCELED', { status: 'DELETED', stage: 'deleted', endedAt: now, deletedAt: now });
    },
    /** For a person whom nobody invited. See `beginModel`. */
    create: async (caller: Caller, given: MutationCreateHeadshotModelArgs, keyed: Keyed | null, signal?: AbortSignal): Promise<ModelRow> => beginModel({ ...parts, start: async (accountId, id) => start(parts, accountId, id) }, caller, { given, keyed, signal }),
    /** Deletes it with its selfies and photos, and stops what is being made of them. Refuses with NOT_FOUND or ALREADY_DELETED. */
    remove: async ({ accountId }: Caller, id: ModelId | null): Promise<ModelId> => remove(parts, accountId, id),
    /** Deletes it but for its files, if it is there. */
    stop: async (accountId: AccountId, id: ModelId): Promise<void> => parts.platform.connection.transaction(async () => {
      const row = await hold(parts, accountId, id);
      if (row && row.status !== 'DELETED') await endModel(parts, row);
    }),
    /** Ends one to which no selfies came in time; nothing happens to others. */
    async expire(accountId: AccountId, id: ModelId): Promise<void> {
      await parts.platform.connection.transaction(async () => {
        const row = await hold(parts, accountId, id);
        if (row?.status === 'ONBOARDING' && row.expiresAt.getTime() <= Date.now()) await endModel(parts, row);
      });
      await purgeModel(parts, accountId, id);
    },
    /** Deletes selfies that were kept long enough, unless headshots are being made of them. */
    forget: async (accountId: AccountId, id: ModelId): Promise<void> => withoutFiles(parts.platform, async (deleteLater) => {
      const row = await hold(parts, accountId, id);
      if (row?.status !== 'ONBOARDING' && row?.endedAt === null) return;
      const { selfiesMs } = parts.platform.env.kept;
      deleteLater((await parts.store.deleteOldSelfies(accountId, id, new Date(Date.now() - selfiesMs))).map(({ blobKey }) => blobKey));
    }),
    /** Deletes one whose headshots were kept long enough; nothing happens to others. */
    async outlive(accountId: AccountId, id: ModelId): Promise<void> {
      await parts.platform.connection.transaction(async () => {
        const row = await hold(parts, accountId, id);
        const until = row && keptUntil(row, parts.platform.env.kept);
        if (row && until && until.getTime() <= Date.now()) await endModel(parts, row);
      });
      await purgeModel(parts, accountId, id);
    },
    /** Does the job. */
    run: async (job: JobRun<ModelJob>): Promise<void> => shootModel(parts, pace, job),
    abandon: async (job: ModelJob): Promise<void> => abandonModel(parts, job),
    /** Deletes the files that are of no use any more. */
    purge: async (accountId: AccountId, id: ModelId): Promise<void> => purgeModel(parts, accountId, id),
  };
}

async function start({ platform, journal }: Parts, accountId: AccountId, id: ModelId): Promise<ModelRow | null> {
  const row = await journal.record(accountId, id, 'STATUS', { status: 'WAITING', stage: 'queued' });
  const job: ModelJob = { accountId, subjectId: id };
  if (row) await platform.jobs.enqueue(modelQueue, job, { jobKey: id, tenant: accountId });
  return row;
}

async function remove(parts: Parts, accountId: AccountId, id: ModelId | null): Promise<ModelId> {
  if (!id) throw unknown();
  await parts.platform.connection.transaction(async () => {
    const row = await hold(parts, accountId, id);
    if (!row) throw unknown();
    if (row.status === 'DELETED') throw new Failure('ALREADY_DELETED', 'This model was deleted before');
    await endModel(parts, row);
  });
  await purgeModel(parts, accountId, id);
  return id;
}

async function hold({ store }: Parts, accountId: AccountId, id: ModelId): Promise<ModelRow | null> {
  await store.lockInviteOfModel(accountId, id);
  return store.lockModel(accountId, id);
}

/** In the running transaction, which holds it: it is deleted but for its files, nothing more is made of it, and what is not paid is given back. */
async function endModel(parts: Parts, row: ModelRow): Promise<void> {
  const { platform: { jobs }, store, journal } = parts;
  const { accountId, id } = row;
  const now = new Date();
  await store.markPhotosDeleted(accountId, id);
  await store.setFavorite(accountId, id, null);
  if (row.endedAt === null) {
    await giveBack(parts, row);
    await journal.record(accountId, id, 'CANCELED', { status: 'DELETED', stage: 'deleted', etaSeconds: null, endedAt: now, deletedAt: now });
    await jobs.cancel(modelQueue, id);
  } else {
    const deleted = await store.markModelDeleted(accountId, id);
    if (deleted) await journal.announce(deleted, 'model.deleted');
  }
  await changeInvite(parts, row, 'DELETED');
  if (row.memberId && row.status === 'ACTIVE') await store.changeMember(accountId, row.memberId, { status: 'ACCEPTED' });
}

const unknown = (): Failure => new Failure('NOT_FOUND', 'Model not found', { path: ['id'] });
