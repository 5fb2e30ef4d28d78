import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { signIn } from '../../support/people.ts';
import { nobody, smallPortrait } from '../../support/photos.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { addClient, addPhoto, openBusiness, type TestSalon } from '../../support/salon.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const platform = await startTestPlatform({ after });
const partner = await platform.tenant({ kind: 'partner' });
let salon: TestSalon;
let rival: TestSalon;
let jane: string;
let photo: Uint8Array;

before(async () => {
  [salon, rival] = [await openBusiness(platform, partner.key), await openBusiness(platform, partner.key)];
  jane = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane Roe', phone_number: '+12025550199' });
  photo = await nobody();
  // The documented examples are of clients who are users themselves.
  await signIn(platform, 'jane@example.com');
});

const error = (message: string) => ({ success: false, data: null, message, status: 'error' });

describe('answers have the documented keys, types and literal messages', () => {
  test('200 POST clients', async () => {
    const { status, body } = await platform.rest<typeof golden['clients.create.200']>(salon.at('clients'), { key: salon.key, json: golden['clients.create.request'] });
    assert.equal(status, 200);
    assert.deepEqual(shapeOf(body), shapeOf(golden['clients.create.200']));
    const { id, enterprise_id, created_at, metadata, ...rest } = body.client;
    assert.deepEqual(rest, { email: 'client@example.com', name: 'Jane Smith', phone_number: '+1234567890', user_id: null });
    assert.match(id, /^client_[0-9A-Z]{26}$/);
    assert.equal(enterprise_id, salon.id);
    assert.ok(Date.parse(created_at) > 0);
    assert.equal(metadata.source, 'client_page');
    assert.match(metadata.created_by, /^user_/);
    assert.deepEqual([body.success, body.message], [true, 'Client created successfully']);
  });

  test('200 POST clients/{id}/media, 200 GET clients/{id} and 200 GET clients', async () => {
    const added = await addPhoto(platform, salon, jane, photo, 'before.jpg');
    assert.equal(added.status, 200, added.text);
    assert.deepEqual(shapeOf(added.body.data), shapeOf(golden['clients.get.200'].enterprise_clients_media[0]));
    const { body: one } = await platform.rest<typeof golden['clients.get.200']>(salon.at(`clients/${jane}`), { key: salon.key });
    assert.deepEqual(shapeOf(one), shapeOf(golden['clients.get.200']));
    assert.deepEqual([one.media_count, one.media_loaded, one.enterprise_clients_media.length, one.enterprise_clients_media[0]?.metadata.source], [1, 1, 1, 'upload']);
    const { body: list } = await platform.rest<typeof golden['clients.list.200']>(salon.at('clients?search=JANE@'), { key: salon.key });
    assert.deepEqual(shapeOf(list), shapeOf(golden['clients.list.200']));
    assert.deepEqual(list.pagination, { page: 1, limit: 10, total: 1, totalPages: 1 });
    const url = new URL(one.enterprise_clients_media[0]?.file_url ?? '');
    const file = await platform.send(url.pathname + url.search);
    assert.deepEqual([file.status, file.headers.get('content-type')], [200, 'image/jpeg']);
    await file.arrayBuffer();
  });

  test('200 GET clients/{id}/generations, and the pictures are among the media', async () => {
    assert.equal((await platform.upload(salon.key, await smallPortrait(300))).status, 200);
    const job = await platform.generate(salon.key, { mode: 'test', gender: 'female', styles: ['817941', '462817'], hair_colour: 'Brown', image_name: 'me.jpg', client_id: jane });
    await platform.ended(salon.key, job);
    const { status, body } = await platform.rest<typeof golden['clients.generations.200']>(salon.at(`clients/${jane}/generations`), { key: salon.key });
    assert.equal(status, 200);
    assert.deepEqual(shapeOf(body), shapeOf(golden['clients.generations.200']));
    const [generation] = body.generations;
    assert.deepEqual([generation?.id, generation?.status, generation?.images.length], [job.replace('job_', 'gen_'), 'completed', 2]);
    assert.deepEqual(generation?.data, { styles: generation?.data.styles, gender: 'feminine', hairColours: ['brown'], options: { force_new_hairline: false } });
    assert.equal(generation?.data.styles[0], 'Bob - disheveled');
    assert.deepEqual(body.pagination, { page: 1, limit: 10, total: 1, totalPages: 1 });
    const { body: client } = await platform.rest<typeof golden['clients.get.200']>(salon.at(`clients/${jane}`), { key: salon.key });
    assert.deepEqual(client.enterprise_clients_media.map(({ metadata }) => metadata.source), ['generation', 'generation', 'upload']);
    const { body: newest } = await platform.rest<typeof golden['clients.get.200']>(salon.at(`clients/${jane}?media_limit=2&media_page=2`), { key: salon.key });
    assert.deepEqual([newest.media_count, newest.media_loaded, newest.enterprise_clients_media[0]?.metadata.source], [3, 1, 'upload']);
  });

  test('200 POST, GET and DELETE api-keys; a deleted key is useless at once', async () => {
    const created = await platform.rest<typeof golden['keys.create.200']>(salon.at('api-keys'), { key: salon.key, json: { ...golden['keys.create.request'], expires_at: '2099-01-15T00:00:00Z' } });
    assert.equal(created.status, 200, created.text);
    assert.deepEqual(shapeOf(created.body), shapeOf(golden['keys.create.200']));
    assert.deepEqual([created.body.message, created.body.success, created.body.data.status], ['API key created successfully', true, 'active']);
    const { id, api_key: secret } = created.body.data;
    assert.equal((await platform.rest(salon.at('clients'), { key: secret })).status, 200);
    await platform.platform.keys.close();
    const list = await platform.rest<typeof golden['keys.list.200']>(salon.at('api-keys'), { key: secret });
    assert.deepEqual(shapeOf(list.body), shapeOf(golden['keys.list.200']));
    assert.equal(list.body.message, 'API keys retrieved successfully');
    assert.equal(list.body.data.find((key) => key.id === id)?.api_key, `ak_${'*'.repeat(22)}${secret.slice(-4)}`);
    const deleted = await platform.rest(salon.at(`api-keys/${id}`), { method: 'DELETE', key: secret, headers: { 'content-type': 'application/json' } });
    assert.deepEqual([deleted.status, deleted.body], [200, golden['keys.delete.200']]);
    assert.equal((await platform.rest(salon.at('clients'), { key: secret })).status, 401);
    assert.deepEqual((await platform.rest(salon.at(`api-keys/${id}`), { method: 'DELETE', key: salon.key })).body, error('API key not found'));
  });
});

