import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { newKeyId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createRates, familyNames } from '../../subgraphs/rates.ts';
import { onPostgres, openTestConnection } from '../support/database.ts';

const connection = await openTestConnection({ after });
before(() => migrate(connection, 'enterprise', enterpriseMigrations));
const first = createRates(connection, { perMinute: 600 });
/** As two processes have them; the embedded database has one. */
const replicas = [first, onPostgres ? createRates(connection, { perMinute: 600 }) : first];

/** Does something within one minute of the database: again, when a minute ended meanwhile. */
async function withinMinute<Result>(work: () => Promise<Result>, momentOf: (result: Result) => readonly Date[]): Promise<Result> {
  for (;;) {
    const result = await work();
    if (new Set(momentOf(result).map(Number)).size === 1) return result;
  }
}

test('of five hundred requests at two replicas at once each has a number of its own, and none is left out', async () => {
  const states = await withinMinute(async () => {
    const keyId = newKeyId();
    return Promise.all(Array.from({ length: 500 }, async (_, index) => (replicas[index % 2] ?? assert.fail()).count('headshot', keyId)));
  }, (all) => all.map(({ resetsAt }) => resetsAt));
  assert.deepEqual(states.map(({ count }) => count).sort((a, b) => a - b), Array.from({ length: 500 }, (_, index) => index + 1));
  assert.equal(states.filter(({ count, limit }) => count <= limit).length, 300);
  assert.ok(states.every(({ resetSeconds }) => resetSeconds >= 1 && resetSeconds <= 60));
});

test('what is said without counting is what was counted, of each family and key by itself', async () => {
  const [keyId, other] = [newKeyId(), newKeyId()];
  const [, states] = await withinMinute(async () => {
    const counted = [await replicas[0]?.count('partner', keyId), await replicas[1]?.count('partner', keyId), await replicas[0]?.count('partner', other)];
    return [counted, await replicas[1]?.statesOf(keyId) ?? []] as const;
  }, ([counted, all]) => [...counted.flatMap((state) => state?.resetsAt ?? []), ...all.map(({ resetsAt }) => resetsAt)]);
  const partner = states.find(({ family }) => family === 'partner');
  assert.ok((partner?.count ?? 0) % 2 === 0 && (partner?.count ?? 0) >= 2);
  assert.deepEqual(states.filter(({ family }) => family !== 'partner').map(({ family, count, limit }) => [family, count, limit]), familyNames.filter((family) => family !== 'partner').map((family) => [family, 0, family === 'headshot' ? 300 : 600]));
});

test('minutes that are over are forgotten', { skip: !onPostgres }, async () => {
  await connection.execute("insert into enterprise.rate values ('headshot', 'key_old', now() - interval '2 minutes', 5)");
  await first.trim();
  assert.deepEqual(await connection.execute("select used from enterprise.rate where key_id = 'key_old'"), []);
});
