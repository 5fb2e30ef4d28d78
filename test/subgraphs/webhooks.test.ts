import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, test } from 'node:test';
import { bytesOf } from '../../subgraphs/webhooks-sender.ts';
import { createSecret, scheduleSeconds, secondsToWait, type WebhookDialect } from '../../subgraphs/webhooks.ts';
import { openTestConnection, until } from '../support/database.ts';
import { verified } from '../support/receiver.ts';
import { openPostOffice } from './post-office.ts';

const dialect: WebhookDialect = {
  body: async ({ event, eventId, data }) => (data === 'gone' ? null : { id: eventId, event, data }),
  headers: ({ text, timestampSeconds, secrets: [secret = new Uint8Array()] }) => ({ 'x-family-signature': `sha256=${createHmac('sha256', secret).update(`${timestampSeconds}.${text}`).digest('hex')}` }),
};
const connection = await openTestConnection({ after });
const office = await openPostOffice(connection, { dialect });
const { receiver, endpoints } = office;
const hourMs = 3_600_000;
const dueAt = (row: Record<string, unknown>): number => (row['next_attempt_at'] as Date).getTime();

test('the schedule is that of Standard Webhooks, ten tries in about 75 hours, with a little chance', () => {
  const waits = Array.from({ length: 10 }, (_, index) => secondsToWait(index + 1, null, () => 0));
  assert.deepEqual(waits, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, null]);
  assert.ok(Math.abs(scheduleSeconds.reduce((sum, seconds) => sum + seconds, 0) / 3600 - 75.6) < 0.1);
  assert.deepEqual([secondsToWait(1, null, () => 1), secondsToWait(1, 120, () => 0), secondsToWait(1, 1e9, () => 0)], [5.5, 120, 86_400]);
});

test('a callback that leads to no public address by now is given up at its first attempt', async () => {
  const subjectId = await office.tell(await office.account(), { callbackUrl: 'http://10.0.0.1/hook' });
  const row = await office.attempted(subjectId, 1);
  assert.deepEqual([row['state'], row['error'], row['next_attempt_at']], ['FAILED', 'the address is not on the public internet', null]);
});

test('an event that nobody takes is tried ten times in 75 to 84 hours under one id, and then the endpoint is disabled', async () => {
  const accountId = await office.account();
  const endpoint = await office.endpoint(accountId, '/500');
  const startedAt = office.now();
  const subjectId = await office.tell(accountId);
  for (let attempt = 1; attempt < 10; attempt++) {
    const row = await office.attempted(subjectId, attempt);
    assert.deepEqual([row['state'], row['status'], row['error']], ['WAITING', 500, 'answered 500']);
    await office.moveTo(dueAt(row) - 1);
    await office.moveTo(dueAt(row));
  }
  const last = await office.attempted(subjectId, 10);
  assert.deepEqual([last['state'], last['attempts'], last['next_attempt_at']], ['FAILED', 10, null]);
  const hours = (office.now() - startedAt) / hourMs;
  assert.ok(hours > 75 && hours < 84, `${hours}`);
  assert.deepEqual([receiver.at('/500').length, new Set(receiver.at('/500').map(({ headers }) => headers['webhook-id'])).size], [10, 1]);
  const log = await endpoints.listAttempts(accountId, [last['id'] as never]);
  assert.deepEqual(log.map(({ number, status }) => [number, status]), Array.from({ length: 10 }, (_, index) => [index + 1, 500]));
  assert.doesNotMatch(JSON.stringify([log, last]), /what a stranger says/);
  const found = await endpoints.findEndpoint(accountId, endpoint.id);
  assert.deepEqual([found?.enabled, found?.disabledReason], [false, 'it took nothing for 75 hours']);
  await until(() => office.disabled.includes(endpoint.id));
});

test('410 disables the endpoint; what waits for it is put aside and leaves when it is enabled again', async () => {
  const accountId = await office.account();
  const endpoint = await office.endpoint(accountId, '/later');
  receiver.answers('/later', 503);
  const waiting = await office.tell(accountId);
  await office.attempted(waiting, 1);
  receiver.answers('/later', 410);
  assert.equal((await office.attempted(await office.tell(accountId), 1))['state'], 'FAILED');
  const found = await endpoints.findEndpoint(accountId, endpoint.id);
  assert.deepEqual([found?.enabled, found?.disabledReason], [false, 'it answered 410: nobody listens there any more']);
  await until(() => office.disabled.includes(endpoint.id));
  await office.tell(accountId);
  assert.equal((await office.rows()).filter((row) => row['account_id'] === accountId).length, 2);
  receiver.answers('/later', 204);
  await endpoints.enableEndpoint(accountId, endpoint.id, new Date(office.now()));
  await office.webhooks.wake();
  assert.equal((await office.attempted(waiting, 2))['state'], 'DELIVERED');
});

test('Retry-After puts the next try off, in seconds or as a date', async () => {
  const accountId = await office.account();
  await office.endpoint(accountId, '/503?retry-after=600');
  const row = await office.attempted(await office.tell(accountId), 1);
  assert.equal(dueAt(row) - office.now(), 600_000);
  const other = await office.account();
  const date = new Date(Math.ceil(office.now() / 1000) * 1000 + 7200_000);
  await office.endpoint(other, `/503?retry-after=${encodeURIComponent(date.toUTCString())}`);
  assert.ok(Math.abs(dueAt(await office.attempted(await office.tell(other), 1)) - date.getTime()) < 1000);
});

