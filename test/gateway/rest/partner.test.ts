import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTestPlatform, type Tenant } from '../../support/platform.ts';
import { openBusiness, type TestSalon } from '../../support/salon.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const platform = await startTestPlatform({ after });
const path = '/api/v1/admin/enterprise';
const good = golden['partner.create.request'];
let partner: Tenant;
before(async () => {
  partner = await platform.tenant({ kind: 'partner' });
});

const post = async (json: unknown, key: string | null = partner.key) => platform.rest(path, { json, ...key !== null && { headers: { 'x-partner-api-key': key } } });
const error = (message: string) => ({ data: null, message, status: 'error' });
const { connection } = platform.platform;
const tables = [...['account', '"user"', 'membership', 'widget', 'api_key', 'balance', 'ledger', 'request_key'].map((table) => `enterprise.${table}`), 'jobs.job'];
const counts = async (): Promise<unknown> => (await connection.execute(`select ${tables.map((table, index) => `(select count(*)::int from ${table}) as n${index}`).join(', ')}`))[0];

test('201 with the documented body', async () => {
  const { status, body } = await post(good);
  const documented = golden['partner.create.201'];
  assert.equal(status, 201);
  assert.deepEqual(shapeOf(body), shapeOf(documented));
  const { data, message, status: word } = body as typeof documented;
  assert.deepEqual([message, word, data.enterprise_brand_name, data.owner_email], [documented.message, 'success', good.businessName, good.ownerEmail]);
  assert.match(data.enterprise_name, /^hair-salon-spa-\d{4}$/);
  assert.match(data.enterprise_id, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  const base = platform.platform.env.publicUrl;
  assert.deepEqual(data.links, {
    enterprise_overview: `${base}/org/${data.enterprise_name}`, widget_management: `${base}/org/${data.enterprise_name}/widgets/${data.widget_id}`, widget_embed: `${base}/studio-widget?widget_id=${data.widget_id}`,
  });
  for (const link of Object.values(data.links)) {
    const { status: found, headers } = await platform.rest(new URL(link).pathname + new URL(link).search);
    assert.deepEqual([found, headers.get('content-type')], [200, 'text/html; charset=utf-8'], link);
    // The widget stands in the business's own site, the others in nobody's.
    const isEmbedded = link === data.links.widget_embed;
    assert.deepEqual([headers.get('x-frame-options'), headers.get('content-security-policy')?.endsWith(isEmbedded ? 'frame-ancestors *' : "frame-ancestors 'none'")], [isEmbedded ? null : 'SAMEORIGIN', true], link);
  }
});

test('everything is active at once: owner with all rights, enabled widget, key, credits', async () => {
  const { id, slug, key, widgetId, ownerEmail } = await openBusiness(platform, partner.key);
  const { enterprise } = await platform.gql<{ enterprise: Record<string, unknown> }>(key, `query ($slug: String!) { enterprise(slug: $slug) {
    id businessType subscriptionStatus owner { email } widgets { id enabled brandName } apiKeys { name status } credits { available } } }`, { slug });
  assert.deepEqual(enterprise, {
    id, businessType: 'SALON', subscriptionStatus: 'ACTIVE', owner: { email: ownerEmail }, widgets: [{ id: String(widgetId), enabled: true, brandName: 'Hair Salon & Spa' }],
    apiKeys: [{ name: 'Default API key', status: 'ACTIVE' }], credits: { available: 20 },
  });
  const roles = await connection.execute('select role from enterprise.membership where account_id = $1 order by role', [id]);
  assert.deepEqual(roles.map(({ role }) => role), ['admin', 'business_owner']);
});

test('an owner who is known already owns both businesses', async () => {
  const { ownerEmail } = await openBusiness(platform, partner.key);
  const second = await openBusiness(platform, partner.key, ownerEmail.toUpperCase());
  const [{ n } = {}] = await connection.execute('select count(*)::int as n from enterprise."user" where email_key = $1', [ownerEmail]);
  const { enterprise } = await platform.gql<{ enterprise: { owner: { email: string } } }>(second.key, `{ enterprise(slug: "${second.slug}") { owner { email } } }`);
  assert.deepEqual([n, enterprise.owner.email], [1, ownerEmail]);
});

describe('refusals', () => {
  const wrong: [string, unknown, RegExp][] = [
    ['no body', {}, /businessName is required/], ['a short name', { ...good, businessName: ' abc ' }, /at least 4/], ['no owner', { ...good, ownerEmail: undefined }, /ownerEmail is required/],
    ['an owner without address', { ...good, ownerEmail: 'owner' }, /ownerEmail/], ['another type', { ...good, businessType: 'spa' }, /businessType/],
  ];
  for (const [name, json, message] of wrong) {
    test(`400 for ${name}`, async () => {
      const { status, body } = await post(json);
      assert.equal(status, 400);
      assert.match(String(body['message']), message);
      assert.deepEqual(body, error(String(body['message'])));
    });
  }
  test('401 without a key, with an unknown one, and with one that is no partner\'s', async () => {
    const salon = await openBusiness(platform, partner.key);
    for (const key of [null, 'ak_wrong', salon.key, (await platform.tenant()).key]) {
      const { status, body } = await post(good, key);
      assert.deepEqual([status, shapeOf(body)], [401, shapeOf(golden['partner.create.error'])]);
    }
  });
  test('409 when no name is free', async () => {
    await connection.execute(`insert into enterprise.account (id, kind, name, slug, business_type, subscription_status)
      select gen_random_uuid(), 'enterprise', 'Full', 'full-house-' || n, 'SALON', 'ACTIVE' from generate_series(1000, 9999) n`);
    const before = await counts();
    const { status, body } = await post({ ...good, businessName: 'Full House' });
    assert.deepEqual([status, body], [409, error('Unable to generate unique enterprise name')]);
    assert.deepEqual(await counts(), before);
  });
});

test('whichever step fails, nothing is left behind', async () => {
  await connection.execute(`create function enterprise.refuse() returns trigger language plpgsql as $$ begin raise exception 'no room'; end $$`);
  for (const table of tables) {
    await connection.execute(`create trigger refuse before insert on ${table} for each row execute function enterprise.refuse()`);
    const before = await counts();
    const { status, body } = await platform.rest(path, { json: { ...good, ownerEmail: `new.${table.replaceAll('"', '')}@example.com` }, headers: { 'x-partner-api-key': partner.key, 'idempotency-key': table } });
    await connection.execute(`drop trigger refuse on ${table}`);
    assert.equal(status, 500, table);
    assert.deepEqual(shapeOf(body), shapeOf(golden['partner.create.error']));
    assert.deepEqual(await counts(), before, `${table} failed and something was left`);
  }
  assert.equal((await post(good)).status, 201);
});

test('100 equal names at once give 100 businesses', async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, async (_, index) => post({ ...good, businessName: 'Crowded', ownerEmail: `crowd${index % 10}@example.com` })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map(({ body }) => (body['data'] as { enterprise_name: string }).enterprise_name)).size, 100);
});

