import type { Platform } from '../platform.ts';
import type { Store } from './store.ts';

/** Forgets, every hour, what has expired: links, sessions and counters. Before the jobs start. */
export function defineUpkeep({ jobs, keys, quotas, store }: Pick<Platform, 'jobs' | 'keys' | 'quotas'> & { store: Store }): void {
  jobs.define('enterprise.upkeep', { concurrency: 1, retryLimit: 1, deadlineSeconds: 600, schedule: '26 * * * *' }, async () => {
    await store.trimLinks(new Date());
    await keys.trimSessions();
    await quotas.trim();
  });
}
