import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { enterpriseRoutes } from '../../../gateway/rest/enterprise.ts';
import { askEnterprise, enterpriseRequests, enterpriseRouteNames } from '../../support/enterprise-routes.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { addClient, openBusiness, type TestSalon } from '../../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const partner = await platform.tenant({ kind: 'partner' });
let salon: TestSalon;
let rival: TestSalon;
let client: string;
before(async () => {
  [salon, rival] = [await openBusiness(platform, partner.key), await openBusiness(platform, partner.key)];
  client = await addClient(platform, salon, { email: 'jane@example.com' });
});

const error = (message: string) => ({ success: false, data: null, message, status: 'error' });
const messages = { client: 'Client not found', erasure: 'Erasure not found', key: 'API key not found' };

test('every route of the Enterprise API is asked', () => assert.deepEqual(enterpriseRoutes.map(({ method, path }) => `${method} ${path}`).sort(), [...enterpriseRouteNames].sort()));

for (const name of enterpriseRouteNames) {
  describe(name, () => {
    test('401 without a key, and with one that nobody has', async () => {
      assert.deepEqual(await askEnterprise(platform, name, { ...salon, key: null }), { status: 401, body: error('No API key provided') });
      assert.deepEqual(await askEnterprise(platform, name, { ...salon, key: 'ak_wrong' }), { status: 401, body: error('Invalid API key') });
    });

    test('403 with a key that may do nothing', async () => {
      const { body: { data } } = await platform.rest<{ data: { api_key: string } }>(salon.at('api-keys'), { key: salon.key, json: { name: 'none', scopes: [] } });
      const { status, body } = await askEnterprise(platform, name, { ...salon, key: data.api_key, ids: { client } });
      assert.deepEqual([status, body], [403, error(String(body['message']))]);
    });

    test('403 for the slug of another business, as for one that nobody has', async () => {
      const [theirs, nobodys] = [await askEnterprise(platform, name, { ...salon, key: rival.key, ids: { client } }), await askEnterprise(platform, name, { slug: 'no-such-salon-1', key: rival.key, ids: { client } })];
      assert.deepEqual(theirs, { status: 403, body: error('This API key has no access to this enterprise') });
      assert.deepEqual(theirs, nobodys);
    });

    const { of } = { of: undefined, ...enterpriseRequests[name] };
    if (of !== undefined) {
      test(`404 for the ${of} of another business, as for nobody's`, async () => {
        const ids = { client, key: (await platform.rest<{ data: { id: string }[] }>(salon.at('api-keys'), { key: salon.key })).body.data[0]?.id ?? '' };
        const [theirs, nobodys] = [await askEnterprise(platform, name, { ...rival, ids }), await askEnterprise(platform, name, rival)];
        assert.deepEqual(theirs, { status: 404, body: error(messages[of]) });
        assert.deepEqual(theirs, nobodys);
      });
    }
  });
}

test('500 for a fault, by every route: with the id of the request, and nothing of the cause', async () => {
  const { connection } = platform.platform;
  await connection.execute('alter table enterprise.account rename to account_away');
  const answers = await Promise.all(enterpriseRouteNames.map(async (name) => [name, await askEnterprise(platform, name, { ...salon, ids: { client } })] as const));
  await connection.execute('alter table enterprise.account_away rename to account');
  for (const [name, { status, body }] of answers) {
    assert.deepEqual([status, body], [500, error(String(body['message']))], name);
    assert.match(String(body['message']), /^Unexpected server error \(request [\w-]+\)$/, name);
  }
  assert.equal((await platform.rest(salon.at('clients'), { key: salon.key })).status, 200);
});
