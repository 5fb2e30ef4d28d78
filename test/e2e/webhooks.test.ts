import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { defaultScopes } from '../../subgraphs/keys.ts';
import { until } from '../support/database.ts';
import { hooksOf } from '../support/hooks.ts';
import { lettersTo } from '../support/people.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { openReceiver, verified } from '../support/receiver.ts';
import { openBusiness } from '../support/salon.ts';
import { startServer } from '../support/server.ts';

const receiver = await openReceiver({ after: (close) => after(close) });
const platform = await startTestPlatform({ after }, { allow: [receiver.host] });
const photo = await smallPortrait(300);

const generate = async (key: string, callback: string | null = null, style = '817941'): Promise<string> =>
  platform.generate(key, { mode: 'test', styles: [style], image_name: 'me.jpg', ...callback !== null && { callback_url: receiver.url(callback) } });
type Told = { type: string; timestamp: string; data: { id: string; status: string; images: string[]; client_id: null; failure: null } };

for (const kind of ['personal', 'enterprise', 'partner', 'organization'] as const) {
  test(`an account of the kind ${kind} is told of its generations, signed with the secret that it was shown once`, async () => {
    const { key } = await platform.tenant({ kind });
    await platform.upload(key, photo);
    const hooks = hooksOf(platform, key);
    const { endpoint, secret, hexSecret, errors } = await hooks.create({ url: receiver.url(`/${kind}`), events: ['generation.completed'] });
    assert.deepEqual(errors, []);
    assert.match(secret ?? '', /^whsec_[A-Za-z0-9+/]{43}=$/);
    assert.equal(Buffer.from((secret ?? '').slice(6), 'base64').toString('hex'), hexSecret);
    assert.deepEqual(await hooks.endpoints(), [endpoint]);
    const job = await generate(key);
    const { type, data } = verified<Told>(await receiver.called(`/${kind}`), secret ?? '');
    assert.deepEqual([type, data.id, data.status, data.images.length, data.failure], ['generation.completed', job, 'completed', 1, null]);
    const [delivery] = await until(async () => {
      const found = await hooks.deliveries(', state: DELIVERED');
      return found.length > 0 && found;
    });
    assert.deepEqual([delivery?.event, delivery?.subjectId, delivery?.endpoint?.id, delivery?.attempts, delivery?.status, delivery?.error], ['generation.completed', job.replace('job_', 'gen_'), endpoint?.id, 1, 204, null]);
    const [attempt] = delivery?.log ?? [];
    assert.equal(attempt?.headers.find(({ name }) => name === 'webhook-id')?.value, delivery?.eventId);
    assert.equal((JSON.parse(attempt?.body ?? '') as Told).data.id, job);
    const { hairstyleGeneration } = await platform.gql<{ hairstyleGeneration: { webhookDeliveries: { id: string }[] } }>(key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { webhookDeliveries { id } } }', { id: job });
    assert.deepEqual(hairstyleGeneration.webhookDeliveries.map(({ id }) => id), [delivery?.id]);
  });
}

test('one event goes to the callback address and to every endpoint that listens, under one id, and is replayed under it', async () => {
  const { key } = await platform.tenant();
  await platform.upload(key, photo);
  const hooks = hooksOf(platform, key);
  for (const path of ['/one', '/two']) assert.deepEqual((await hooks.create({ url: receiver.url(path), events: ['*'] })).errors, []);
  assert.deepEqual((await hooks.create({ url: receiver.url('/failures'), events: ['generation.failed'] })).errors, []);
  const secret = await hooks.callbackSecret();
  await generate(key, '/callback');
  const ids = await Promise.all(['/one', '/two', '/callback'].map(async (path) => (await receiver.called(path)).headers['webhook-id']));
  assert.equal(new Set(ids).size, 1);
  verified(await receiver.called('/callback'), secret);
  const all = await until(async () => {
    const found = await hooks.deliveries();
    return found.every(({ state }) => state === 'DELIVERED') && found;
  });
  assert.deepEqual([all.length, all.filter(({ endpoint }) => endpoint === null).length, receiver.at('/failures').length], [3, 1, 0]);
  for (const { id } of all) assert.deepEqual((await hooks.replay(id)).errors, []);
  const again = await Promise.all(['/one', '/two', '/callback'].map(async (path) => (await receiver.called(path, 2)).headers['webhook-id']));
  assert.deepEqual(again, ids);
});

test('what cannot be told is refused: inner addresses, unknown events, the twenty-first endpoint, somebody else\'s', async () => {
  const { key } = await platform.tenant();
  const [hooks, foreign] = [hooksOf(platform, key), hooksOf(platform, (await platform.tenant()).key)];
  const codes = async (input: object) => (await hooks.create(input)).errors.map(({ code }) => code);
  for (const url of ['http://10.0.0.1/', 'http://[::1]/', 'http://2130706433/', 'http://localhost/', 'https://user:secret@example.com/', 'https://example.com:8443/']) assert.deepEqual(await codes({ url, events: ['*'] }), ['VALIDATION'], url);
  assert.deepEqual([await codes({ url: 'https://example.com/', events: ['nothing'] }), await codes({ url: 'https://example.com/', events: [] })], [['VALIDATION'], ['VALIDATION']]);
  const made = await Promise.all(Array.from({ length: 25 }, async (_, index) => hooks.create({ url: `https://example.com/${index}`, events: ['*'] })));
  assert.deepEqual(made.flatMap(({ errors }) => errors.map(({ code }) => code)), Array.from({ length: 5 }, () => 'LIMIT_REACHED'));
  const id = made.find(({ endpoint }) => endpoint)?.endpoint?.id ?? '';
  for (const call of [foreign.update(id, { url: 'https://example.com/stolen' }), foreign.enable(id), foreign.disable(id), foreign.delete(id), foreign.rotate(id), hooks.delete('hook_none')]) assert.deepEqual((await call).errors.map(({ code }) => code), ['NOT_FOUND']);
  assert.deepEqual((await hooks.update(id, { events: ['generation.failed'] })).endpoint?.events, ['generation.failed']);
  assert.deepEqual([(await hooks.delete(id)).deletedId, (await hooks.endpoints()).length], [id, 19]);
});

