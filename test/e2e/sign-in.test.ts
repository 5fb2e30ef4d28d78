import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from '../../subgraphs/database.ts';
import { lettersTo, linkFor, openFor, requestLink, signIn, signOut, useLink } from '../support/people.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';
import { findInDatabase } from '../support/traces.ts';
import { until } from '../support/database.ts';

const platform = await startTestPlatform({ after }, { variables: { TRUSTED_PROXIES: '127.0.0.1, ::1' } });
const { connection } = platform.platform;
let partner: Tenant;
before(async () => {
  partner = await platform.tenant({ kind: 'partner' });
});

type Viewer = { account: { id: string; __typename: string; name: string; credits?: { available: number } }; key: { id: string } | null; session: { id: string } | null; user: { id: string; email: string } | null; roles: string[]; memberships: { roles: string[]; account: { id: string } }[]; rateLimits: { name: string; limit: number; remaining: number; window: string; resetsAt: string }[] };
const viewer = async (key: string): Promise<Viewer> => (await platform.gql<{ viewer: Viewer }>(key, `{ viewer { account { id __typename name credits { available } } key { id } session { id } user { id email } roles
  memberships { roles account { id } } rateLimits { name limit remaining window resetsAt } } }`)).viewer;
const statusOf = async (key: string): Promise<number> => (await platform.rest('/api/v1/styles', { key })).status;
const count = async (statement: string, parameters: unknown[] = []): Promise<unknown> => (await connection.execute(`select count(*)::int as n ${statement}`, parameters))[0]?.['n'];
const codes = ({ errors }: { errors: { code: string }[] }): string[] => errors.map(({ code }) => code);

test('whoever is new signs up with a link: a personal account with 20 credits, and a key of it', async () => {
  const { secret, account, user, isNew } = await signIn(platform, 'Ann@example.org');
  assert.match(secret, /^session_[0-9A-Za-z]{43}$/);
  assert.deepEqual([account.type, account.name, user.email, isNew], ['PersonalAccount', 'ann', 'ann@example.org', true]);
  const seen = await viewer(secret);
  assert.deepEqual([seen.account.credits, seen.key, seen.user, seen.roles, seen.memberships], [{ available: 20 }, null, user, ['ADMIN'], [{ roles: ['ADMIN'], account: { id: account.id } }]]);
  const { createApiKey } = await platform.gql<{ createApiKey: { secret: string; apiKey: { user: object } } }>(secret, 'mutation { createApiKey(input: { name: "mine" }) { secret apiKey { user { id email } } errors { message } } }');
  assert.deepEqual(createApiKey.apiKey.user, user);
  const byKey = await viewer(createApiKey.secret);
  assert.deepEqual([byKey.account.id, byKey.user, byKey.session, byKey.roles, byKey.memberships], [account.id, user, null, [], []]);
  for (const header of ['x-api-key', 'x-partner-api-key', 'authorization']) {
    assert.equal((await platform.rest('/api/v1/styles', { headers: { [header]: header === 'authorization' ? `Bearer ${secret}` : secret } })).status, 200, header);
  }
  assert.deepEqual([(await signIn(platform, 'ANN@example.org')).isNew, await count(`from enterprise.account where name = 'ann'`)], [false, 1]);
});

test('the owner of a new business is told how to sign in, and may do everything there', async () => {
  const salon = await openBusiness(platform, partner.key, 'Olga@salon.example');
  const [letter] = await until(async () => {
    const letters = await lettersTo(platform, 'olga@salon.example');
    return letters.length > 0 && letters;
  });
  assert.match(`${letter?.subject}\n${letter?.text}`, /^You can sign in for Hair Salon & Spa\n.*\/login\n$/s);
  const { secret, account, isNew } = await signIn(platform, 'olga@salon.example');
  assert.deepEqual([account.id, isNew], [salon.id, false]);
  assert.deepEqual((await viewer(secret)).roles, ['BUSINESS_OWNER', 'ADMIN']);
  const client = await addClient(platform, { ...salon, key: secret }, { email: 'client@example.org' });
  const { body } = await platform.rest<{ metadata: { created_by: string } }>(salon.at(`clients/${client}`), { key: secret });
  assert.equal(body.metadata.created_by, (await viewer(secret)).user?.id);
  // A session is no key: it is not among them, does not count as the last one, and is not deleted as one.
  const { enterprise } = await platform.gql<{ enterprise: { apiKeys: { id: string }[] } }>(secret, `{ enterprise(slug: "${salon.slug}") { apiKeys { id } } }`);
  assert.equal(enterprise.apiKeys.length, 1);
  const remove = async (id: string) => platform.rest<{ message: string }>(salon.at(`api-keys/${id}`), { method: 'DELETE', key: secret });
  assert.deepEqual([(await remove(enterprise.apiKeys[0]?.id ?? '')).status, (await remove((await viewer(secret)).session?.id ?? '')).status], [400, 404]);
});

