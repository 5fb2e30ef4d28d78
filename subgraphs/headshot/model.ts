import { randomBytes } from 'node:crypto';
import { type AccountId, type ModelId, newModelId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Journal } from './progress.ts';
import { costOf } from './rules.ts';
import type { InviteRow, ModelRow, Store } from './store.ts';

/** The queue that makes headshots of complete selfies. */
export const modelQueue = 'headshot.model';
export type ModelJob = { accountId: AccountId; subjectId: ModelId };
export type Parts = { platform: Platform; store: Store; journal: Journal };
export type Models = ReturnType<typeof createModels>;

/** The whole life of a model: one person's headshots, from the first photo on. */
export function createModels({ platform, store, journal }: Parts) {
  return {
    /** For a person who accepted an invitation, which holds the credit. In the running transaction. */
    async beginInvited({ accountId, id, email, memberId, teamId, isDevelopment, expiresAt }: InviteRow, title: string): Promise<ModelRow> {
      const row = await store.insertModel(accountId, {
        id: newModelId(), uid: newUid(), email, title, memberId, teamId, clientId: null, pictureId: null, isDevelopment, chargeId: costOf(isDevelopment) === 0 ? null : id, gender: null,
        status: 'ONBOARDING', stage: 'onboarding', percent: 0, etaSeconds: null, lastSeq: 1, failure: null, favoriteId: null, updatedAt: new Date(), expiresAt, finishedAt: null, endedAt: null, deletedAt: null,
      });
      await journal.begin(row);
      return row;
    },
    /**
     * Puts a model whose selfies are complete, and whose credit is spent, in the line of those to be made: WAITING, told, and with its job, once. In
     * the running transaction. Null: it has ended.
     */
    async start(accountId: AccountId, id: ModelId): Promise<ModelRow | null> {
      const row = await journal.record(accountId, id, 'STATUS', { status: 'WAITING', stage: 'queued' });
      const job: ModelJob = { accountId, subjectId: id };
      if (row) await platform.jobs.enqueue(modelQueue, job, { jobKey: id, tenant: accountId });
      return row;
    },
    /** Ends what has no photos yet. In the running transaction. */
    async withdraw(accountId: AccountId, id: ModelId): Promise<void> {
      const now = new Date();
      await journal.record(accountId, id, 'CANCELED', { status: 'DELETED', stage: 'deleted', endedAt: now, deletedAt: now });
    },
  };
}

const newUid = (): string => `anon_${randomBytes(10).toString('hex')}`;