test('a secret is changed with an overlap, and a repeated request is answered with the same secret', async () => {
  const { key } = await platform.tenant();
  await platform.upload(key, photo);
  const hooks = hooksOf(platform, key);
  const input = { url: receiver.url('/overlap'), events: ['*'], idempotencyKey: 'once' };
  const [first, same] = [await hooks.create(input), await hooks.create(input)];
  assert.deepEqual([same, (await hooks.endpoints()).length], [first, 1]);
  assert.deepEqual((await hooks.create({ ...input, events: ['generation.failed'] })).errors.map(({ code }) => code), ['IDEMPOTENCY_CONFLICT']);
  const id = first.endpoint?.id ?? '';
  const [next, repeated] = [await hooks.rotate(id, { overlapHours: 1, idempotencyKey: 'r' }), await hooks.rotate(id, { overlapHours: 1, idempotencyKey: 'r' })];
  assert.deepEqual([repeated.secret, next.secret === first.secret], [next.secret, false]);
  await generate(key);
  const call = await receiver.called('/overlap');
  for (const secret of [first.secret, next.secret]) verified(call, secret ?? '');
  assert.deepEqual((await hooks.rotate(id, { overlapHours: 169 })).errors.map(({ code }) => code), ['VALIDATION']);
  const [before, { secret }] = [await hooks.callbackSecret(), await hooks.rotateCallback({ overlapHours: 0 })];
  assert.deepEqual([await hooks.callbackSecret(), before === secret], [secret, false]);
  await generate(key, '/rotated-callback');
  const callback = await receiver.called('/rotated-callback');
  verified(callback, secret ?? '');
  assert.throws(() => verified(callback, before));
});

test('an endpoint that is gone is disabled, the owner is told by mail, and an event is replayed when it is enabled again', async () => {
  const salon = await openBusiness(platform, (await platform.tenant({ kind: 'partner' })).key);
  await platform.upload(salon.key, photo);
  const hooks = hooksOf(platform, salon.key);
  receiver.answers('/salon', 410);
  const { endpoint } = await hooks.create({ url: receiver.url('/salon'), events: ['*'] });
  await generate(salon.key);
  const disabled = await until(async () => (await hooks.endpoints()).find(({ enabled }) => !enabled) ?? null);
  assert.deepEqual([disabled.id, disabled.disabledReason], [endpoint?.id, 'it answered 410: nobody listens there any more']);
  const [letter] = await until(async () => {
    const letters = (await lettersTo(platform, salon.ownerEmail)).filter(({ subject }) => subject.startsWith('Webhooks of'));
    return letters.length > 0 && letters;
  });
  assert.ok(letter?.text.includes(receiver.url('/salon')) && letter.text.includes(disabled.id), letter?.text);
  const [failed] = await hooks.deliveries(', state: FAILED');
  assert.deepEqual((await hooks.replay(failed?.id ?? '')).errors.map(({ code }) => code), ['CONFLICT']);
  receiver.answers('/salon', 204);
  assert.equal((await hooks.enable(disabled.id)).endpoint?.enabled, true);
  assert.deepEqual((await hooks.replay(failed?.id ?? '')).errors, []);
  assert.equal((await receiver.called('/salon', 2)).headers['webhook-id'], failed?.eventId);
});

test('reading needs webhooks:read, changing and secrets webhooks:write', async () => {
  const key = async (left: string) => (await platform.tenant({ scopes: defaultScopes('personal').filter((scope) => scope !== left) })).key;
  const [cannotRead, cannotWrite] = [await key('webhooks:read'), await key('webhooks:write')];
  const ask = async (by: string, selection: string) => (await platform.rest<{ errors?: { extensions: { code: string } }[] }>('/graphql', { key: by, json: { query: `{ viewer { account { ${selection} } } }` } })).body.errors?.map(({ extensions: { code } }) => code);
  for (const selection of ['webhookEndpoints { id }', 'webhookDeliveries { nodes { id } }']) assert.deepEqual([await ask(cannotRead, selection), await ask(cannotWrite, selection)], [['FORBIDDEN'], undefined]);
  assert.deepEqual([await ask(cannotWrite, 'callbackSecret'), (await hooksOf(platform, cannotWrite).create({ url: 'https://example.com/', events: ['*'] })).errors.map(({ code }) => code)], [['FORBIDDEN'], ['FORBIDDEN']]);
});

test('an event that was being told when the server was killed arrives after the restart, under the same id', async (t) => {
  const server = await startServer(t, { variables: { OUTBOUND_ALLOW: receiver.host } });
  const key = (await server.demo()).personalKey;
  const { secret } = await hooksOf(server, key).create({ url: receiver.url('/hang-kill'), events: ['*'] });
  await server.upload(key, photo);
  await server.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
  const first = await receiver.called('/hang-kill');
  await server.end('SIGKILL');
  receiver.release('/hang-kill');
  await server.start();
  const second = await receiver.called('/hang-kill', 2);
  assert.equal(second.headers['webhook-id'], first.headers['webhook-id']);
  verified(second, secret ?? '');
});
