import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { restRoutes } from '../../../gateway/rest/routes.ts';
import { openOrganization } from '../../support/organization.ts';
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

const form = (bytes: Uint8Array): FormData => {
  const data = new FormData();
  data.append('file', new Blob([new Uint8Array(bytes)]), 'me.jpg');
  return data;
};
const bearer = { authorization: `Bearer ${organization.key}` };
const base = '/api/v2/organization';
const order = { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'me.jpg' };

type Example = { at?: string; headers: Record<string, string>; send: () => { json?: object; body?: FormData }; other: () => { json?: object; body?: FormData };
  /** What there is one more of, whatever happens in between. Null: it is the same a second time by itself. */
  counted: string | null; /** Done once even when the process dies before it answers. */ survives?: true };
const json = (value: object) => () => ({ json: value });
const file = (bytes: Uint8Array) => () => ({ body: form(bytes) });

/** One example for each POST that takes a key: a route that is missing here fails the first test. */
const examples: Record<string, Example> = {
  '/api/v1/generation/hairstyle': { headers: { 'x-api-key': person.key }, send: json(order), other: json({ ...order, styles: ['462817'] }), counted: 'hairstyle.generation', survives: true },
  '/api/v1/images': { headers: { 'x-api-key': person.key }, send: file(photo), other: file(another), counted: 'hairstyle.image' },
  '/api/v1/enterprise/:slug/clients': { at: salon.at('clients'), headers: { 'x-api-key': salon.key }, send: json({ email: 'once@example.com' }), other: json({ email: 'other@example.com' }), counted: 'enterprise.client', survives: true },
  '/api/v1/enterprise/:slug/clients/:id/media': { at: salon.at(`clients/${clientId}/media`), headers: { 'x-api-key': salon.key }, send: file(photo), other: file(another), counted: 'enterprise.client_media' },
  '/api/v1/enterprise/:slug/api-keys': { at: salon.at('api-keys'), headers: { 'x-api-key': salon.key }, send: json({ name: 'once' }), other: json({ name: 'other' }), counted: 'enterprise.api_key', survives: true },
  '/api/v1/admin/enterprise': { headers: { 'x-partner-api-key': partner.key }, send: json({ businessName: 'Once Only', businessType: 'barber', ownerEmail: 'o@example.com' }), other: json({ businessName: 'Other One', businessType: 'barber', ownerEmail: 'o@example.com' }), counted: 'enterprise.account', survives: true },
  [`${base}/invites`]: { headers: bearer, send: json({ email: 'once@acme.com' }), other: json({ email: 'other@acme.com' }), counted: 'headshot.invite', survives: true },
  [`${base}/invites/revoke`]: { headers: bearer, send: json({ email: 'c@acme.com' }), other: json({ email: 'd@acme.com' }), counted: null },
  [`${base}/models`]: { headers: bearer, send: json({ email: 'model@acme.com' }), other: json({ email: 'other.model@acme.com' }), counted: 'headshot.model', survives: true },
  [`${base}/teams`]: { headers: bearer, send: json({ name: 'Once' }), other: json({ name: 'Other' }), counted: 'headshot.team' },
  [`${base}/teams/:teamId/members`]: { at: `${base}/teams/${teams.organization.teams[0]?.id}/members`, headers: bearer, send: json({ emails: ['a@acme.com'] }), other: json({ emails: ['b@acme.com'] }), counted: null },
  '/api/skinshade': { headers: { 'x-api-key': person.key }, send: file(photo), other: file(another), counted: 'skinshade.reading', survives: true },
};

/** One reads and changes nothing; the other is shown in test/e2e/styles.test.ts, where there are portraits for it. */
const elsewhere = [`${base}/models/:modelId/photos/download`, '/api/v1/styles/import'];

test('every POST that is asked with a key has its example', () => {
  const paths = restRoutes.filter(({ method, isOpen }) => method === 'POST' && !isOpen).map(({ path }) => path as string);
  assert.deepEqual([...Object.keys(examples), ...elsewhere].sort(), paths.sort());
});

for (const [path, { at = path, headers, send, other, counted, survives }] of Object.entries(examples)) {
  test(`POST ${path}: the same again is answered alike, another body 422, while the first one runs 409`, async () => {
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
    if (!survives) return;
    // As a process leaves it that was killed between the commit and its answer.
    await connection.execute(mark, [`POST ${at}`, -1]);
    assert.deepEqual([(await post(send())).status, await count()], [first.status, before + 1]);
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
