import { createEventLog, eventMigrations } from '../events.ts';
import { type AccountId, parseGenerationId } from '../ids.ts';
import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { endEvents, generationDialect } from './callback.ts';
import { createCatalogue } from './catalogue.ts';
import { generationEraser } from './erasure.ts';
import { callbackSource, createGenerations, generationQueue, type GenerationJob } from './generation.ts';
import { createImages } from './image.ts';
import { createLists, createLoaders } from './loaders.ts';
import { generations as firstTables } from './migrations/001-generations.ts';
import { clients } from './migrations/002-clients.ts';
import { callbackSecrets } from './migrations/003-callback-secrets.ts';
import { engines as engineTables } from './migrations/005-engines.ts';
import { requests } from './migrations/006-requests.ts';
import { styles as styleTables } from './migrations/004-styles.ts';
import type { Context, EventBody } from './models.ts';
import { createJournal } from './progress.ts';
import { resolvers } from './resolvers.ts';
import { createStyles } from './style.ts';
import { createStore, type Store } from './store.ts';

/** The hourly queue that forgets events that are past their time. */
const upkeepQueue = 'hairstyle.upkeep';
const before = (ms: number): Date => new Date(Date.now() - ms);

/** The tables of the schema `hairstyle`. */
export const hairstyleMigrations = { ...eventMigrations, '001_generations': firstTables, '002_clients': clients, '003_callback_secrets': callbackSecrets, '004_styles': styleTables, '005_engines': engineTables, '006_requests': requests };

/** The subgraph of styles, colors, photos and generations, and the worker that makes the pictures. */
export async function createHairstyle(platform: Platform): Promise<Subgraph> {
  const { blobs, connection, env, jobs, log, webhooks } = platform;
  const events = createEventLog<EventBody>(connection, 'hairstyle');
  await migrate(connection, 'hairstyle', hairstyleMigrations);
  const store = createStore(connection);
  const catalogue = createCatalogue(() => env.publicUrl);
  const journal = createJournal(store, events);
  const images = createImages({ platform, store });
  const styles = createStyles({ platform, store, catalogue, images });
  const generations = createGenerations({ platform, store, catalogue, images, styles, journal });
  platform.erasures.define('hairstyle', generationEraser(platform, store, generations));
  const queue = { concurrency: Math.max(1, env.workers), retryLimit: 2, deadlineSeconds: 900, exhausted: generations.abandon };
  jobs.define<GenerationJob>(generationQueue, queue, generations.run);
  jobs.define(upkeepQueue, { concurrency: 1, retryLimit: 1, deadlineSeconds: 1800, schedule: '11 * * * *' }, async () => {
    const trimmed = await events.trim(before(env.kept.eventsMs));
    if (trimmed > 0) log.info({ events: trimmed }, 'what is past its time was forgotten');
  });
  webhooks.define(callbackSource, generationDialect(store, blobs));
  adoptCallbacks(platform, store);
  const shared = { blobs, catalogue, images, styles, generations, journal, lists: createLists(store) };
  return buildSubgraph<Context>('hairstyle', resolvers, (request, stopped) => ({ ...request, ...shared, stopped, loaders: createLoaders(store, request) }));
}

type OldCallback = { accountId: AccountId; subjectId: string; url: string };

/** Callbacks once were jobs; those that are left go out like all others. */
function adoptCallbacks({ jobs, webhooks, connection }: Platform, store: Store): void {
  jobs.define<OldCallback>('hairstyle.webhooks', { concurrency: 1, retryLimit: 3, deadlineSeconds: 60, formerly: 'webhooks' }, async ({ data: { accountId, subjectId, url } }) => {
    const id = parseGenerationId(subjectId);
    const status = id && (await store.findGeneration(accountId, id))?.status;
    if (status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELED') await connection.transaction(() => webhooks.publish(callbackSource, { accountId, subjectId, event: endEvents[status], callbackUrl: url }));
  });
}
