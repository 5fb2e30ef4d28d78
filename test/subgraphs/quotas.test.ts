import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure } from '../../schema/failures.ts';
import { enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { newAccountId, newKeyId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createQuotas, type Quota } from '../../subgraphs/quotas.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { openTestConnection } from '../support/database.ts';

const connection = await openTestConnection({ after });
const quotas = createQuotas(connection);
before(() => migrate(connection, 'enterprise', enterpriseMigrations));
const moment = (text: string): Date => new Date(`2026-${text}Z`);
const take = async (quota: Quota, subject: string, now: Date): Promise<number> => quotas.take(quota, subject, 'Enough.', now).then(() => 0, (error: unknown) => {
  assert.ok(error instanceof Failure && error.code === 'RATE_LIMITED');
  return error.detail.retryAfterSeconds ?? 0;
});

test('of a hundred at once as many pass as there are left', async () => {
  const quota: Quota = { name: 'crowd', limit: 7, window: 'HOUR' };
  const now = moment('03-01T10:15:00');
  const waits = await Promise.all(Array.from({ length: 100 }, () => take(quota, 'a', now)));
  assert.deepEqual([waits.filter((wait) => wait === 0).length, new Set(waits)], [7, new Set([0, 45 * 60])]);
  assert.equal(await take(quota, 'b', now), 0, 'another subject has its own');
  assert.equal(await take({ ...quota, name: 'other' }, 'a', now), 0);
});

test('a window begins with a full hour, day or month, and the next one is whole', async () => {
  const cases: [Quota['window'], Date, number, Date][] = [
    ['HOUR', moment('03-01T10:59:59'), 1, moment('03-01T11:00:00')], ['DAY', moment('03-31T23:00:00'), 3600, moment('04-01T00:00:00')],
    ['MONTH', moment('12-31T23:59:00'), 60, new Date('2027-01-01T00:00:00Z')],
  ];
  for (const [window, now, waits, next] of cases) {
    const quota: Quota = { name: `of a ${window}`, limit: 1, window };
    assert.deepEqual([await take(quota, 's', now), await take(quota, 's', now), await take(quota, 's', next)], [0, waits, 0], window);
  }
});

test('what is rolled back does not count', async () => {
  const quota: Quota = { name: 'undone', limit: 1, window: 'DAY' };
  const now = moment('05-05T00:00:00');
  await assert.rejects(connection.transaction(async () => {
    await quotas.take(quota, 's', 'Enough.', now);
    throw new Error('undone');
  }));
  assert.equal(await take(quota, 's', now), 0);
});

test('states are those of the caller, and what is over is forgotten', async () => {
  const quota: Quota = { name: 'told', limit: 3, window: 'DAY' };
  const caller: Caller = { accountId: newAccountId(), accountKind: 'personal', keyId: newKeyId(), scopes: new Set() };
  quotas.tell(quota, async ({ accountId, accountKind }) => (accountKind === 'personal' ? accountId : null));
  const now = moment('06-06T12:00:00');
  await quotas.take(quota, caller.accountId, 'Enough.', now);
  const resetsAt = moment('06-07T00:00:00');
  assert.deepEqual(await quotas.statesOf(caller, now), [{ ...quota, remaining: 2, resetsAt }]);
  assert.deepEqual(await quotas.statesOf({ ...caller, accountId: newAccountId() }, now), [{ ...quota, remaining: 3, resetsAt }]);
  assert.deepEqual(await quotas.statesOf({ ...caller, accountKind: 'partner' }, now), []);
  await quotas.trim(now);
  assert.equal((await quotas.statesOf(caller, now))[0]?.remaining, 2);
  await quotas.trim(resetsAt);
  assert.deepEqual(await connection.execute(`select * from enterprise.quota where name = 'told'`), []);
});
