import type { Platform } from '../platform.ts';
import type { Store } from './store.ts';

/** How long the log of deliveries goes back. */
const keptMs = 30 * 24 * 3_600_000;

/** Forgets, every hour, what has expired: links, sessions, counters, answers and deliveries. Before the jobs start. */
export function defineUpkeep({ jobs, keys, quotas, store, webhooks, rates, answers, requests, spending }: Pick<Platform, 'jobs' | 'keys' | 'quotas' | 'webhooks' | 'rates' | 'answers' | 'requests' | 'spending'> & { store: Store }): void {
  jobs.define('enterprise.upkeep', { concurrency: 1, retryLimit: 1, deadlineSeconds: 600, schedule: '26 * * * *' }, async () => {
    await store.trimLinks(new Date());
    await keys.trimSessions();
    await quotas.trim();
    await rates.trim();
    await answers.trim();
    await requests.trim();
    await spending?.trim();
    await webhooks.trim(new Date(Date.now() - keptMs));
  });
}