test('one person acts for several accounts, with one session for each', async () => {
  const [first, second] = [await openBusiness(platform, partner.key, 'two@salon.example'), await openBusiness(platform, partner.key, 'two@salon.example')];
  const { secret } = await signIn(platform, 'two@salon.example');
  const seen = await viewer(secret);
  assert.deepEqual([seen.account.id, seen.memberships.map(({ account: { id } }) => id)], [first.id, [first.id, second.id]]);
  const other = await openFor(platform, secret, second.id);
  assert.deepEqual([(await viewer(other.secret)).account.id, (await viewer(secret)).account.id], [second.id, first.id]);
  assert.deepEqual([(await platform.rest(second.at('clients'), { key: secret })).status, (await platform.rest(second.at('clients'), { key: other.secret })).status], [403, 200]);
  assert.equal((await signIn(platform, 'two@salon.example', second.id)).account.id, second.id);
  const foreign = await openBusiness(platform, partner.key);
  assert.deepEqual([codes(await openFor(platform, secret, foreign.id)), codes(await openFor(platform, first.key, second.id))], [['NOT_FOUND'], ['FORBIDDEN']]);
  const token = await linkFor(platform, 'two@salon.example');
  assert.deepEqual(codes(await useLink(platform, token, foreign.id)), ['NOT_FOUND']);
  assert.deepEqual(codes(await useLink(platform, token, first.id)), [], 'the link was not used up by that');
});

describe('a link', () => {
  test('works once, however many use it at the same time', async () => {
    const token = await linkFor(platform, 'once@example.org');
    const answers = await Promise.all(Array.from({ length: 20 }, () => useLink(platform, token)));
    assert.deepEqual(answers.flatMap(codes), Array.from({ length: 19 }, () => 'NOT_FOUND'));
    assert.deepEqual(codes(await useLink(platform, token)), ['NOT_FOUND']);
    assert.equal(await count(`from enterprise.api_key join enterprise."user" on "user".id = user_id where session and email_key = 'once@example.org'`), 1);
  });
  test('and several links of one new address make one account with one grant', async () => {
    const tokens = [await linkFor(platform, 'same@example.org'), await linkFor(platform, 'same@example.org'), await linkFor(platform, 'same@example.org')];
    const answers = await Promise.all(tokens.flatMap((token) => [useLink(platform, token), useLink(platform, token)]));
    assert.equal(answers.flatMap(codes).length, 5);
    assert.equal(await count(`from enterprise.account join enterprise.ledger on account_id = account.id where account.name = 'same'`), 1);
    assert.equal(await count(`from enterprise.sign_in_link where email_key = 'same@example.org'`), 0);
  });
  test('is of no use after 15 minutes, and nor is a made up one', async () => {
    const token = await linkFor(platform, 'late@example.org');
    const [row] = await connection.execute(`select expires_at from enterprise.sign_in_link where email_key = 'late@example.org'`);
    const leftMs = Number(row?.['expires_at']) - Date.now();
    assert.ok(leftMs > 14 * 60_000 && leftMs <= 15 * 60_000, `${leftMs} ms`);
    await connection.execute(`update enterprise.sign_in_link set expires_at = now() where email_key = 'late@example.org'`);
    for (const wrong of [token, 'x'.repeat(43), '']) assert.deepEqual(codes(await useLink(platform, wrong)), ['NOT_FOUND']);
  });
  test('and a session are kept nowhere, nor is the address of who only asked', async () => {
    const [token, { secret }] = [await linkFor(platform, 'kept@example.org'), await signIn(platform, 'open@example.org')];
    assert.deepEqual(await findInDatabase(connection, [token, secret, secret.slice(8)]), []);
    await connection.execute(`update enterprise.sign_in_link set expires_at = now()`);
    await platform.platformOf('enterprise').jobs.enqueue('enterprise.upkeep', {});
    await until(async () => (await findInDatabase(connection, ['kept@example.org'])).length === 0);
  });
  test('goes to the address by which its reader is known, not to one that only looks like it', async () => {
    await signIn(platform, 'mike@example.org');
    const before = (await lettersTo(platform, 'mike@example.org')).length;
    await requestLink(platform, 'mi\u212Ae@example.org');
    await until(async () => (await lettersTo(platform, 'mike@example.org')).length === before + 1);
  });
});

