import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { portrait } from '../../support/photos.ts';
import { startTestPlatform, type Tenant } from '../../support/platform.ts';

const platform = await startTestPlatform({ after });
const path = '/api/v1/generation/hairstyle';
const good = { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'me.jpg' };
let tenant: Tenant;

before(async () => {
  tenant = await platform.tenant();
  assert.equal((await platform.upload(tenant.key, await portrait())).status, 200);
});

const refused = async (init: Parameters<typeof platform.rest>[1], at = path) => {
  const { status, body } = await platform.rest(at, init);
  return { status, body };
};

describe('keys', () => {
  const wrong = 'ak_wrong';
  const error = (message: string) => ({ data: null, message, status: 'error' });
  const cases: [string, string, string, string | null, number, object][] = [
    ['401 styles without a key', 'GET', '/api/v1/styles', null, 401, { data: null, message: 'No API key provided', error: true }],
    ['401 colors with a wrong key', 'GET', '/api/v1/colors', wrong, 401, { data: null, message: 'Invalid API key', error: true }],
    ['401 POST without a key', 'POST', path, null, 401, error('No API key provided')],
    ['401 POST with a wrong key', 'POST', path, wrong, 401, error('Invalid API key')],
    ['401 GET generation without a key', 'GET', '/api/v1/generation/job_1', null, 401, error('No API key provided')],
    ['403 GET generation with a wrong key', 'GET', '/api/v1/generation/job_1', wrong, 403, error('Invalid API key')],
    ['401 upload without a key', 'POST', '/api/v1/images', null, 401, error('No API key provided')],
  ];
  for (const [name, method, at, key, status, body] of cases) {
    test(name, async () => assert.deepEqual(await refused({ method, key }, at), { status, body }));
  }

  test('403 when the key lacks the scope', async () => {
    const reader = await platform.tenant({ scopes: ['generations:read'] });
    assert.equal((await refused({ key: reader.key, json: good })).status, 403);
    assert.equal((await refused({ key: reader.key }, '/api/v1/styles')).status, 200);
  });

  test('a deleted key is refused at once', async () => {
    const gone = await platform.tenant();
    assert.equal((await refused({ key: gone.key }, '/api/v1/styles')).status, 200);
    await platform.platform.keys.delete(gone.accountId, gone.keyId);
    assert.equal((await refused({ key: gone.key }, '/api/v1/styles')).status, 401);
  });

  test('every header that may carry a key is read', async () => {
    for (const headers of [{ 'x-api-key': tenant.key }, { authorization: `Bearer ${tenant.key}` }, { 'x-partner-api-key': tenant.key }]) {
      assert.equal((await platform.rest('/api/v1/styles', { headers: { ...headers } as Record<string, string> })).status, 200, Object.keys(headers)[0]);
    }
  });
});

