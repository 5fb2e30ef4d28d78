import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startTestPlatform } from '../../support/platform.ts';
import { openBusiness } from '../../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);
const posts = {
  'POST /api/v1/admin/enterprise': { path: '/api/v1/admin/enterprise', key: partner.key, json: { businessName: 'Twice Asked', businessType: 'barber', ownerEmail: 'twice@example.com' }, other: { businessName: 'Another One' }, table: 'account' },
  'POST clients': { path: salon.at('clients'), key: salon.key, json: { email: 'twice@example.com' }, other: { email: 'another@example.com' }, table: 'client' },
  'POST api-keys': { path: salon.at('api-keys'), key: salon.key, json: { name: 'twice' }, other: { name: 'another' }, table: 'api_key' },
};

for (const [name, { path, key, json, other, table }] of Object.entries(posts)) {
  test(`${name} that is sent ten times at once with one idempotency key is done once and answered alike`, async () => {
    const rows = async () => Number((await platform.platform.connection.execute(`select count(*)::int as n from enterprise.${table}`))[0]?.['n']);
    const send = async (body: object, idempotencyKey = '"again"') => platform.rest<{ data?: { api_key?: string } }>(path, { key, json: body, headers: { 'idempotency-key': idempotencyKey } });
    const before = await rows();
    const crowd = await Promise.all(Array.from({ length: 10 }, async () => send(json)));
    const running = crowd.filter(({ status }) => status === 409);
    for (const { headers } of running) assert.match(headers.get('retry-after') ?? '', /^[1-5]$/);
    const answers = [...crowd.filter(({ status }) => status !== 409), await send(json)];
    assert.deepEqual(new Set(answers.map(({ text }) => text)).size, 1, answers.map(({ text }) => text).join('\n'));
    assert.ok([200, 201].includes(answers[0]?.status ?? 0));
    assert.deepEqual([answers.filter(({ headers }) => headers.get('idempotency-replayed') === null).length, answers.at(-1)?.headers.get('idempotency-replayed')], [1, 'true']);
    assert.equal(await rows(), before + 1);
    const secret = answers[0]?.body.data?.api_key;
    if (secret) assert.equal((await platform.rest('/api/v1/styles', { key: secret })).status, 200);
    assert.equal((await send({ ...json, ...other })).status, 422);
    assert.equal((await send({ ...json, ...other }, 'else')).status, answers[0]?.status);
    assert.equal(await rows(), before + 2);
    assert.equal((await send(json, 'x'.repeat(256))).status, 400);
  });
}

test('no secret is kept', async () => {
  const rows = await platform.platform.connection.execute('select to_jsonb(r)::text as line from enterprise.request_key r');
  assert.ok(rows.length >= 3);
  assert.doesNotMatch(JSON.stringify(rows), /ak_/);
  const sealed = await platform.platform.connection.execute('select sealed from enterprise.kept_answer');
  assert.ok(sealed.length >= 3);
  for (const row of sealed) assert.doesNotMatch(Buffer.from(row['sealed'] as Uint8Array).toString('latin1'), /ak_|api_key/);
});
