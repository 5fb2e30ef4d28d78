import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onPostgres } from '../support/database.ts';
import { rollUnderLoad } from '../support/rolling.ts';

test('gateways and workers are stopped and started again one by one under load: no request, no event and no job is lost', { timeout: 500_000, skip: !onPostgres && 'only PostgreSQL can be shared' }, async (t) => {
  const load = { subscriptions: 100, generations: 8, requestsPerSecond: 20 };
  const report = await rollUnderLoad({ after: (stop) => t.after(stop) }, load);
  t.diagnostic(JSON.stringify(report));
  assert.deepEqual({ lost: report.lost, non2xx: report.non2xx, errors: report.errors, timeouts: report.timeouts }, { lost: [], non2xx: 0, errors: 0, timeouts: 0 });
  assert.ok(report.requests > 100, `${report.requests} requests`);
  assert.deepEqual(report.exitCodes, [0, 0, 0, 0]);
  assert.deepEqual(report.broken, []);
  assert.ok((report.closes['1001'] ?? 0) >= load.subscriptions / 2, 'those at a gateway that stops are told to go: 1001');
  assert.equal(report.completed, load.generations);
  assert.ok(report.handedBack > 0, 'a worker had a job in hand when it was stopped');
  assert.deepEqual([report.charged, report.reserved], [load.generations * 2, 0]);
});
