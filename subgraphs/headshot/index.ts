import { createEventLog } from '../events.ts';
import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { createAnnounce, modelDialect, modelSource } from './announcing.ts';
import { modelEraser } from './erasure.ts';
import { createOpenGuests } from './guest.ts';
import { createInvites } from './invite.ts';
import { inviteMail, inviteWriter } from './invite-mail.ts';
import { createLinks } from './link.ts';
import { createLists, createLoaders } from './loaders.ts';
import { teams as teamsTable } from './migrations/001-teams.ts';
import { invites as invitesTables } from './migrations/002-invites.ts';
import { selfies as selfieTable } from './migrations/003-selfies.ts';
import { photos as photoTable } from './migrations/004-photos.ts';
import { createModels } from './model.ts';
import type { Context, EventBody } from './models.ts';
import { createGuests } from './onboarding.ts';
import { createPhotos } from './photo.ts';
import { createJournal } from './progress.ts';
import { resolvers } from './resolvers.ts';
import { createSelfies } from './selfie.ts';
import { type ModelJob, modelQueue } from './shooting.ts';
import { createStore, deleteKeys, listDueInvites, listDueModels, listUnpurged } from './store.ts';
import { createTeams } from './team.ts';

/** The queue that ends invitations which are past their time, and forgets events and idempotency keys that are past theirs. */
const upkeepQueue = 'headshot.upkeep';
const before = (ms: number): Date => new Date(Date.now() - ms);

/** The subgraph of organizations' teams, invitations and headshots, and the worker that makes them. */
export async function createHeadshot(platform: Platform): Promise<Subgraph> {
  const { accountNames, blobs, connection, env, jobs, log } = platform;
  const events = createEventLog<EventBody>(connection, 'headshot');
  await migrate(connection, 'headshot', { ...events.migrations, '001_teams': teamsTable, '002_invites': invitesTables, '003_selfies': selfieTable, '004_photos': photoTable });
  const store = createStore(connection);
  const journal = createJournal(store, events, createAnnounce(platform));
  const links = createLinks(env);
  const models = createModels({ platform, store, journal });
  const photos = createPhotos({ platform, store, journal });
  const invites = createInvites({ platform, store, journal, models });
  platform.mail.define(inviteMail, inviteWriter({ accountNames, links, store }));
  const open = createOpenGuests({ links, store, invites, models });
  const guests = createGuests({ platform, store, journal, models, open });
  const selfies = createSelfies({ platform, store, journal, links, open });
  platform.erasures.define('headshot', modelEraser(platform, store, models));
  platform.webhooks.define(modelSource, modelDialect);
  jobs.define<ModelJob>(modelQueue, { concurrency: Math.max(1, env.workers), retryLimit: 3, retryDelaySeconds: 20, deadlineSeconds: 900, exhausted: models.abandon }, models.run);
  jobs.define(upkeepQueue, { concurrency: 1, retryLimit: 1, deadlineSeconds: 1800, schedule: '*/5 * * * *' }, async ({ signal }) => {
    for (let due = await listDueInvites(connection, new Date(), 100); due.length > 0; due = await listDueInvites(connection, new Date(), 100)) {
      signal.throwIfAborted();
      for (const { accountId, id } of due) await invites.expire(accountId, id);
    }
    for (const { accountId, id } of await listDueModels(connection, new Date(), 1000)) await models.expire(accountId, id);
    for (const { accountId, id } of await listUnpurged(connection, 1000)) await models.purge(accountId, id);
    const [trimmed, keys] = [await events.trim(before(env.kept.eventsMs)), await deleteKeys(connection, before(env.kept.idempotencyMs))];
    if (trimmed + keys > 0) log.info({ events: trimmed, idempotencyKeys: keys }, 'what is past its time was forgotten');
  });
  const shared = { blobs, accountNames, selfies, store, links, teams: createTeams(connection, store), invites, models, photos, guests, journal, lists: createLists(store) };
  return buildSubgraph<Context>('headshot', resolvers, (request, stopped) => ({ ...request, ...shared, stopped, loaders: createLoaders(store, request) }));
}