describe('who asks for a link learns nothing', () => {
  test('known and unknown addresses are answered alike, after the same work', async (t) => {
    // Letters wait here, for the work of sending them is not what is compared.
    const asked: string[] = [];
    const counting = (inner: Connection): Connection => ({ ...inner, execute: async (...statement) => (asked.push(statement[0]), inner.execute(...statement)), store: <Tables>(schema: string) => {
      const store = inner.store<Tables>(schema);
      return () => (asked.push(schema), store());
    } });
    const quiet = await startTestPlatform(t, { workers: 0, wrap: counting });
    await quiet.platform.connection.execute(`insert into enterprise."user" (id, email, email_key, signed_in_at) values ('user_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'known@example.org', 'known@example.org', now())`);
    const ask = async (email: string) => {
      asked.length = 0;
      const { status, body } = await quiet.rest('/graphql', { json: { query: `mutation { requestSignInLink(email: "${email}") { errors { code } } }` } });
      return { status, body, work: [...asked] };
    };
    await ask('first@example.org');
    const [known, unknown] = [await ask('known@example.org'), await ask('nobody@example.org')];
    assert.deepEqual(known, unknown);
    assert.ok(known.status === 200 && known.work.length >= 4, JSON.stringify(known));
  });
  test('five links an hour to one address, however many ask at once and from wherever', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => requestLink(platform, 'flood@example.org')));
    assert.deepEqual([answers.filter(({ sentTo }) => sentTo !== null).length, new Set(answers.flatMap(codes))], [5, new Set(['RATE_LIMITED'])]);
    assert.match(answers.flatMap(({ errors }) => errors)[0]?.message ?? '', /^Too many links were asked for\. Please try again in \d+ minutes\.$/);
    assert.equal(await count(`from enterprise.sign_in_link where email_key = 'flood@example.org'`), 5);
    await signIn(platform, 'calm@example.org');
    assert.deepEqual(await findInDatabase(connection, ['flood@']).then((places) => places.map((place) => place.split(':')[0])), Array.from({ length: 5 }, () => 'enterprise.sign_in_link'));
  });
  test('thirty links an hour from one place, which a proxy names and nobody else can', async () => {
    const from = { 'x-forwarded-for': '203.0.113.9' };
    const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => requestLink(platform, `many${index}@example.org`, from)));
    assert.equal(answers.filter(({ sentTo }) => sentTo !== null).length, 30);
    assert.deepEqual(codes(await requestLink(platform, 'more@example.org', { 'x-forwarded-for': '192.0.2.1, 203.0.113.9' })), ['RATE_LIMITED'], 'what stands before the proxy\'s word is anybody\'s');
    assert.deepEqual(codes(await requestLink(platform, 'more@example.org', { 'x-forwarded-for': '2001:db8:1:2::1' })), []);
    const sixtyFour = await Promise.all(Array.from({ length: 30 }, (_, index) => requestLink(platform, `six${index}@example.org`, { 'x-forwarded-for': `2001:db8:1:2:${index + 1}::1` })));
    assert.equal(sixtyFour.filter(({ sentTo }) => sentTo !== null).length, 29, 'a /64 is one place');
  });
  test('what is left is told to who signed in', async () => {
    const { secret } = await signIn(platform, 'rates@example.org');
    const limits = (await viewer(secret)).rateLimits;
    assert.deepEqual(limits.map(({ name }) => name).toSorted(), ['requests-enterprise', 'requests-hairstyles', 'requests-headshot', 'requests-partner', 'sign-in-links', 'skin-shades']);
    const limit = limits.find(({ name }) => name === 'sign-in-links');
    assert.deepEqual([limit?.limit, limit?.remaining, limit?.window], [5, 4, 'HOUR']);
    assert.ok(Date.parse(limit?.resetsAt ?? '') > Date.now() && Date.parse(limit?.resetsAt ?? '') <= Date.now() + 3_600_000);
    const personal = await platform.tenant();
    assert.deepEqual((await viewer(personal.key)).rateLimits.filter(({ name }) => name === 'sign-in-links'), []);
  });
});

