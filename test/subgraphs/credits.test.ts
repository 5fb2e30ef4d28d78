import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure } from '../../schema/failures.ts';
import { createCredits, type LedgerRow } from '../../subgraphs/credits.ts';
import { createAccounts, enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { type AccountId, newAccountId, newGenerationId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { openTestConnection } from '../support/database.ts';

const connection = await openTestConnection({ after });
const credits = createCredits(connection);
const everything = { first: 100, limit: 1000, after: null };

before(() => migrate(connection, 'enterprise', enterpriseMigrations));

async function accountWith(amount: number): Promise<AccountId> {
  return connection.transaction(async () => {
    const id = await createAccounts(connection).createAccount({ kind: 'personal', name: 'Ann' });
    if (amount > 0) await credits.grant(id, amount, 'trial');
    return id;
  });
}

/** What the lines say, whatever the row of sums says. */
function sums(lines: readonly LedgerRow[]): { available: number; reserved: number } {
  const of = (kind: LedgerRow['kind']): number => lines.filter((line) => line.kind === kind).reduce((sum, { amount }) => sum + amount, 0);
  return { available: of('grant') - of('reserve') + of('release'), reserved: of('reserve') - of('consume') - of('release') };
}

async function assertBalanced(account: AccountId, expected: { available: number; reserved: number }): Promise<void> {
  assert.deepEqual(await credits.balance(account), expected);
  assert.deepEqual(sums(await credits.ledger(account, everything)), expected);
}

test('of 200 reservations at once over 50 credits exactly 50 pass', async () => {
  const account = await accountWith(50);
  const attempts = await Promise.allSettled(Array.from({ length: 200 }, () => credits.reserve(account, newGenerationId(), 1, 'picture')));
  assert.equal(attempts.filter(({ status }) => status === 'fulfilled').length, 50);
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') assert.ok(attempt.reason instanceof Failure && attempt.reason.code === 'INSUFFICIENT_CREDITS');
  }
  await assertBalanced(account, { available: 0, reserved: 50 });
});

test('a refusal says what is required and what is there', async () => {
  const account = await accountWith(3);
  await assert.rejects(credits.reserve(account, newGenerationId(), 4, 'pictures'), (error) =>
    error instanceof Failure && error.code === 'INSUFFICIENT_CREDITS' && error.detail.required === 4 && error.detail.available === 3);
  await assert.rejects(credits.reserve(newAccountId(), newGenerationId(), 1, 'no such account'), (error) => error instanceof Failure && error.detail.available === 0);
});

test('a job that completes spends what it held, once', async () => {
  const account = await accountWith(10);
  const job = newGenerationId();
  await credits.reserve(account, job, 4, 'four pictures');
  await assertBalanced(account, { available: 6, reserved: 4 });
  await Promise.all([credits.consume(job), credits.consume(job)]);
  assert.equal(await credits.release(job), false);
  await assertBalanced(account, { available: 6, reserved: 0 });
  assert.deepEqual((await credits.charges(account, job)).map(({ kind, amount, reason }) => [kind, amount, reason]), [['reserve', 4, 'four pictures'], ['consume', 4, 'four pictures']]);
});

test('a job that fails gives back what it held, once, whatever else is tried at the same time', async () => {
  const account = await accountWith(10);
  const job = newGenerationId();
  await credits.reserve(account, job, 4, 'pictures');
  const released = await Promise.all([credits.release(job), credits.release(job), credits.release(job)]);
  assert.deepEqual(released.filter(Boolean), [true]);
  await credits.consume(job);
  await assertBalanced(account, { available: 10, reserved: 0 });
});

test('reserving again for the same job changes nothing, also after its end', async () => {
  const account = await accountWith(10);
  const job = newGenerationId();
  await Promise.all([credits.reserve(account, job, 4, 'pictures'), credits.reserve(account, job, 4, 'pictures')]);
  await assertBalanced(account, { available: 6, reserved: 4 });
  await credits.consume(job);
  await credits.reserve(account, job, 4, 'pictures');
  await assertBalanced(account, { available: 6, reserved: 0 });
});

test('what costs nothing writes nothing, and settling it does nothing', async () => {
  const account = await accountWith(0);
  const job = newGenerationId();
  await credits.reserve(account, job, 0, 'test mode');
  await credits.consume(job);
  assert.equal(await credits.release(job), false);
  assert.deepEqual(await credits.ledger(account, everything), []);
});

test('a rolled back transaction leaves no trace in the books', async () => {
  const account = await accountWith(10);
  const job = newGenerationId();
  await assert.rejects(connection.transaction(async () => {
    await credits.reserve(account, job, 4, 'pictures');
    throw new Error('no job after all');
  }));
  await assertBalanced(account, { available: 10, reserved: 0 });
  assert.deepEqual(await credits.charges(account, job), []);
});

test('the ledger reads newest first, page by page, and only for its account', async () => {
  const account = await accountWith(5);
  for (let index = 0; index < 4; index++) await credits.grant(account, 1, `grant ${index}`);
  const first = await credits.ledger(account, { first: 2, limit: 3, after: null });
  assert.deepEqual(first.map(({ reason }) => reason), ['grant 3', 'grant 2', 'grant 1']);
  const rest = await credits.ledger(account, { first: 2, limit: 3, after: first[1]?.id ?? '' });
  assert.deepEqual(rest.map(({ reason }) => reason), ['grant 1', 'grant 0', 'trial']);
  const job = newGenerationId();
  await credits.reserve(account, job, 1, 'x');
  assert.deepEqual(await credits.charges(await accountWith(1), job), []);
});

test('the database itself refuses a balance below zero and a second settlement', async () => {
  const account = await accountWith(1);
  const job = newGenerationId();
  await credits.reserve(account, job, 1, 'x');
  await credits.consume(job);
  await assert.rejects(connection.execute('update enterprise.balance set available = available - 1 where account_id = $1', [account]), /balance_available_check/);
  await assert.rejects(connection.execute(`insert into enterprise.ledger (id, account_id, job_id, kind, amount, reason) values ('line_x', $1, $2, 'release', 1, 'x')`, [account, job]), /ledger_of_job/);
});
