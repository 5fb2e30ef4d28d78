import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { portrait } from '../../support/photos.ts';
import { type Created, startTestPlatform, type Status, type Tenant } from '../../support/platform.ts';

const platform = await startTestPlatform({ after });
let tenant: Tenant;
let finished: string;

before(async () => {
  tenant = await platform.tenant();
  await platform.upload(tenant.key, await portrait());
  finished = await platform.generate(tenant.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
  await platform.ended(tenant.key, finished);
});

describe('every answer', () => {
  test('has a request id, and echoes a sane one', async () => {
    const { headers } = await platform.rest('/api/v1/styles', { key: tenant.key, headers: { 'x-request-id': 'order-17.a' } });
    assert.equal(headers.get('x-request-id'), 'order-17.a');
    const insane = await platform.rest('/api/v1/styles', { key: tenant.key, headers: { 'x-request-id': 'a b;c' } });
    assert.match(insane.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  });

  test('that depends on a key is not kept by caches', async () => {
    const { headers } = await platform.rest(`/api/v1/generation/${finished}`, { key: tenant.key });
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('vary'), 'Origin, X-Api-Key, Authorization');
    const graph = await platform.rest('/graphql', { key: tenant.key, json: { query: '{ __typename }' } });
    for (const name of ['Origin', 'X-Api-Key', 'X-Partner-Api-Key', 'Authorization', 'Accept']) assert.match(graph.headers.get('vary') ?? '', new RegExp(`(^|, )${name}(,|$)`));
  });

  test('about a generation that is not there says the same', async () => {
    const answers = await Promise.all([['GET', ''], ['GET', '/events'], ['DELETE', '']].map(([method = '', path]) => platform.rest(`/api/v1/generation/job_01ARZ3NDEKTSV4RRFFQ69G5FAV${path}`, { method, key: tenant.key })));
    for (const { status, body } of answers) assert.deepEqual([status, body], [404, { data: null, message: 'Generation job not found', status: 'error' }]);
  });

  test('may be read by a page of any origin, without credentials', async () => {
    const { headers } = await platform.rest('/api/v1/styles', { key: tenant.key, headers: { origin: 'https://shop.example' } });
    assert.equal(headers.get('access-control-allow-origin'), 'https://shop.example');
    assert.equal(headers.get('access-control-allow-credentials'), null);
    for (const name of ['X-Request-Id', 'Retry-After', 'Link', 'ETag']) assert.ok(headers.get('access-control-expose-headers')?.includes(name), name);
  });
});

describe('methods', () => {
  test('204 OPTIONS with Allow, 405 with Allow for all others', async () => {
    const options = await platform.rest('/api/v1/generation/hairstyle', { method: 'OPTIONS' });
    assert.deepEqual([options.status, options.headers.get('allow')], [204, 'POST, OPTIONS']);
    const other = await platform.rest('/api/v1/styles', { method: 'PUT', key: tenant.key, json: {} });
    assert.deepEqual([other.status, other.headers.get('allow'), other.body['error']], [405, 'GET, HEAD, OPTIONS', true]);
  });

  test('HEAD says what GET says, without the body', async () => {
    for (const path of ['/api/v1/styles', '/api/v1/colors', `/api/v1/generation/${finished}`]) {
      const [get, head] = await Promise.all(['GET', 'HEAD'].map((method) => platform.rest(path, { method, key: tenant.key })));
      assert.deepEqual([head?.status, head?.headers.get('etag'), head?.text], [200, get?.headers.get('etag'), ''], path);
    }
    assert.equal((await platform.rest(`/api/v1/generation/${finished}/events`, { method: 'HEAD', key: tenant.key })).status, 200);
  });

  test('a browser may ask first', async () => {
    for (const path of ['/api/v1/generation/hairstyle', '/graphql']) {
      const headers = { origin: 'https://shop.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key, content-type' };
      const answer = await platform.rest(path, { method: 'OPTIONS', headers });
      assert.ok(answer.status === 200 || answer.status === 204, `${path}: ${answer.status}`);
      assert.match(answer.headers.get('access-control-allow-methods') ?? '', /POST/);
      assert.match(answer.headers.get('access-control-allow-headers') ?? '', /x-api-key/);
    }
  });

  test('the type and a body of a GET are ignored', async () => {
    const { status } = await platform.rest('/api/v1/styles', { key: tenant.key, headers: { 'content-type': 'application/json' } });
    assert.equal(status, 200);
  });

  test('200 DELETE with a type and no body', async () => {
    const { status, body } = await platform.rest<Status>(`/api/v1/generation/${finished}`, { method: 'DELETE', key: tenant.key, headers: { 'content-type': 'application/json' } });
    assert.deepEqual([status, body.data.status], [200, 'completed']);
  });
});

describe('negotiation', () => {
  test('406 in the words of the family', async () => {
    const { status, body } = await platform.rest('/api/v1/styles', { key: tenant.key, headers: { accept: 'text/xml' } });
    assert.deepEqual([status, body['error']], [406, true]);
  });

  test('a problem (RFC 9457) for those who ask for one', async () => {
    const { status, headers, body } = await platform.rest('/api/v1/generation/job_1', { key: tenant.key, headers: { accept: 'application/problem+json' } });
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/);
    assert.deepEqual([status, body['status'], body['title'], body['code']], [404, 404, 'Not Found', 'NOT_FOUND']);
  });

  test('304 for what the client has, weak or strong', async () => {
    for (const path of ['/api/v1/styles', '/api/v1/colors', `/api/v1/generation/${finished}`]) {
      const etag = (await platform.rest(path, { key: tenant.key })).headers.get('etag') ?? '';
      const again = await platform.rest(path, { key: tenant.key, headers: { 'if-none-match': `"other", W/${etag.replace(/^W\//, '')}` } });
      assert.deepEqual([again.status, again.text], [304, ''], path);
    }
  });

  test('414 for an address over 8 KB', async () => {
    assert.equal((await platform.rest(`/api/v1/styles?${'x'.repeat(9000)}`, { key: tenant.key })).status, 414);
  });
});

