import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { enterpriseMigrations } from '../../../subgraphs/enterprise/index.ts';
import { phoneKeyOf } from '../../../subgraphs/enterprise/rules.ts';
import { newAccountId, newClientId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { openTestConnection } from '../../support/database.ts';

describe('a number is the same however it is written', () => {
  const spellings: Record<string, readonly string[]> = {
    '+46701234567': ['+46 (0)70-123 45 67', '+46 070 123 45 67', '0046 70 123 45 67', '(+46)701234567', '＋46 70 1234567', '+46.70.123.45.67'],
    '+12025550101': ['+1 (202) 555-0101', '001 202 555 0101', '+1 202.555.0101'],
    '+79123456789': ['+7 912 345-67-89', '+7 8 912 345 67 89'],
    '+5491123456789': ['+54 9 11 2345 6789', '+54 11 15 2345 6789'],
  };
  for (const [number, written] of Object.entries(spellings)) for (const one of written) test(one, () => assert.equal(phoneKeyOf(one), number));
});

describe('and another one stays another one', () => {
  const different: readonly [string, string][] = [
    ['without its country', '0701234567'], ['with an extension', '+46 70 123 45 67 ext. 8'], ['of another country', '+47 70 123 45 67'], ['a digit shorter', '+46 70 123 45 6'],
  ];
  for (const [name, other] of different) test(name, () => assert.notEqual(phoneKeyOf(other), phoneKeyOf('+46 70 123 45 67')));
  test('an Italian zero belongs to the number', () => assert.equal(phoneKeyOf('+39 06 123 4567'), '+39061234567'));
  test('what no country has stays its digits', () => assert.deepEqual(['+999 123-456', '+1 (555) 0', '(0) 12-3', '12+34'].map(phoneKeyOf), ['+999123456', '+15550', '0123', '1234']));
});

test('clients who were kept under another spelling are found again, and of two who are now one both stay', async (t) => {
  const connection = await openTestConnection(t);
  await migrate(connection, 'enterprise', Object.fromEntries(Object.entries(enterpriseMigrations).filter(([name]) => name < '006')));
  const account = newAccountId();
  await connection.execute(`insert into enterprise.account (id, kind, name) values ($1, 'personal', 'Salon')`, [account]);
  const kept = [['+46 070 111 22 33', '+460701112233'], ['+46 70 111 22 33', '+46701112233'], ['+46 070 999 22 33', '+460709992233'], ['070 1', '0701']];
  for (const [index, [number, key]] of kept.entries()) {
    await connection.execute('insert into enterprise.client (id, account_id, phone_number, phone_key, source, number) values ($1, $2, $3, $4, $5, $6)', [newClientId(), account, number, key, 'api', index + 1]);
  }
  await migrate(connection, 'enterprise', enterpriseMigrations);
  const rows = await connection.execute('select phone_key as key from enterprise.client order by number');
  assert.deepEqual(rows.map(({ key }) => key), ['+460701112233', '+46701112233', '+46709992233', '0701']);
});
