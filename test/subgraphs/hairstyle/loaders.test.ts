import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoaders } from '../../../subgraphs/hairstyle/loaders.ts';
import { generations } from '../../../subgraphs/hairstyle/migrations/001-generations.ts';
import { createStore } from '../../../subgraphs/hairstyle/store.ts';
import { newAccountId, newGenerationId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { openTestConnection } from '../../support/database.ts';

test('all rows of a kind that a request asks for at once are one statement, and without a caller none', async (t) => {
  const connection = await openTestConnection(t);
  await migrate(connection, 'hairstyle', { '001_generations': generations });
  const store = createStore(connection);
  let statements = 0;
  const counted = { ...store, findGenerations: async (...args: Parameters<typeof store.findGenerations>) => (statements += 1, store.findGenerations(...args)) };
  const caller = { accountId: newAccountId(), accountKind: 'personal', keyId: 'key_test' as Caller['keyId'], scopes: new Set<string>() } satisfies Caller;
  const ids = Array.from({ length: 20 }, newGenerationId);
  const load = async (asking: Caller | null) => {
    const loaders = createLoaders(counted, { caller: asking, requestId: 'test' });
    return Promise.all([...ids, ...ids].map((id) => loaders.generation.load(id)));
  };
  assert.deepEqual(await load(caller), Array.from({ length: 40 }, () => null));
  assert.equal(statements, 1);
  await load(null);
  assert.equal(statements, 1);
});
