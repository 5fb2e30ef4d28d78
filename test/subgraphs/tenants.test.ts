import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Whoever opens the database, with the statements that it is made of: the test that walks all its functions as a foreign tenant, or why there is no tenant to walk as. */
const known: Record<string, { walkedBy: string } | { noTenant: string }> = {
  'subgraphs/account-names.ts': { noTenant: 'what an account is called, for letters to people whom it invited' },
  'subgraphs/api-logs.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/backup.ts': { noTenant: 'the operator is beyond all tenants' },
  'subgraphs/clients.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/clock.ts': { noTenant: 'what time it is' },
  'subgraphs/credits.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/erasures.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/engines/inbox.ts': { noTenant: 'what engines answer, under an id that they alone were told' },
  'subgraphs/engines/index.ts': { noTenant: 'which engine draws for an account, as the operator chose' },
  'subgraphs/events.ts': { noTenant: 'events are asked for by a job, which its subgraph finds for the tenant before' },
  'subgraphs/health.ts': { noTenant: 'whether there is a database' },
  'subgraphs/jobs.ts': { noTenant: 'the queue, which no caller asks' },
  'subgraphs/jobs-queues.ts': { noTenant: 'the queue, which no caller asks' },
  'subgraphs/jobs-runner.ts': { noTenant: 'the queue, which no caller asks' },
  'subgraphs/jobs-watch.ts': { noTenant: 'the queue, which no caller asks' },
  'subgraphs/keys.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/kept-answers.ts': { noTenant: 'an answer is found by its account alone; the tests of REST ask for one as another' },
  'subgraphs/looks.ts': { walkedBy: 'hairstyle/store.test.ts' },
  'subgraphs/migrations.ts': { noTenant: 'tables' },
  'subgraphs/operator.ts': { noTenant: 'the operator is beyond all tenants' },
  'subgraphs/photos.ts': { walkedBy: 'skinshade/store.test.ts' },
  'subgraphs/quotas.ts': { noTenant: 'counters of subjects that tell nobody' },
  'subgraphs/rates.ts': { noTenant: 'counters of keys, which tell nobody but the key itself' },
  'subgraphs/requests.ts': { walkedBy: 'requests.test.ts' },
  'subgraphs/spending.ts': { noTenant: 'counters of keys, which tell nobody but the key itself' },
  'subgraphs/upkeep.ts': { noTenant: 'files to which nobody points' },
  'subgraphs/webhooks-store.ts': { noTenant: 'one worker delivers for all tenants' },
  'subgraphs/enterprise/endpoint-store.ts': { walkedBy: 'enterprise/endpoint-tenants.test.ts' },
  'subgraphs/enterprise/store.ts': { walkedBy: 'enterprise/tenants.test.ts' },
  'subgraphs/hairstyle/store.ts': { walkedBy: 'hairstyle/store.test.ts' },
  'subgraphs/headshot/due-store.ts': { noTenant: 'what is past its time, whosever it is' },
  'subgraphs/headshot/store.ts': { walkedBy: 'headshot/tenants.test.ts' },
  'subgraphs/skinshade/health.ts': { noTenant: 'whether there is a database' },
  'subgraphs/skinshade/store.ts': { walkedBy: 'skinshade/store.test.ts' },
};

test('whatever speaks to the database is walked by a foreign tenant, or says why it has none', () => {
  const speaking = globSync('subgraphs/**/*.ts', { cwd: root }).filter((file) => !file.includes('/migrations/') && /\.store<|connection\.execute\(/.test(textOf(file)));
  assert.deepEqual(speaking.sort(), Object.keys(known).sort());
});

test('and those tests walk as many functions as there are', () => {
  for (const [file, how] of Object.entries(known)) {
    if (!('walkedBy' in how)) continue;
    const text = textOf(join('test/subgraphs', how.walkedBy));
    // A walk is typed by what it walks, and compared with it at run time.
    assert.match(text, /\{ \[Name in keyof \w+\]: /, how.walkedBy);
    assert.match(text, /Object\.keys\((walk|walked|whole)/, how.walkedBy);
    assert.ok(text.includes(basename(file)), `${how.walkedBy} knows nothing of ${file}`);
  }
});
