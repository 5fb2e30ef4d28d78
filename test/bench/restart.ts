import { onPostgres } from '../support/database.ts';
import { rollUnderLoad } from '../support/rolling.ts';

/** The rolling restart of the tests with a thousand subscriptions; needs TEST_DATABASE_URL. */
export async function run(): Promise<void> {
  if (!onPostgres) return void process.stdout.write('needs TEST_DATABASE_URL\n');
  const ends: (() => Promise<void>)[] = [];
  try {
    const report = await rollUnderLoad({ after: (end) => void ends.push(end) }, { subscriptions: 1_000, generations: 16, requestsPerSecond: 100 });
    process.stdout.write(`${JSON.stringify({ ...report, broken: report.broken.length }, null, 2)}\n`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

if (import.meta.main) await run();
