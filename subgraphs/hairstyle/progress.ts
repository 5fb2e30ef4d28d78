import assert from 'node:assert/strict';
import { Failure } from '../../schema/failures.ts';
import { type EventLog, mapEvents, oncePerEvent } from '../events.ts';
import type { AccountId, GenerationId, PictureId } from '../ids.ts';
import { cursorOf, positionOf } from '../paging.ts';
import type { EngineStage } from '../vision/engine.ts';
import type { EventBody, GenerationEventModel, Progress } from './models.ts';
import { etaSeconds, isFinal, percentOf, pictureFraction, stageOf, stageRank } from './rules.ts';
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
      if (typeof afterSeq === 'number' && afterSeq < 0) throw new Failure('VALIDATION', 'afterSeq must be 0 or more', { path: ['afterSeq'] });
      const snapshot = async () => snapshotOf(await store.findGeneration(accountId, id));
      const stream = events.subscribe(id, { ...(typeof afterSeq === 'number' && { afterSeq }), snapshot });
      return mapEvents(stream, (event): GenerationEventModel => event);
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

const betweenReportsMs = 250;

type Advancing = { stage: string; percent: number; etaSeconds: number | null };

/**
 * Turns the reports of pictures that are made at once into progress of their generation: at most one write in 250 ms, only when
 * something moved forward. What is left out is in the next write. Writes are made one after another, in the order of their numbers.
 */
export function createReporter(from: { stage: string; percent: number }, fractions: number[], pace: { secondsPerPicture(): number | null; atOnce: number }, write: (advance: Advancing) => Promise<void>) {
  let shown = from;
  let writtenAt = 0;
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;
  const done = (): number => fractions.filter((fraction) => fraction >= 1).length;
  const advance = (stage: string): Advancing => {
    shown = { stage: stageRank(stage) < stageRank(shown.stage) ? shown.stage : stage, percent: Math.max(shown.percent, percentOf(fractions)) };
    return { ...shown, etaSeconds: etaSeconds(pace.secondsPerPicture(), fractions, pace.atOnce) };
  };
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    waiting += 1;
    turn = turn.then(work).finally(() => (waiting -= 1));
    return turn;
  };
  return {
    /** Progress within one picture. */
    report(position: number, stage: EngineStage, fraction: number): void {
      // 1 is for stored pictures only.
      fractions[position] = Math.max(fractions[position] ?? 0, Math.min(0.99, pictureFraction(stage, fraction)));
      if (waiting > 0 || Date.now() - writtenAt < betweenReportsMs) return;
      const before = shown;
      const next = advance(stageOf(stage, done(), fractions.length));
      if (next.percent === before.percent && next.stage === before.stage) return;
      writtenAt = Date.now();
      // A failed write fails everything after it, and with that the run.
      inTurn(async () => write(next)).catch(() => {});
    },
    /** Stores a picture: `store` is given what to write with it. */
    async stored(position: number, store: (advance: Advancing) => Promise<void>): Promise<void> {
      await inTurn(async () => {
        fractions[position] = 1;
        await store(advance(done() === fractions.length ? 'store' : stageOf('render', done(), fractions.length)));
      });
    },
    /** Waits for the last write; throws what one threw. */
    settle: async (): Promise<void> => turn,
  };
}