describe('the graph', () => {
  type Seen = { viewer: { account: { enterprises: { totalCount: number; nodes: { slug: string }[]; pageInfo: { endCursor: string } } } } };
  const seen = async (key: string, args = 'first: 2') => (await platform.gql<Seen>(key, `{ viewer { account { ... on PartnerAccount { enterprises(${args}) { totalCount nodes { slug owner { email } links { enterpriseOverview } } pageInfo { endCursor } } } } } }`)).viewer.account.enterprises;
  test('a partner sees its businesses, newest first, and no other partner does', async () => {
    const [mine, other] = [await platform.tenant({ kind: 'partner' }), await platform.tenant({ kind: 'partner' })];
    const salons: TestSalon[] = [];
    for (let index = 0; index < 3; index++) salons.unshift(await openBusiness(platform, mine.key));
    const first = await seen(mine.key);
    const rest = await seen(mine.key, `first: 2, after: "${first.pageInfo.endCursor}"`);
    assert.deepEqual([first.totalCount, ...first.nodes, ...rest.nodes].map((node) => (typeof node === 'number' ? node : node.slug)), [3, ...salons.map(({ slug }) => slug)]);
    assert.deepEqual(await seen(other.key), { totalCount: 0, nodes: [], pageInfo: { endCursor: null } });
    assert.deepEqual((await seen(other.key, `after: "${first.pageInfo.endCursor}"`)).nodes, []);
  });
  for (const field of ['clients { totalCount }', 'client(id: "client_01ARZ3NDEKTSV4RRFFQ69G5FAV") { id }', 'credits { available }', 'apiKeys { id }', 'generations { totalCount }', 'images { totalCount }']) {
    test(`a partner does not see ${field} of its businesses`, async () => {
      const salon = await openBusiness(platform, partner.key);
      const query = `{ viewer { account { ... on PartnerAccount { enterprises(first: 1) { nodes { slug ${field} } } } } } }`;
      const { body } = await platform.rest<{ errors?: object[] }>('/graphql', { key: partner.key, json: { query } });
      assert.ok(body.errors && body.errors.length > 0, JSON.stringify(body));
      assert.doesNotMatch(JSON.stringify(body), /totalCount|available/, salon.slug);
    });
  }
});
