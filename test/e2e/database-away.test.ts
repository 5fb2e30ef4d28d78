import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startProxy } from '../faults/proxy.ts';
import { createTestDatabase, onPostgres, until } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';

test('while its database is away, every door answers 503 in its own words, and is well again when that is back', { skip: !onPostgres && 'the embedded database is never away' }, async () => {
  const url = new URL(await createTestDatabase({ after }));
  const proxy = await startProxy(Number(url.port || 5432));
  after(() => proxy.stop());
  url.port = String(proxy.port);
  const platform = await startTestPlatform({ after }, { variables: { DATABASE_URL: url.href }, workers: 1 });
  const { key } = await platform.tenant();
  const organization = await platform.tenant({ kind: 'organization' });
  const graph = { key, json: { query: '{ viewer { account { id } } }' } };
  assert.equal((await platform.rest('/graphql', graph)).status, 200);

  proxy.set('refusing');
  proxy.cut();
  const [generation, headshot, shade, graphql] = await Promise.all([
    platform.rest('/api/v1/generation/job_01ARZ3NDEKTSV4RRFFQ69G5FAV', { key }), platform.rest('/api/v2/organization', { headers: { authorization: `Bearer ${organization.key}` } }),
    platform.rest('/api/generatekey'), platform.rest('/graphql', graph),
  ]);
  for (const { status, headers, text } of [generation, headshot, shade, graphql]) assert.deepEqual([status, /^\d+$/.test(headers.get('retry-after') ?? '')], [503, true], text);
  assert.deepEqual([generation.body['data'], generation.body['status']], [null, 'error']);
  assert.equal(headshot.body['success'], false);
  assert.deepEqual(Object.keys(shade.body), ['error']);
  assert.deepEqual((graphql.body['errors'] as { extensions: { code: string } }[]).map(({ extensions: { code } }) => code), ['UNAVAILABLE']);
  assert.equal((await platform.rest('/readyz')).status, 503);

  proxy.set('open');
  await until(async () => (await platform.rest('/graphql', graph)).status === 200);
  await until(async () => (await platform.rest('/readyz')).status === 200);
});