describe('pages', () => {
  let shop: TestSalon;
  before(async () => {
    shop = await openBusiness(platform, partner.key);
    for (let index = 0; index < 7; index++) await addClient(platform, shop, { email: `client${index}@${index % 2 ? 'odd' : 'even'}.example` });
  });
  const emails = async (query: string) => {
    const { body, headers } = await platform.rest<typeof golden['clients.list.200']>(shop.at(`clients${query}`), { key: shop.key });
    return { emails: body.clients.map(({ email }) => email.charAt(6)).join(''), pagination: body.pagination, link: headers.get('link') };
  };
  test('newest first, page by page, with links', async () => {
    const first = await emails('?limit=3');
    assert.deepEqual([first.emails, first.pagination], ['654', { page: 1, limit: 3, total: 7, totalPages: 3 }]);
    assert.match(first.link ?? '', /clients\?page=2&limit=3>; rel="next"/);
    assert.deepEqual([(await emails('?limit=3&page=2')).emails, (await emails('?limit=3&page=3')).emails], ['321', '0']);
    assert.deepEqual([(await emails('?search=@EVEN&limit=2&page=2')).emails, (await emails('?search=@even&page=9')).pagination.total], ['20', 4]);
  });
  test('a page past the end is empty, a limit is at most 100, and % is a letter like others', async () => {
    const { emails: none, pagination } = await emails('?page=99999999999');
    assert.deepEqual([none, pagination], ['', { page: 2_147_483_647, limit: 10, total: 7, totalPages: 1 }]);
    assert.equal((await emails('?limit=5000')).pagination.limit, 100);
    assert.deepEqual((await emails('?search=%25')).pagination, { page: 1, limit: 10, total: 0, totalPages: 0 });
  });
  for (const query of ['page=0', 'page=-1', 'page=1.5', 'page=x', 'limit=0', 'limit=1e2', 'page=1&page=2']) {
    test(`400 for ${query}`, async () => assert.equal((await platform.rest(shop.at(`clients?${query}`), { key: shop.key })).status, 400));
  }
});