describe('waiting', () => {
  test('Prefer: wait answers when the generation is final, not before', async () => {
    const id = await platform.generate(tenant.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
    const first = await platform.rest<Status>(`/api/v1/generation/${id}`, { key: tenant.key });
    assert.equal(first.headers.get('link'), `</api/v1/generation/${id}/events>; rel="monitor"`);
    if (first.body.data.status !== 'completed') assert.match(first.headers.get('retry-after') ?? '', /^\d+$/);
    const waited = await platform.rest<Status>(`/api/v1/generation/${id}`, { key: tenant.key, headers: { prefer: 'wait=60' } });
    assert.deepEqual([waited.status, waited.body.data.status, waited.headers.get('preference-applied'), waited.headers.get('retry-after')], [200, 'completed', 'wait=60', null]);
  });

  test('Prefer: wait gives up when its time is over', async () => {
    const idle = await startTestPlatform({ after }, { workers: 0 });
    const { key } = await idle.tenant();
    await idle.upload(key, await portrait());
    const id = await idle.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
    const startedAt = Date.now();
    const { status, body } = await idle.rest<Status>(`/api/v1/generation/${id}?expand=progress`, { key, headers: { prefer: 'respond-async, wait=1' } });
    assert.deepEqual([status, body.data.status, body.data.progress?.percent], [200, 'pending', 0]);
    assert.ok(Date.now() - startedAt >= 950);
    const canceled = await idle.rest<Status>(`/api/v1/generation/${id}`, { method: 'DELETE', key });
    assert.deepEqual([canceled.status, canceled.body.data.status], [200, 'canceled']);
  });
});

describe('Idempotency-Key', () => {
  const body = { mode: 'live', gender: 'person', styles: ['817941'], image_name: 'me.jpg' };
  const post = (key: string, json: object = body) => platform.rest<Created>('/api/v1/generation/hairstyle', { key: tenant.key, json, headers: { 'idempotency-key': key } });

  test('200 with the same generation, billed once, quoted or bare, also at the same time', async () => {
    const before = await platform.platform.credits.balance(tenant.accountId);
    const crowd = await Promise.all(['"order-1"', 'order-1', '"order-1"', 'order-1'].map((key) => post(key)));
    // While the first one runs the others are told to come again.
    const answers = [...crowd.filter(({ status }) => status !== 409), await post('"order-1"'), await post('order-1')];
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(new Set(answers.map((answer) => answer.body.data.id)).size, 1);
    await platform.ended(tenant.key, answers[0]?.body.data.id ?? '');
    assert.deepEqual(await platform.platform.credits.balance(tenant.accountId), { available: before.available - 1, reserved: 0 });
  });

  test('the answer to a repeated request says so, and no other does', async () => {
    const answers = [await post('replayed', { ...body, mode: 'test' }), await post('replayed', { ...body, mode: 'test' }), await post('not-replayed', { ...body, mode: 'test' })];
    assert.deepEqual(answers.map(({ headers }) => headers.get('idempotency-replayed')), [null, 'true', null]);
    assert.deepEqual(answers[1]?.body.data.id, answers[0]?.body.data.id);
  });

  test('422 for another body under the same key', async () => {
    assert.equal((await post('order-2', { ...body, mode: 'test' })).status, 200);
    const answer = await post('order-2', { ...body, mode: 'test', styles: ['462817'] });
    assert.deepEqual([answer.status, answer.body.status], [422, 'error']);
  });

  test('400 for a key that is too long', async () => assert.equal((await post('x'.repeat(256))).status, 400));

  test("another account's key of the same name is its own", async () => {
    const other = await platform.tenant();
    await platform.upload(other.key, await portrait());
    const mine = await post('shared', { ...body, mode: 'test' });
    const theirs = await platform.rest<Created>('/api/v1/generation/hairstyle', { key: other.key, json: { ...body, mode: 'test' }, headers: { 'idempotency-key': 'shared' } });
    assert.deepEqual([mine.status, theirs.status], [200, 200]);
    assert.notEqual(mine.body.data.id, theirs.body.data.id);
  });
});
