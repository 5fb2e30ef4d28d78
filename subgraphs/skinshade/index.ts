import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { createDetections } from './detection.ts';
import { readingEraser } from './erasure.ts';
import { createHealth } from './health.ts';
import { createLoaders } from './loaders.ts';
import { readings } from './migrations/001-readings.ts';
import { usage } from './migrations/002-usage.ts';
import { requests } from './migrations/003-requests.ts';
import type { Context } from './models.ts';
import { resolvers } from './resolvers.ts';
import { monthOf } from './rules.ts';
import { createGrants, createStore } from './store.ts';

/** The hourly queue that forgets who got a key in earlier months. */
const upkeepQueue = 'skinshade.upkeep';

/** The tables of the schema `skinshade`. */
export const skinshadeMigrations = { '001_readings': readings, '002_usage': usage, '003_requests': requests };

/** The subgraph of skin shades and the colors that suit them. */
export async function createSkinshade(platform: Platform): Promise<Subgraph> {
  const { connection, erasures, jobs, log } = platform;
  await migrate(connection, 'skinshade', skinshadeMigrations);
  const [store, grants] = [createStore(connection), createGrants(connection)];
  erasures.define('skinshade', readingEraser(platform, store));
  jobs.define(upkeepQueue, { concurrency: 1, retryLimit: 1, deadlineSeconds: 600, schedule: '23 * * * *' }, async () => {
    const forgotten = await grants.deletePast(monthOf(new Date()));
    if (forgotten > 0) log.info({ forgotten }, 'what is past its time was forgotten');
  });
  const shared = { platform, store, grants, detections: createDetections({ platform, store }), health: createHealth(platform) };
  return buildSubgraph<Context>('skinshade', resolvers, (request, stopped) => ({ ...request, ...shared, stopped, loaders: createLoaders(store, request) }));
}
