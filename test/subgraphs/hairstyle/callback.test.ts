import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { styles } from '../../../subgraphs/hairstyle/catalogue/styles.ts';
import { mostStyles } from '../../../subgraphs/hairstyle/rules.ts';
import { EngineRefusal } from '../../../subgraphs/vision/engine.ts';
import { until } from '../../support/database.ts';
import { openReceiver, verified } from '../../support/receiver.ts';
import { generate, type Generated, openSalon, painter, styleIds, wholeFile } from './salon.ts';

const receiver = await openReceiver(wholeFile);
const engine = painter();
const salon = await openSalon(wholeFile, { vision: engine, allow: [receiver.host] });
beforeEach(() => engine.does(() => {}));

async function order(path: string, mode = 'LIVE', styles: readonly string[] = styleIds.slice(0, 2)) {
  const me = await salon.account();
  const input = { gender: 'UNISEX', mode, styleIds: styles, imageId: await salon.photo(me.accountId), callbackUrl: receiver.url(path) };
  const { generation, errors } = await salon.get<Generated>(me, generate, { input });
  assert.deepEqual(errors, []);
  return { me, id: generation?.id ?? assert.fail() };
}

const { connection } = salon.platform;
const secretOf = async (accountId: string) => String((await connection.execute('select secret from enterprise.callback_secret where account_id = $1', [accountId]))[0]?.['secret']);
const delivery = async (id: string) => (await connection.execute('select state, status, error, attempts from enterprise.webhook_delivery where subject_id = $1', [id]))[0];
const ended = async (id: string) => until(async () => {
  const found = await delivery(id);
  return found && Number(found['attempts']) > 0 ? found : null;
});

test('where nobody may be called is said before anything is paid', async () => {
  const me = await salon.account();
  const imageId = await salon.photo(me.accountId);
  for (const callbackUrl of ['http://10.0.0.1/hook', 'https://me:secret@example.com/', 'https://example.com:8443/']) {
    const { generation, errors } = await salon.get<Generated>(me, generate, { input: { gender: 'UNISEX', styleIds: styleIds.slice(0, 1), imageId, callbackUrl } });
    assert.deepEqual([generation, errors.map(({ code, path }) => [code, path])], [null, [['VALIDATION', ['input', 'callbackUrl']]]], callbackUrl);
  }
  assert.deepEqual(await salon.platform.credits.balance(me.accountId), { available: 100, reserved: 0 });
});

test('a finished generation is told once, signed, in the words of the REST interface', async () => {
  const { me, id } = await order('/done', 'TEST');
  const call = await receiver.called('/done');
  const secret = await secretOf(me.accountId);
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const message = verified<{ data: { images: string[]; status: string; id: string; mode: string }; message: string; status: string }>(call, secret);
  assert.deepEqual(Object.keys(message), ['data', 'message', 'status']);
  assert.deepEqual(Object.keys(message.data), ['images', 'status', 'id', 'mode']);
  assert.deepEqual([message.data.status, message.data.id, message.data.mode, message.message, message.status], ['completed', id.replace('gen_', 'job_'), 'test', 'Success', 'success']);
  assert.equal(message.data.images.length, 2);
  for (const image of message.data.images) {
    const { pathname, searchParams } = new URL(image);
    assert.equal((await salon.platform.blobs.fileResponse({ method: 'HEAD', path: pathname, query: Object.fromEntries(searchParams), headers: {} })).status, 200);
  }
  assert.throws(() => verified(call, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='));
  assert.deepEqual(await ended(id), { state: 'DELIVERED', status: 204, error: null, attempts: 1 });
  assert.equal(receiver.at('/done').length, 1);
});

test('a failed generation is told with its reason', async () => {
  engine.does(() => Promise.reject(new EngineRefusal('NO_HAIR', 'There is no hair to work with.')));
  const { id } = await order('/failed');
  const { data, message, status } = JSON.parse((await receiver.called('/failed')).body) as { data: unknown; message: string; status: string };
  assert.deepEqual([data, message, status], [{ images: [], status: 'failed', id: id.replace('gen_', 'job_'), mode: 'live' }, 'There is no hair to work with.', 'success']);
});

test('a generation that was canceled is told too', async () => {
  const started = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  engine.does(() => {
    started.resolve();
    return over.promise;
  });
  const { me, id } = await order('/canceled');
  await started.promise;
  assert.deepEqual(await salon.get<{ errors: unknown[] }>(me, 'mutation ($id: ID!) { cancelGeneration(id: $id) { errors { message } } }', { id }), { errors: [] });
  assert.equal((JSON.parse((await receiver.called('/canceled')).body) as { data: { status: string } }).data.status, 'canceled');
  over.resolve();
});

test('a redirect is a failure that says so and is not followed, as is whatever else is no success; 410 is the end', async () => {
  const [moved, broken, gone] = [await order('/302'), await order('/500'), await order('/410')];
  assert.deepEqual(await ended(moved.id), { state: 'WAITING', status: 302, error: 'answered 302: a redirect is a failure and is not followed', attempts: 1 });
  assert.deepEqual(await ended(broken.id), { state: 'WAITING', status: 500, error: 'answered 500', attempts: 1 });
  assert.deepEqual(await ended(gone.id), { state: 'FAILED', status: 410, error: 'answered 410: nobody listens there any more', attempts: 1 });
  assert.equal(receiver.at('/elsewhere').length, 0);
});

test('the longest body is under 20 kB', async () => {
  await order('/long', 'TEST', styles.slice(0, mostStyles).map(({ id }) => String(id)));
  const { body } = await receiver.called('/long');
  assert.equal((JSON.parse(body) as { data: { images: unknown[] } }).data.images.length, mostStyles);
  assert.ok(Buffer.byteLength(body) < 20_000, `${Buffer.byteLength(body)} bytes`);
});