describe('bodies', () => {
  const without = (name: keyof typeof good) => Object.fromEntries(Object.entries(good).filter(([field]) => field !== name));
  type Case = [name: string, json: unknown, status: number, message: RegExp];
  const inside = ['http://10.0.0.1/hook', 'http://169.254.169.254/latest', 'http://[::1]/hook', 'http://2130706433/', 'http://localhost/hook'];
  const uncallable = [...inside.map((url) => [url, /refused: the address is not on the public internet$/] as const), ['https://example.com:8443/hook', /refused: only ports 80 and 443/] as const, ['https://user:secret@example.com/hook', /refused: an address may not hold a user name/] as const];
  const cases: Case[] = [
    ['400 without gender', without('gender'), 400, /^gender is required$/],
    ['400 without styles', without('styles'), 400, /^styles is required$/],
    ['400 without an image', without('image_name'), 400, /^image_name or image_url is required$/],
    ['400 for no styles', { ...good, styles: [] }, 400, /at least one/],
    ['400 for nine styles', { ...good, styles: Array.from({ length: 9 }, () => '817941') }, 400, /at most 8/],
    ['400 for a style twice', { ...good, styles: ['817941', 817941] }, 400, /twice/],
    ['400 for an unknown style, naming it', { ...good, styles: ['817941', '999999999'] }, 400, /999999999/],
    ['400 for styles as text', { ...good, styles: '817941' }, 400, /styles/],
    ['400 for an unknown color', { ...good, hair_colour: 'plaid' }, 400, /plaid/],
    ['400 for an unknown gender', { ...good, gender: 'x' }, 400, /gender/],
    ['400 for an unknown mode', { ...good, mode: 'x' }, 400, /mode/],
    ['400 for a hairline that is no truth', { ...good, force_new_hairline: 'yes' }, 400, /force_new_hairline/],
    ['400 for a callback that is no URL', { ...good, callback_url: 'example.com' }, 400, /callback_url/],
    ...uncallable.map(([callback_url, message]): Case => [`400 for a callback to ${callback_url}`, { ...good, callback_url }, 400, message]),
    ['400 for an image URL of another protocol', { ...good, image_name: undefined, image_url: 'ftp://example.com/a.jpg' }, 400, /image_url/],
    ['400 for a list', [], 400, /JSON object/],
    ['400 for null', null, 400, /JSON object/],
    ['404 for an unknown image', { ...good, image_name: 'other.jpg' }, 404, /^Image not found or inaccessible$/],
    ['404 for a client that is nobody', { ...good, client_id: 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, 404, /client/i],
  ];
  for (const [name, json, status, message] of cases) {
    test(name, async () => {
      const answer = await refused({ key: tenant.key, json });
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.deepEqual([answer.body['data'], answer.body['status']], [null, 'error']);
      assert.match(String(answer.body['message']), message);
    });
  }

  test('402 when the credits do not cover the cost, and nothing is taken', async () => {
    const poor = await platform.tenant({ amount: 1 });
    await platform.upload(poor.key, await portrait());
    const answer = await refused({ key: poor.key, json: { ...good, mode: 'live', styles: ['817941', '462817'] } });
    assert.equal(answer.status, 402);
    assert.match(String(answer.body['message']), /credit/i);
    assert.deepEqual(await platform.platform.credits.balance(poor.accountId), { available: 1, reserved: 0 });
  });

  const raw: [string, string, string, number][] = [
    ['400 for malformed JSON', 'application/json', '{"gender":', 400],
    ['400 for an empty body', 'application/json', '', 400],
    ['400 for JSON that is nested too deep', 'application/json', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 400],
    ['413 for more than 1 MB', 'application/json', JSON.stringify({ a: 'x'.repeat(1_100_000) }), 413],
    ['415 for a form', 'application/x-www-form-urlencoded', 'gender=person', 415],
    ['415 for plain text', 'text/plain', 'hello', 415],
  ];
  for (const [name, type, body, status] of raw) {
    test(name, async () => {
      const answer = await refused({ method: 'POST', key: tenant.key, body, headers: { 'content-type': type } });
      assert.equal(answer.status, status);
      assert.deepEqual([answer.body['data'], answer.body['status']], [null, 'error']);
    });
  }
});

describe('colors and styles are found however they are written', () => {
  for (const [name, body] of Object.entries({
    'a style as a number': { styles: [817941] }, 'a color in capitals': { hair_colour: 'BROWN' }, 'no color': {}, 'no mode but credits': { mode: undefined },
    'both images, the name first': { image_url: 'http://127.0.0.1:9/never.jpg' },
  })) {
    test(`200 for ${name}`, async () => assert.equal((await refused({ key: tenant.key, json: { ...good, ...body } })).status, 200));
  }
});

describe('paths nobody knows', () => {
  for (const [at, body] of Object.entries({
    '/api/v1/nothing': { data: null, message: 'Not found', status: 'error' }, '/api/v2/nothing': { success: false, error: 'Not found', code: 'NOT_FOUND' },
    '/api/nothing': { error: 'Not found' }, '/nothing': { error: 'Not found' },
  })) {
    test(`404 ${at}`, async () => assert.deepEqual(await refused({}, at), { status: 404, body }));
  }
  test('400 for an address that cannot be decoded', async () => assert.equal((await refused({ key: tenant.key }, '/api/v1/generation/%ff')).status, 400));
  test('nothing outside the catalogue is served', async () => {
    for (const at of ['/catalogue/..%2fstyles.ts', '/catalogue/%2e%2e%2f%2e%2e%2fenv.ts', '/files/..%2f..%2fdemo.json']) {
      assert.ok([403, 404].includes((await refused({}, at)).status), at);
    }
  });
});
