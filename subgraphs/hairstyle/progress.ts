import assert from 'node:assert/strict';
import { Failure } from '../../schema/failures.ts';
import { type EventLog, jobEvents, mapEvents, oncePerEvent } from '../events.ts';
import type { AccountId, GenerationId, PictureId } from '../ids.ts';
import { cursorOf, positionOf } from '../paging.ts';
import type { EventBody, GenerationEventModel, Progress } from './models.ts';
import { isFinal } from './rules.ts';
import type { Advance, GenerationRow, Store } from './store.ts';

export type Journal = ReturnType<typeof createJournal>;

/** The events of generations: each is written to the generation's own stream and to its account's, in the transaction of what it tells. */
export function createJournal(store: Store, events: EventLog<EventBody>) {
  const feedItem = oncePerEvent<EventBody, { cursor: string; event: GenerationEventModel }>((event) => ({
    cursor: cursorOf(String(event.seq)), event: { ...event, seq: event.body.progress.seq, terminal: event.body.terminal },
  }));
  return {
    /** Writes the first event of a generation that was inserted with `lastSeq` 1. */
    begin: async (row: GenerationRow): Promise<void> => tell(events, row, 'STATUS', null),
    /** Changes a generation and tells of it. Null: it is final already, nothing was changed. */
    async record(accountId: AccountId, id: GenerationId, kind: GenerationEventModel['kind'], advance: Advance, imageId: PictureId | null = null): Promise<GenerationRow | null> {
      const row = await store.advanceGeneration(accountId, id, advance);
      if (row) await tell(events, row, kind, imageId);
      return row;
    },
    /** Refuses with NOT_FOUND what is not the account's. */
    async subscribe(accountId: AccountId, id: GenerationId | null, afterSeq: number | null | undefined): Promise<AsyncIterableIterator<GenerationEventModel>> {
      if (!id || !(await store.findGeneration(accountId, id))) throw new Failure('NOT_FOUND', 'Generation job not found', { path: ['id'] });
      return jobEvents(events, id, afterSeq, async () => snapshotOf(await store.findGeneration(accountId, id)));
    },
    /** All events of an account's generations. `after` is the `cursor` of an earlier one; null: from now on. */
    async feed(accountId: AccountId, after: string | null | undefined): Promise<AsyncIterableIterator<{ cursor: string; event: GenerationEventModel }>> {
      const stream = accountStream(accountId);
      const afterSeq = after === null || after === undefined ? await events.lastSeq(stream) : seqOf(after);
      const snapshot = async () => {
        const seq = await events.lastSeq(stream);
        return { ...snapshotOf(await store.findLatestGeneration(accountId)), seq, terminal: false };
      };
      return mapEvents(events.subscribe(stream, { afterSeq, snapshot }), feedItem);
    },
  };
}

const accountStream = (accountId: AccountId): string => `account:${accountId}`;

async function tell(events: EventLog<EventBody>, row: GenerationRow, kind: GenerationEventModel['kind'], imageId: PictureId | null): Promise<void> {
  const body = bodyOf(row, imageId);
  const seq = await events.append(row.id, kind, body, { terminal: body.terminal });
  assert.equal(seq, row.lastSeq, 'a generation and its events count together');
  await events.append(accountStream(row.accountId), kind, body);
}

function bodyOf(row: GenerationRow, imageId: PictureId | null): EventBody {
  const progress = progressOf(row);
  return { generationId: row.id, progress: { ...progress, updatedAt: progress.updatedAt.toISOString() }, imageId, failure: row.failure, terminal: isFinal(row.status) };
}

function snapshotOf(row: GenerationRow | null): { seq: number; body: EventBody; terminal: boolean } {
  assert(row, 'a stream without its generation');
  return { seq: row.lastSeq, body: bodyOf(row, null), terminal: isFinal(row.status) };
}

function seqOf(cursor: string): number {
  const seq = Number(positionOf(cursor));
  if (!Number.isSafeInteger(seq) || seq < 0) throw new Failure('VALIDATION', 'after is not a cursor of this feed', { path: ['after'] });
  return seq;
}

export function progressOf(row: GenerationRow): Progress {
  return {
    status: row.status, stage: row.stage, percent: row.percent, seq: row.lastSeq, updatedAt: row.updatedAt,
    etaSeconds: isFinal(row.status) ? null : row.etaSeconds,
  };
}
