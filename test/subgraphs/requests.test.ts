import assert from 'node:assert/strict';
import { after, mock, test } from 'node:test';
import { Failure } from '../../schema/failures.ts';
import { createAccounts, enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import type { AccountId } from '../../subgraphs/ids.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createRequests, type Keyed, type Requests } from '../../subgraphs/requests.ts';
import { onPostgres, openTestConnection } from '../support/database.ts';

const connection = await openTestConnection({ after });
await migrate(connection, 'enterprise', enterpriseMigrations);
const requests = createRequests(connection, { keptMs: 3_600_000 });
const account = async (): Promise<AccountId> => createAccounts(connection).createAccount({ kind: 'personal', name: 'Test' });
const me = await account();
const keyed = (key: string, fingerprint = 'f'): Keyed => ({ operation: 'create', key, fingerprint, path: ['input', 'idempotencyKey'] });
const find = async (id: string): Promise<string | null> => `again ${id}`;
const make = async (key: string, id: string, { by = me, fingerprint = 'f', does = async () => `made ${id}` } = {}): Promise<string> => requests.once(by, keyed(key, fingerprint), id, { work: does, replay: find });
const isConflict = (error: unknown): boolean => error instanceof Failure && error.code === 'IDEMPOTENCY_CONFLICT' && error.detail.path?.join('.') === 'input.idempotencyKey';
const notes = async (): Promise<unknown> => connection.execute('select account_id, operation, key, fingerprint, subject_id from enterprise.request_key order by 1, 2, 3');

test('of twenty at once with one key one works, and all others are given what it made', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, async (_, index) => make('crowd', String(index))));
  const [made, ...others] = answers.toSorted((a, b) => Number(a.startsWith('again')) - Number(b.startsWith('again')));
  assert.deepEqual([...new Set(others)], [made?.replace('made', 'again')]);
});

test('what throws has not taken its key; another request with a taken one is refused', async () => {
  await assert.rejects(make('thrown', '1', { does: async () => Promise.reject(new Error('no')) }), /no/);
  assert.equal(await make('thrown', '2'), 'made 2');
  await assert.rejects(make('thrown', '3', { fingerprint: 'other' }), isConflict);
  await assert.rejects(requests.findEarlier(me, keyed('thrown', 'other'), find), isConflict);
  assert.equal(await requests.findEarlier(me, keyed('thrown'), find), 'again 2');
  await assert.rejects(requests.findEarlier(me, keyed('thrown'), async () => null), isConflict, 'what it made is gone');
});

test('work may write down another id, and without a key nothing is written down', async () => {
  const work = async (_: string | null, note: (id: string) => Promise<void>): Promise<string> => {
    await note('known later');
    return 'made';
  };
  assert.equal(await requests.once<string, string>(me, keyed('noted'), '', { work, replay: find }), 'made');
  assert.equal(await make('noted', '2'), 'again known later');
  const before = await notes();
  assert.deepEqual([await requests.once<string, string>(me, null, 'x', { work, replay: find }), await requests.findEarlier(me, null, find)], ['made', null]);
  assert.deepEqual(await notes(), before);
});

test('the seed of a repetition is that of the first time, and of no other request', async () => {
  const seeds: (string | null)[] = [];
  for (const key of ['s', 's', 't']) await requests.once<string, unknown>(me, keyed(key), '1', { work: async (seed) => seeds.push(seed), replay: async (_, seed) => seeds.push(seed) });
  assert.equal(seeds[0], seeds[1]);
  assert.notEqual(seeds[0], seeds[2]);
});

test('a clock of this machine that jumps frees no key', { skip: !onPostgres && 'the embedded database has no clock of its own' }, async () => {
  const by = await account();
  await make('jumped', '1', { by });
  for (const days of [2, -2]) {
    mock.timers.enable({ apis: ['Date'], now: Date.now() + days * 86_400_000 });
    try {
      assert.equal(await make('jumped', '2', { by }), 'again 1');
      assert.equal(await requests.findEarlier(by, keyed('jumped'), find), 'again 1');
      await requests.trim();
    } finally {
      mock.timers.reset();
    }
  }
  assert.equal(await make('jumped', '3', { by }), 'again 1');
});

test('after its time a key is free, and forgotten', async () => {
  await make('old', '1');
  await make('young', '1');
  await connection.execute("update enterprise.request_key set created_at = created_at - interval '61 minutes' where key = 'old'");
  assert.equal(await requests.findEarlier(me, keyed('old'), find), null);
  assert.equal(await make('old', '2'), 'made 2');
  await connection.execute("update enterprise.request_key set created_at = created_at - interval '61 minutes' where key = 'old'");
  await requests.trim();
  assert.deepEqual([await make('young', '2'), await connection.execute("select 1 from enterprise.request_key where key = 'old'")], ['again 1', []]);
});

test('a foreign tenant gets nothing and changes nothing, by every function', async () => {
  await make('mine', '1');
  const [foreign, before] = [await account(), await notes()];
  const walk: { [Name in keyof Requests]: () => Promise<unknown> } = {
    once: async () => (await make('mine', '1', { by: foreign })) === 'made 1' ? connection.execute('delete from enterprise.request_key where account_id = $1', [foreign]) : 'a foreign note',
    findEarlier: () => requests.findEarlier(foreign, keyed('mine'), find),
    forget: () => requests.forget(foreign, ['1']),
    trim: async () => null,
  };
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(requests).sort());
  for (const [name, call] of Object.entries(walk)) {
    const found = await call();
    assert.ok(found === null || found === 0 || (Array.isArray(found) && found.length === 0), name);
  }
  assert.deepEqual(await notes(), before);
  assert.equal(await requests.forget(me, ['1', '2']), 5);
});
