import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { lettersTo, addMember, linkFor, openFor, removeMember, type Signed, signIn, useLink } from '../support/people.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';
import { addClient, openBusiness, type TestSalon } from '../support/salon.ts';
import { until } from '../support/database.ts';

const platform = await startTestPlatform({ after }, { variables: { TRUSTED_PROXIES: '127.0.0.1, ::1' } });
let partner: Tenant;
let salon: TestSalon;
let rival: TestSalon;
let owner: Signed;
before(async () => {
  partner = await platform.tenant({ kind: 'partner' });
  [salon, rival] = [await openBusiness(platform, partner.key, 'owner@salon.example'), await openBusiness(platform, partner.key, 'owner@rival.example')];
  owner = await signIn(platform, 'owner@salon.example');
});

const codes = ({ errors }: { errors: { code: string }[] }): string[] => errors.map(({ code }) => code);
const statusOf = async (key: string, path = '/api/v1/styles'): Promise<number> => (await platform.rest(path, { key })).status;
/** Whether each field of the business is answered. */
async function sees(key: string): Promise<Record<string, boolean>> {
  const fields = { clients: 'clients { totalCount }', credits: 'credits { available }', users: 'users { since }', apiKeys: 'apiKeys { id }', apiLogs: 'apiLogs { nodes { id } }', generations: 'generations { totalCount }' };
  const entries = await Promise.all(Object.entries(fields).map(async ([name, field]) => {
    const { body } = await platform.rest<{ errors?: unknown[] }>('/graphql', { key, json: { query: `{ enterprise(slug: "${salon.slug}") { ${field} } }` } });
    return [name, body.errors === undefined] as const;
  }));
  return Object.fromEntries(entries);
}

test('the owner lets people sign in, who are told by mail, and sees them', async () => {
  const { member, errors } = await addMember(platform, owner.secret, 'Stella@salon.example', 'STAFF');
  assert.deepEqual([member?.roles, errors], [['STAFF'], []]);
  await until(async () => (await lettersTo(platform, 'stella@salon.example')).length === 1);
  const again = await addMember(platform, owner.secret, 'STELLA@salon.example', 'STAFF');
  assert.deepEqual(again, { member, errors: [] });
  const { enterprise } = await platform.gql<{ enterprise: object }>(owner.secret, `{ enterprise(slug: "${salon.slug}") { users { user { email } roles } } }`);
  assert.deepEqual(enterprise, { users: [{ user: { email: 'owner@salon.example' }, roles: ['BUSINESS_OWNER', 'ADMIN'] }, { user: { email: 'Stella@salon.example' }, roles: ['STAFF'] }] });
  assert.equal((await signIn(platform, 'stella@salon.example')).account.id, salon.id);
  assert.equal((await lettersTo(platform, 'stella@salon.example')).filter(({ subject }) => subject.startsWith('You can')).length, 1);
});

test('each role does what it may, on REST and in the graph', async () => {
  await addMember(platform, owner.secret, 'adam@salon.example', 'ADMIN');
  const [admin, staff] = [await signIn(platform, 'adam@salon.example'), await signIn(platform, 'stella@salon.example')];
  const everything = { clients: true, credits: true, users: true, apiKeys: true, apiLogs: true, generations: true };
  assert.deepEqual([await sees(owner.secret), await sees(admin.secret), await sees(staff.secret)], [everything, everything, { ...everything, apiKeys: false, apiLogs: false }]);
  const client = await addClient(platform, { ...salon, key: staff.secret }, { email: 'client@example.org' });
  assert.deepEqual([await statusOf(staff.secret, salon.at(`clients/${client}`)), await statusOf(staff.secret, salon.at('api-keys')), await statusOf(admin.secret, salon.at('api-keys'))], [200, 403, 200]);
  assert.deepEqual(codes(await addMember(platform, staff.secret, 'friend@example.org', 'STAFF')), ['FORBIDDEN']);
  assert.deepEqual(codes(await removeMember(platform, staff.secret, admin.user.id)), ['FORBIDDEN']);
  assert.deepEqual(codes(await addMember(platform, admin.secret, 'more@salon.example', 'ADMIN')), []);
});

describe('rights', () => {
  test('are not given or taken by who has them not', async () => {
    const { createApiKey: { secret } } = await platform.gql<{ createApiKey: { secret: string } }>(owner.secret, 'mutation { createApiKey(input: { name: "x", scopes: ["organization:read", "organization:write"] }) { secret } }');
    const [stella, adam] = [await signIn(platform, 'stella@salon.example'), await signIn(platform, 'adam@salon.example')];
    for (const role of ['ADMIN', 'STAFF']) assert.deepEqual(codes(await addMember(platform, secret, 'thief@example.org', role)), ['FORBIDDEN']);
    for (const { user } of [stella, adam]) assert.deepEqual(codes(await removeMember(platform, secret, user.id)), ['FORBIDDEN']);
    assert.equal((await lettersTo(platform, 'thief@example.org')).length, 0);
  });
  test('of the owner stay, and nobody else becomes one', async () => {
    const adam = await signIn(platform, 'adam@salon.example');
    assert.deepEqual(codes(await removeMember(platform, adam.secret, owner.user.id)), ['CONFLICT']);
    for (const role of ['STAFF', 'ADMIN']) assert.deepEqual(codes(await addMember(platform, adam.secret, 'owner@salon.example', role)), ['CONFLICT']);
    assert.deepEqual(codes(await addMember(platform, owner.secret, 'adam@salon.example', 'BUSINESS_OWNER')), ['VALIDATION']);
    assert.equal(await statusOf(owner.secret), 200);
  });
  test('end with the membership, at once and with what is open, and those for other accounts stay', async () => {
    const both = 'both@example.org';
    await addMember(platform, owner.secret, both, 'ADMIN');
    await addMember(platform, rival.key, both, 'STAFF');
    const here = await signIn(platform, both, salon.id);
    const there = await openFor(platform, here.secret, rival.id);
    const stream = await platform.send('/graphql', { key: here.secret, json: { query: 'subscription { generationFeed { cursor } }' }, headers: { accept: 'text/event-stream' } });
    assert.deepEqual(await removeMember(platform, owner.secret, here.user.id), { removedId: here.user.id, errors: [] });
    assert.deepEqual([await statusOf(here.secret), await statusOf(there.secret)], [401, 200]);
    await stream.text().catch(() => 'cut off');
    assert.deepEqual([codes(await openFor(platform, there.secret, salon.id)), codes(await removeMember(platform, owner.secret, here.user.id))], [['NOT_FOUND'], ['NOT_FOUND']]);
    assert.equal((await signIn(platform, both)).account.id, rival.id);
  });
  test('change with the role, and sessions of before are of no use', async () => {
    await addMember(platform, owner.secret, 'change@salon.example', 'ADMIN');
    const { secret } = await signIn(platform, 'change@salon.example');
    assert.deepEqual((await addMember(platform, owner.secret, 'change@salon.example', 'STAFF')).member?.roles, ['STAFF']);
    assert.equal(await statusOf(secret), 401);
    assert.equal((await sees((await signIn(platform, 'change@salon.example')).secret))['apiKeys'], false);
  });
});

