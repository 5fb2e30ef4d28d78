import assert from 'node:assert/strict';
import { Failure } from '../../schema/failures.ts';
import type { JobStatus } from '../../schema/types/headshot.ts';
import { type EventLog, jobEvents, type JobEventKind, mapEvents, oncePerEvent } from '../events.ts';
import type { AccountId, InviteId, ModelId, PhotoId } from '../ids.ts';
import type { Announce } from './announcing.ts';
import type { EventBody, HeadshotEventModel, Progress } from './models.ts';
import type { Advance, InviteRow, ModelRow, Store } from './store.ts';

export type Journal = ReturnType<typeof createJournal>;

/** The events of models, each in the model's own stream, and of invitations in their account's, in the transaction of what they tell. */
export function createJournal(store: Store, events: EventLog<EventBody>, announce: Announce) {
  return {
    /** Writes the first event of a model that was inserted with `lastSeq` 1. */
    async begin(row: ModelRow): Promise<void> {
      await tell(events, row, 'STATUS', null);
      await announce(row, 'model.created');
    },
    /** Changes a model and tells of it. Null: it has ended already, nothing was changed. */
    async record(accountId: AccountId, id: ModelId, kind: JobEventKind, advance: Advance, photoId: PhotoId | null = null): Promise<ModelRow | null> {
      const row = await store.advanceModel(accountId, id, advance);
      if (row) await tell(events, row, kind, photoId);
      if (row && advance.status === 'DELETED') await announce(row, 'model.deleted');
      else if (row && advance.status) await announce(row, 'model.status.updated');
      if (row && advance.status === 'ACTIVE') await announce(row, 'model.photos_ready');
      return row;
    },
    /** For what happens behind a model's last event. */
    announce,
    /** Refuses with NOT_FOUND what is not the account's. */
    async subscribe(accountId: AccountId, id: ModelId | null, afterSeq: number | null | undefined): Promise<AsyncIterableIterator<HeadshotEventModel>> {
      if (!id || !(await store.findModel(accountId, id))) throw new Failure('NOT_FOUND', 'Model not found', { path: ['id'] });
      return mapEvents(jobEvents(events, id, afterSeq, async () => snapshotOf(await store.findModel(accountId, id))), eventOf);
    },
    tellInvite: async ({ accountId, id }: InviteRow): Promise<void> => void (await events.append(invitesOf(accountId), 'STATUS', { about: 'invite', inviteId: id })),
    /** Ids of the invitations of an account that change from now on. */
    async invites(accountId: AccountId): Promise<AsyncIterableIterator<InviteId | null>> {
      const stream = invitesOf(accountId);
      const afterSeq = await events.lastSeq(stream);
      const snapshot = async () => ({ seq: await events.lastSeq(stream), body: { about: 'invite', inviteId: null } as const, terminal: false });
      return mapEvents(events.subscribe(stream, { afterSeq, snapshot }), ({ body }) => (body.about === 'invite' ? body.inviteId : null));
    },
  };
}

const eventOf = oncePerEvent<EventBody, HeadshotEventModel>(({ body, ...event }) => {
  assert(body.about === 'model', 'a model\'s stream tells of the model');
  return { ...event, body };
});

function snapshotOf(row: ModelRow | null): { seq: number; body: EventBody; terminal: boolean } {
  assert(row, 'a stream without its model');
  return { seq: row.lastSeq, body: bodyOf(row, null), terminal: row.endedAt !== null };
}

const invitesOf = (accountId: AccountId): string => `invites:${accountId}`;

async function tell(events: EventLog<EventBody>, row: ModelRow, kind: JobEventKind, photoId: PhotoId | null): Promise<void> {
  const body = bodyOf(row, photoId);
  const seq = await events.append(row.id, kind, body, { terminal: body.terminal });
  assert.equal(seq, row.lastSeq, 'a model and its events count together');
}

function bodyOf(row: ModelRow, photoId: PhotoId | null) {
  const progress = progressOf(row);
  return { about: 'model', modelId: row.id, progress: { ...progress, updatedAt: progress.updatedAt.toISOString() }, photoId, failure: row.failure, terminal: row.endedAt !== null } as const;
}

/** How far a model is, in the words of all jobs. One that failed and will be begun again counts as waiting. */
export function progressOf(row: ModelRow): Progress {
  const { stage, percent, lastSeq, updatedAt, endedAt, etaSeconds } = row;
  return { status: jobStatusOf(row), stage, percent, seq: lastSeq, updatedAt, etaSeconds: endedAt === null ? etaSeconds : null };
}

function jobStatusOf({ status, endedAt, percent, failure }: ModelRow): JobStatus {
  if (endedAt === null) return status === 'PENDING' || status === 'GENERATING_HEADSHOTS' ? 'PROCESSING' : 'QUEUED';
  // What was ready stays so, also when it was deleted afterwards; what was given up too.
  if (percent === 100) return 'COMPLETED';
  return failure ? 'FAILED' : 'CANCELED';
}