describe('clients that are refused', () => {
  const post = async (json: unknown) => platform.rest(salon.at('clients'), { key: salon.key, json });
  const wrong: [string, unknown, RegExp][] = [
    ['nothing', {}, /email or phone_number/], ['an e-mail address that is none', { email: 'jane' }, /email/], ['a number without digits', { phone_number: 'none' }, /phone_number/],
    ['an empty name', { email: 'a@b.example', name: ' ' }, /name/], ['a name that is no text', { email: 'a@b.example', name: 1 }, /name/], ['a list', [], /JSON object/],
  ];
  for (const [name, json, message] of wrong) {
    test(`400 for ${name}`, async () => {
      const { status, body } = await post(json);
      assert.deepEqual([status, body], [400, error(String(body['message']))]);
      assert.match(String(body['message']), message);
    });
  }
  test('409 for an address or a number that is known however it is written, naming whose it is', async () => {
    const id = await addClient(platform, salon, { email: 'Cecil@Example.com', phone_number: '+46 (0)70-111 22 33' });
    assert.deepEqual((await post({ email: 'cecil@example.COM' })).body, { ...error('Client with this email already exists for this enterprise'), existing_id: id });
    const { status, body } = await post({ email: 'other@example.com', phone_number: '0046701112233' });
    assert.deepEqual([status, body], [409, { ...error('Client with this phone number already exists for this enterprise'), existing_id: id }]);
    assert.ok(await addClient(platform, rival, { email: 'cecil@example.com', phone_number: '+46701112233' }), 'another business may have the same client');
  });
  test('media: 400 for a file that is no picture and without a file, 413 for too much, 404 for no client', async () => {
    assert.equal((await addPhoto(platform, salon, jane, Buffer.from('hello'))).status, 400);
    assert.equal((await platform.rest(salon.at(`clients/${jane}/media`), { key: salon.key, json: {} })).status, 415);
    assert.equal((await addPhoto(platform, salon, jane, new Uint8Array(6 * 1024 * 1024))).status, 413);
    assert.equal((await addPhoto(platform, salon, 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV', photo)).status, 404);
  });
});

describe('keys that are refused', () => {
  test('400 for a name that is missing or empty, and for an expiry in the past or no moment', async () => {
    for (const json of [{}, { name: ' ' }, { name: 'x'.repeat(101) }, { name: 'k', expires_at: '2020-01-15T00:00:00Z' }, { name: 'k', expires_at: 'soon' }, { name: 'k', scopes: 'all' }]) {
      assert.equal((await platform.rest(salon.at('api-keys'), { key: salon.key, json })).status, 400, JSON.stringify(json));
    }
    assert.equal((await platform.rest(salon.at('api-keys'), { key: salon.key, json: { name: 'k', scopes: ['nothing'] } })).status, 403);
  });
  test('400 for the last usable key, also when two delete each other at once', async () => {
    const pair = await openBusiness(platform, partner.key);
    const ids = async (key: string) => (await platform.rest<typeof golden['keys.list.200']>(pair.at('api-keys'), { key })).body.data.map(({ id }) => id);
    const [only = ''] = await ids(pair.key);
    const last = await platform.rest(pair.at(`api-keys/${only}`), { method: 'DELETE', key: pair.key });
    assert.deepEqual([last.status, last.body], [400, error('Cannot delete the last remaining API key')]);
    const { body: { data } } = await platform.rest<typeof golden['keys.create.200']>(pair.at('api-keys'), { key: pair.key, json: { name: 'second' } });
    const [kept, gone] = await Promise.all([[pair.key, data.id], [data.api_key, only]].map(async ([key = '', id]) => (await platform.rest(pair.at(`api-keys/${id}`), { method: 'DELETE', key })).status));
    assert.deepEqual([kept, gone].filter((status) => status === 200).length, 1, `${kept} ${gone}`);
  });
  test('a key gives no scope that it has not', async () => {
    const { body: { data } } = await platform.rest<typeof golden['keys.create.200']>(salon.at('api-keys'), { key: salon.key, json: { name: 'small', scopes: ['keys:write', 'keys:read'] } });
    assert.equal((await platform.rest(salon.at('api-keys'), { key: data.api_key, json: { name: 'big', scopes: ['clients:read'] } })).status, 403);
    const { body: { data: child } } = await platform.rest<typeof golden['keys.create.200']>(salon.at('api-keys'), { key: data.api_key, json: { name: 'child' } });
    assert.deepEqual([(await platform.rest(salon.at('api-keys'), { key: child.api_key })).status, (await platform.rest(salon.at('clients'), { key: child.api_key })).status], [200, 403]);
  });
});