test('who is removed while signing in is signed in for nothing of it', async () => {
  for (let round = 0; round < 6; round++) {
    const email = `race${round}@salon.example`;
    const { member } = await addMember(platform, owner.secret, email, 'ADMIN');
    const token = await linkFor(platform, email);
    const [signed] = await Promise.all([useLink(platform, token), removeMember(platform, owner.secret, member?.user.id ?? '')]);
    if (signed.secret && signed.account.id === salon.id) assert.equal(await statusOf(signed.secret), 401);
    else assert.equal(signed.account.type, 'PersonalAccount');
  }
});

test('another business neither sees nor removes members', async () => {
  const stella = await signIn(platform, 'stella@salon.example');
  assert.deepEqual(codes(await removeMember(platform, rival.key, stella.user.id)), ['NOT_FOUND']);
  const { body } = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { key: rival.key, json: { query: `{ enterprise(slug: "${salon.slug}") { users { since } } }` } });
  assert.deepEqual(body.errors.map(({ extensions: { code } }) => code), ['FORBIDDEN']);
  const seen = await platform.rest<{ errors?: unknown[] }>('/graphql', { key: partner.key, json: { query: '{ viewer { account { ... on PartnerAccount { enterprises { nodes { users { since } } } } } } }' } });
  assert.ok(seen.body.errors);
  assert.equal(await statusOf(stella.secret), 200);
});

test('a personal account has no members, an organization and a partner have', async () => {
  const [personal, organization] = [await platform.tenant(), await platform.tenant({ kind: 'organization' })];
  assert.deepEqual(codes(await addMember(platform, personal.key, 'friend@example.org', 'STAFF')), ['FORBIDDEN']);
  const own = await signIn(platform, 'own@example.org');
  assert.deepEqual(codes(await removeMember(platform, own.secret, own.user.id)), ['FORBIDDEN']);
  assert.equal((await signIn(platform, 'own@example.org')).account.id, own.account.id);
  for (const { key, accountId } of [organization, partner]) {
    assert.deepEqual(codes(await addMember(platform, key, `boss@${accountId}.example`, 'ADMIN')), []);
    assert.equal((await signIn(platform, `boss@${accountId}.example`)).account.id, accountId);
  }
});

test('an account has at most 200 members', async () => {
  const full = await platform.tenant({ kind: 'organization' });
  await platform.platform.connection.execute(`with people as (insert into enterprise."user" (id, email, email_key) select 'user_' || n, n || '@full.example', n || '@full.example' from generate_series(1, 199) n returning id)
    insert into enterprise.membership (account_id, user_id, role) select $1, id, 'staff' from people`, [full.accountId]);
  const answers = await Promise.all(Array.from({ length: 4 }, (_, index) => addMember(platform, full.key, `last${index}@full.example`, 'STAFF')));
  assert.deepEqual([answers.filter(({ member }) => member).length, answers.flatMap(codes)], [1, ['VALIDATION', 'VALIDATION', 'VALIDATION']]);
  assert.deepEqual((await addMember(platform, full.key, '7@full.example', 'ADMIN')).member?.roles, ['ADMIN'], 'who is one already can have another role');
});

test('a hundred a day are added and not one more, whoever adds them', async () => {
  const many = await platform.tenant({ kind: 'organization' });
  const answers = await Promise.all(Array.from({ length: 110 }, (_, index) => addMember(platform, many.key, `m${index}@many.example`, 'STAFF')));
  assert.equal(answers.filter(({ member }) => member).length, 100);
  assert.deepEqual(new Set(answers.flatMap(codes)), new Set(['RATE_LIMITED']));
  const { viewer } = await platform.gql<{ viewer: { rateLimits: { name: string; limit: number; remaining: number }[] } }>(many.key, '{ viewer { rateLimits { name limit remaining } } }');
  assert.deepEqual(viewer.rateLimits.map(({ name, limit }) => `${name} ${limit}`).toSorted(), ['members-added 100', 'requests-enterprise 600', 'requests-hairstyles 600', 'requests-headshot 300', 'requests-partner 600', 'skin-shades 100']);
  assert.equal(viewer.rateLimits.find(({ name }) => name === 'members-added')?.remaining, 0);
  assert.equal(codes(await addMember(platform, owner.secret, 'still@salon.example', 'STAFF')).length, 0);
});
