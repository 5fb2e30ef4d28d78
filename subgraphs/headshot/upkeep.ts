import type { EventLog } from '../events.ts';
import type { Platform } from '../platform.ts';
import { listDueInvites, listDueModels, listOutlived, listUnpurged, listWithOldSelfies } from './due-store.ts';
import type { Invites } from './invite.ts';
import type { Models } from './model.ts';
import type { EventBody } from './models.ts';

const upkeepQueue = 'headshot.upkeep';
const batch = 100;
const before = (ms: number): Date => new Date(Date.now() - ms);

type Parts = { platform: Pick<Platform, 'connection' | 'env' | 'jobs' | 'log'>; invites: Pick<Invites, 'expire'>; models: Pick<Models, 'expire' | 'forget' | 'outlive' | 'purge'>; events: EventLog<EventBody> };

/** Ends, every five minutes, what is past its time: invitations, links, selfies, headshots and events. Before the jobs start. */
export function defineUpkeep({ platform: { connection, env: { kept }, jobs, log }, invites, models, events }: Parts): void {
  jobs.define(upkeepQueue, { concurrency: 1, retryLimit: 1, deadlineSeconds: 1800, schedule: '*/5 * * * *' }, async ({ signal }) => {
    /** One after the other, to the last: what was ended is not listed again. */
    const each = async <Row>(list: () => Promise<Row[]>, end: (row: Row) => Promise<void>): Promise<void> => {
      for (let due = await list(); due.length > 0; due = due.length < batch ? [] : await list()) {
        for (const row of due) {
          signal.throwIfAborted();
          await end(row);
        }
      }
    };
    await each(async () => listDueInvites(connection, new Date(), batch), async ({ accountId, id }) => invites.expire(accountId, id));
    await each(async () => listDueModels(connection, new Date(), batch), async ({ accountId, id }) => models.expire(accountId, id));
    await each(async () => listOutlived(connection, before(kept.headshotsMs), batch), async ({ accountId, id }) => models.outlive(accountId, id));
    await each(async () => listWithOldSelfies(connection, before(kept.selfiesMs), batch), async ({ accountId, id }) => models.forget(accountId, id));
    await each(async () => listUnpurged(connection, batch), async ({ accountId, id }) => models.purge(accountId, id));
    const trimmed = await events.trim(before(kept.eventsMs));
    if (trimmed > 0) log.info({ events: trimmed }, 'what is past its time was forgotten');
  });
}