describe('signing out', () => {
  test('ends this session and no other', async () => {
    const [one, two] = [await signIn(platform, 'out@example.org'), await signIn(platform, 'out@example.org')];
    assert.deepEqual(await signOut(platform, one.secret), { ended: 1, errors: [] });
    assert.deepEqual([await statusOf(one.secret), await statusOf(two.secret)], [401, 200]);
    assert.deepEqual(codes(await signOut(platform, partner.key)), ['FORBIDDEN']);
  });
  test('everywhere ends all of them at once, for all accounts, with what is open, and nobody else\'s', async () => {
    const [first, second] = [await openBusiness(platform, partner.key, 'all@salon.example'), await openBusiness(platform, partner.key, 'all@salon.example')];
    const one = await signIn(platform, 'all@salon.example', first.id);
    const secrets = [one.secret, (await openFor(platform, one.secret, second.id)).secret, (await signIn(platform, 'all@salon.example')).secret];
    const other = await signIn(platform, 'other@salon.example');
    const streams = await Promise.all(secrets.map(async (key) => platform.send('/graphql', { key, json: { query: 'subscription { generationFeed { cursor } }' }, headers: { accept: 'text/event-stream' } })));
    const ends = streams.map(async (stream) => stream.text().catch(() => 'cut off'));
    assert.deepEqual(await signOut(platform, secrets[1] ?? '', true), { ended: 3, errors: [] });
    assert.deepEqual(await Promise.all(secrets.map(statusOf)), [401, 401, 401]);
    await Promise.all(ends);
    assert.deepEqual([await statusOf(other.secret), await statusOf(first.key), await statusOf(second.key)], [200, 200, 200], 'keys are not signed out');
  });
  test('and opening one more session at the same time leaves none', async () => {
    for (let round = 0; round < 5; round++) {
      const salon = await openBusiness(platform, partner.key, `race${round}@salon.example`);
      const { secret } = await signIn(platform, `race${round}@salon.example`);
      const [ended, ...opened] = await Promise.all([signOut(platform, secret, true), ...Array.from({ length: 6 }, () => openFor(platform, secret, salon.id))]);
      assert.ok((ended.ended ?? 0) >= 1);
      for (const one of opened) assert.equal(one.secret ? await statusOf(one.secret) : 401, 401);
    }
  });
});

test('a session ends after 30 days, and what is open of it within the hour', async () => {
  const { secret } = await signIn(platform, 'old@example.org');
  const stream = await platform.send('/graphql', { key: secret, json: { query: 'subscription { generationFeed { cursor } }' }, headers: { accept: 'text/event-stream' } });
  const days = await count(`from enterprise.api_key where session and expires_at between now() + interval '29 days' and now() + interval '30 days'`);
  assert.ok(Number(days) > 0);
  await connection.execute(`update enterprise.api_key set expires_at = now() where session and user_id = (select id from enterprise."user" where email_key = 'old@example.org')`);
  await platform.platformOf('enterprise').jobs.enqueue('enterprise.upkeep', {});
  await stream.text().catch(() => 'cut off');
  assert.equal(await statusOf(secret), 401);
});

test('a client is known as a user once the address was shown to be theirs', async () => {
  const [salon, rival] = [await openBusiness(platform, partner.key), await openBusiness(platform, partner.key)];
  const id = await addClient(platform, salon, { email: 'Carla@example.org', phone_number: '+12025550142' });
  const other = await addClient(platform, rival, { phone_number: '+12025550142' });
  const userOf = async ({ key, at }: typeof salon, client: string): Promise<string | null> => (await platform.rest<{ user_id: string | null }>(at(`clients/${client}`), { key })).body.user_id;
  await openBusiness(platform, partner.key, 'carla@example.org');
  assert.equal(await userOf(salon, id), null, 'named by somebody else is not shown');
  const { user } = await signIn(platform, 'carla@example.org');
  assert.deepEqual([await userOf(salon, id), await userOf(rival, other)], [user.id, null]);
  const { enterprise } = await platform.gql<{ enterprise: object }>(salon.key, `{ enterprise(slug: "${salon.slug}") { clients { nodes { user { id email } } } } }`);
  assert.deepEqual(enterprise, { clients: { nodes: [{ user: { id: user.id, email: 'carla@example.org' } }] } });
});
