import assert from 'node:assert/strict';
import type { Platform } from '../../subgraphs/platform.ts';
import { until } from './database.ts';

/** Lets a queue do now what it does at its hour, which must not fail. */
export async function runNow({ jobs, connection }: Pick<Platform, 'jobs' | 'connection'>, queue: string): Promise<void> {
  await jobs.enqueue(queue, {});
  const states = async () => connection.execute('select state::text from jobs.job where name = $1', [queue]);
  await until(async () => (await states()).every(({ state }) => state === 'completed' || state === 'failed'));
  assert.deepEqual((await states()).filter(({ state }) => state === 'failed'), []);
}