test('events about one subject come in their order, and one that fails holds up those behind it but no others', async () => {
  const accountId = await office.account();
  await office.endpoint(accountId, '/order');
  receiver.answers('/order', 500);
  const subjectId = await office.tell(accountId, { data: 1 });
  for (const data of [2, 3]) await office.tell(accountId, { subjectId, data });
  const first = await office.attempted(subjectId, 1);
  receiver.answers('/order', 204);
  const other = await office.tell(accountId, { data: 'other' });
  await office.attempted(other, 1);
  assert.deepEqual((await office.rows()).filter((row) => row['subject_id'] === subjectId).map((row) => row['attempts']), [1, 0, 0]);
  await office.moveTo(dueAt(first));
  await until(async () => (await office.rows()).every((row) => row['subject_id'] !== subjectId || row['state'] === 'DELIVERED'));
  assert.deepEqual(receiver.at('/order').map(({ body }) => (JSON.parse(body) as { data: unknown }).data), [1, 'other', 1, 2, 3]);
});

test('a receiver that hangs delays nobody else: a hundred events of one tenant wait for it, and those of another arrive meanwhile', async () => {
  const [slow, quick] = [await office.account(), await office.account()];
  await office.endpoint(slow, '/hang');
  await office.endpoint(quick, '/quick');
  for (let index = 0; index < 100; index++) await office.tell(slow);
  await until(() => receiver.at('/hang').length === 8);
  for (let index = 0; index < 20; index++) await office.tell(quick);
  await until(() => receiver.at('/quick').length === 20);
  const states = (await office.rows()).filter((row) => row['account_id'] === slow).map((row) => Number(row['attempts']));
  assert.deepEqual([states.length, states.filter((attempts) => attempts > 0).length, receiver.at('/hang').length], [100, 0, 8]);
  await connection.execute('delete from enterprise.webhook_endpoint where account_id = $1', [slow]);
  receiver.release('/hang');
});

test('a message carries both signatures while a former secret counts, and the dialect\'s own beside them', async () => {
  const accountId = await office.account();
  const endpoint = await office.endpoint(accountId, '/rotated');
  const secret = createSecret();
  await endpoints.rotateEndpointSecret(accountId, endpoint.id, { secret, until: new Date(office.now() + hourMs) });
  await office.tell(accountId);
  const call = await receiver.called('/rotated');
  const signatures = (headers: Record<string, unknown>): number => String(headers['webhook-signature']).split(' ').length;
  assert.equal(signatures(call.headers), 2);
  const expected = createHmac('sha256', bytesOf(secret)).update(`${String(call.headers['webhook-timestamp'])}.${call.body}`).digest('hex');
  assert.equal(call.headers['x-family-signature'], `sha256=${expected}`);
  await office.moveTo(office.now() + hourMs);
  await office.tell(accountId);
  assert.equal(signatures((await receiver.called('/rotated', 2)).headers), 1);
});

test('the time of the clock is what is signed', async () => {
  const accountId = await office.account();
  const { secret } = await office.endpoint(accountId, '/clock');
  await office.moveTo(Date.now());
  await office.tell(accountId, { data: 'x' });
  const call = await receiver.called('/clock');
  assert.deepEqual(verified<object>(call, secret), { id: call.headers['webhook-id'], event: 'generation.completed', data: 'x' });
});

test('what is undone is not told, what is gone is not told either, and what is forgotten leaves no trace', async () => {
  const accountId = await office.account();
  await office.endpoint(accountId, '/undone');
  await assert.rejects(connection.transaction(async () => {
    await office.tell(accountId);
    throw new Error('undone');
  }), /undone/);
  await office.tell(accountId, { data: 'gone' });
  await until(async () => !(await office.rows()).some((row) => row['account_id'] === accountId));
  receiver.answers('/undone', 500);
  const subjectId = await office.tell(accountId, { data: 'of a person' });
  await office.attempted(subjectId, 1);
  await office.jobs.forget([subjectId]);
  const left = await connection.execute("select (select count(*)::int from enterprise.webhook_attempt where body like '%of a person%') + (select count(*)::int from enterprise.webhook_delivery where subject_id = $1) as n", [subjectId]);
  assert.deepEqual([left, receiver.at('/undone').length], [[{ n: 0 }], 1]);
});

test('a delivery that a killed process was at goes out again, under the same id, when its claim is over', async () => {
  const accountId = await office.account();
  await office.endpoint(accountId, '/taken-over');
  await connection.transaction(async () => {
    const subjectId = await office.tell(accountId);
    await connection.execute('update enterprise.webhook_delivery set claimed_until = $2 where subject_id = $1', [subjectId, new Date(office.now() + 30_000)]);
  });
  await office.tell(accountId);
  await receiver.called('/taken-over');
  assert.equal(receiver.at('/taken-over').length, 1);
  await office.moveTo(office.now() + 30_000);
  await receiver.called('/taken-over', 2);
});

test('two processes at work on one outbox send nothing twice', async () => {
  const accountId = await office.account();
  await office.endpoint(accountId, '/shared');
  const other = await office.another();
  for (let index = 0; index < 60; index++) await office.tell(accountId, { data: index });
  await other.webhooks.wake();
  await until(async () => (await office.rows()).every((row) => row['account_id'] !== accountId || row['state'] === 'DELIVERED'));
  assert.deepEqual([receiver.at('/shared').length, new Set(receiver.at('/shared').map(({ headers }) => headers['webhook-id'])).size], [60, 60]);
  assert.deepEqual(office.faults, []);
});
