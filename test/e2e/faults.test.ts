import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPostgres } from '../faults/cluster.ts';
import { runFaults } from '../faults/run.ts';
import { onPostgres } from '../support/database.ts';

const skip = !onPostgres ? 'only PostgreSQL can be killed' : findPostgres() === null && 'PostgreSQL is not installed here';

/** `npm run faults` does the same for as long as it is let, with everything that can go wrong. */
test('whatever is killed or cut in the middle of its work: jobs end, once, paid once, and nobody misses an event or a call', { skip, timeout: 480_000 }, async (t) => {
  const only = ['kill -9 of a gateway', 'kill -9 of a worker', 'kill -9 of PostgreSQL', 'SIGSTOP of PostgreSQL', 'cut connections to the database', 'cut connections of clients', 'full disk'];
  const report = await runFaults({ seed: 5, seconds: 14, only, say: (line) => t.diagnostic(line) });
  assert.deepEqual(report.violations, []);
  assert.ok(report.jobs > 0 && report.faults > 0, `${report.jobs} jobs, ${report.faults} faults`);
});
