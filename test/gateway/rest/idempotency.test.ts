import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { restRoutes } from '../../../gateway/rest/routes.ts';
import { openOrganization } from '../../support/organization.ts';
import { organizations, repeatablePosts } from '../../support/posts.ts';
import { smallPortrait } from '../../support/photos.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { addClient, openBusiness } from '../../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const { connection } = platform.platform;
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);
const person = await platform.tenant();
const organization = await openOrganization(platform);
const [photo, another] = [await smallPortrait(300), await smallPortrait(320)];
await platform.upload(person.key, photo);
const clientId = await addClient(platform, salon, { email: 'media@example.com' });
const teams = await organization.ok<{ organization: { teams: { id: string }[] } }>('POST', '/teams', { name: 'Sales' });
await connection.execute('insert into headshot.setting (account_id, is_whitelabel) values ($1, true) on conflict (account_id) do update set is_whitelabel = true', [organization.accountId]);
for (const email of ['a@acme.com', 'b@acme.com', 'c@acme.com', 'd@acme.com']) await organization.ok('POST', '/invites', { email });

const examples = repeatablePosts({ person: person.key, partner: partner.key, organization: organization.key, salon, clientId, teamId: teams.organization.teams[0]?.id ?? '', photos: [photo, another] });

/** One reads and changes nothing; the other is shown in test/e2e/styles.test.ts, where there are portraits for it. */
const elsewhere = [`${organizations}/models/:modelId/photos/download`, '/api/v1/styles/import'];

test('every POST that is asked with a key has its example', () => {
  const paths = restRoutes.filter(({ method, isOpen }) => method === 'POST' && !isOpen).map(({ path }) => path as string);
  assert.deepEqual([...Object.keys(examples), ...elsewhere].sort(), paths.sort());
});

for (const [path, { at = path, headers, send, other, counted }] of Object.entries(examples)) {
  test(`POST ${path}: the same again is answered alike, another body 422, while the first one runs 409; of fifty at once one is done`, async () => {
    const post = async (init: { json?: object; body?: FormData }, key = 'again') => platform.rest(at, { method: 'POST', headers: { ...headers, 'idempotency-key': key }, ...init });
    const count = async () => (counted === null ? 0 : Number((await connection.execute(`select count(*)::int as n from ${counted}`))[0]?.['n']));
    const before = await count();
    const first = await post(send());
    assert.ok(first.status === 200 || first.status === 201, first.text);
    const second = await post(send());
    assert.deepEqual([second.status, second.text, second.headers.get('idempotency-replayed'), first.headers.get('idempotency-replayed')], [first.status, first.text, 'true', null]);
    assert.equal((await post(other())).status, 422);
    const mark = "update enterprise.kept_answer set status = null, sealed = null, claimed_until = now() + $2 * interval '1 minute' where operation = $1 and key = 'again'";
    await connection.execute(mark, [`POST ${at}`, 1]);
    const early = await post(send());
    assert.deepEqual([early.status, /^[1-5]$/.test(early.headers.get('retry-after') ?? '')], [409, true]);
    assert.equal(await count(), before + (counted === null ? 0 : 1));
    // As a process leaves it that was killed between the commit and its answer.
    await connection.execute(mark, [`POST ${at}`, -1]);
    assert.equal((await post(other())).status, 422);
    const again = await post(send());
    assert.deepEqual([again.status, again.text, await count()], [first.status, first.text, before + (counted === null ? 0 : 1)]);
    const crowd = await Promise.all(Array.from({ length: 50 }, async () => post(other(), 'crowd')));
    assert.deepEqual(crowd.map(({ status }) => status).filter((status) => status !== first.status && status !== 409), []);
    assert.deepEqual([crowd.filter(({ status, headers: said }) => status === first.status && said.get('idempotency-replayed') === null).length, await count()], [1, before + (counted === null ? 0 : 2)]);
  });
}

test('what was refused is not kept: its key is free', async () => {
  const post = async (body: object) => platform.rest(salon.at('clients'), { key: salon.key, json: body, headers: { 'idempotency-key': 'refused' } });
  assert.equal((await post({ email: 'media@example.com' })).status, 409);
  assert.equal((await post({ email: 'free@example.com' })).status, 200);
  assert.equal((await platform.rest(salon.at('clients'), { key: salon.key, json: { email: 'x@example.com' }, headers: { 'idempotency-key': 'x'.repeat(256) } })).status, 400);
});

test('a key is the account\'s own, and what was answered is forgotten after a day and with an erasure', async () => {
  const rival = await openBusiness(platform, partner.key);
  const post = async ({ key, at }: typeof salon, email: string) => platform.rest<{ client: { id: string } }>(at('clients'), { key, json: { email }, headers: { 'idempotency-key': 'mine' } });
  const [mine, theirs] = [await post(salon, 'mine@example.com'), await post(rival, 'mine@example.com')];
  assert.deepEqual([mine.status, theirs.status, mine.body.client.id === theirs.body.client.id], [200, 200, false]);
  assert.equal((await platform.rest(rival.at(`clients/${theirs.body.client.id}`), { method: 'DELETE', key: rival.key })).status, 202);
  assert.deepEqual(await connection.execute('select 1 from enterprise.kept_answer where account_id = $1', [rival.id]), []);
  await connection.execute("update enterprise.kept_answer set created_at = created_at - interval '25 hours'");
  await platform.platform.answers.trim();
  assert.deepEqual(await connection.execute('select 1 from enterprise.kept_answer'), []);
});
