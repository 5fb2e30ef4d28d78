import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createAccounts, enterpriseMigrations } from '../../../subgraphs/enterprise/index.ts';
import { createStore } from '../../../subgraphs/enterprise/store.ts';
import { newClientId, newKeyId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { openTestConnection } from '../../support/database.ts';

const connection = await openTestConnection({ after });
await migrate(connection, 'enterprise', enterpriseMigrations);
const store = createStore(connection);
const open = (slug: string) => createAccounts(connection).createAccount({ kind: 'enterprise', name: slug, slug, businessType: 'SALON' });
const [salon, rival] = [await open('salon-1'), await open('rival-1')];
const add = async (account: typeof salon, email: string | null) => store.insertClient(account, newKeyId(), {
  id: newClientId(), email, email_key: email?.toLowerCase() ?? null, name: null, phone_number: null, phone_key: email === null ? newClientId() : null, source: 'api',
});
const emails: (string | null)[] = [];
for (let index = 0; index < 60; index++) emails.push(index % 7 === 0 ? null : `${['Ann', 'b_b', 'c%c', 'd\\d'][index % 4]}.${index}@${index % 3 ? 'mail' : 'POST'}.example`);
for (const email of emails) await add(salon, email);
for (const email of emails) await add(rival, email);
const newestFirst = emails.toReversed();

describe('whatever is searched for, each page and the total are those of reading all', () => {
  for (const search of ['@', 'mail', 'post.example', 'ann.4@mail.example', 'ANN', '%', '_', '\\', '1', 'nobody', '.5']) {
    test(search, async () => {
      const expected = newestFirst.filter((email) => email?.toLowerCase().includes(search.toLowerCase()));
      for (const first of [1, 4, 10, 100]) {
        for (let skip = 0; skip <= expected.length + first; skip += first) {
          const { rows, total } = await store.listClients(salon, search, { first, limit: first + 1, after: null, skip });
          assert.deepEqual([rows.map(({ email }) => email), total], [expected.slice(skip, skip + first + 1), expected.length], `${first} from ${skip}`);
        }
      }
    });
    test(`${search}, by cursors`, async () => {
      const expected = newestFirst.filter((email) => email?.toLowerCase().includes(search.toLowerCase()));
      const read: (string | null)[] = [];
      for (let cursor: string | null = null; ;) {
        const { rows, total } = await store.listClients(salon, search, { first: 4, limit: 4, after: cursor, skip: 0 });
        assert.equal(total, expected.length);
        read.push(...rows.map(({ email }) => email));
        const last = rows.at(-1);
        if (!last) break;
        cursor = last.id;
      }
      assert.deepEqual(read, expected);
    });
  }
});

test('what was counted once is counted again after every change, whoever made it, and after one that was undone', async () => {
  const shop = await open('counted-1');
  const other = createStore(connection);
  const request = { first: 2, limit: 2, after: null, skip: 0 };
  const found = async (asked = store) => (await asked.listClients(shop, 'count', request)).total;
  const addNamed = (email: string, by = store) => by.insertClient(shop, newKeyId(), { id: newClientId(), email, email_key: email, name: null, phone_number: null, phone_key: null, source: 'api' });
  for (const name of ['a', 'b', 'c', 'd']) await addNamed(`${name}@count.example`);
  assert.deepEqual([await found(), await found(), await found(other)], [4, 4, 4]);
  const fifth = await addNamed('e@count.example', other);
  assert.deepEqual([await found(), await found(other)], [5, 5]);
  await assert.rejects(connection.transaction(async () => {
    await addNamed('f@count.example');
    assert.equal(await found(), 6);
    throw new Error('undone');
  }), /undone/);
  assert.equal(await found(), 5);
  // As many as before, and another one.
  await addNamed('g@elsewhere.example');
  assert.deepEqual([await found(), await found(other)], [5, 5]);
  assert.ok(fifth && await other.deleteClient(shop, fifth.id));
  await addNamed('h@elsewhere.example');
  assert.deepEqual([await found(), await found(other)], [4, 4]);
});

test('a database whose extensions stand elsewhere is searched as well', async (t) => {
  const other = await openTestConnection(t);
  await other.execute('create schema extensions');
  await other.execute('create extension pg_trgm with schema extensions');
  await migrate(other, 'enterprise', enterpriseMigrations);
  const [index] = await other.execute(`select indexdef from pg_indexes where schemaname = 'enterprise' and indexname = 'clients_by_part'`);
  assert.match(String(index?.['indexdef']), /gin/);
});
