import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { until } from '../support/database.ts';
import { importables } from '../support/lifted.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';
import { filesOf } from '../support/traces.ts';

// Looking at a portrait takes seconds of a core, and a busy machine has few of them.
const platform = await startTestPlatform({ after }, { variables: { OPERATION_TIMEOUT: '600000' } });
const { photo, short, bald, cutOff } = await importables();
const source = await sharp(photo.rgb, { raw: { width: photo.width, height: photo.height, channels: 3 } }).jpeg().toBuffer();

type Style = { id: number; description: string; sex: string; tags: string; preview: string };
type Envelope<Data> = { data: Data; message: string; error: boolean };

function importStyle({ key }: Tenant, bytes: Uint8Array, fields: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const form = new FormData();
  const [first, ...rest] = Object.entries(fields);
  if (first) form.append(...first);
  form.append('file', new Blob([new Uint8Array(bytes)]), 'client.jpg');
  for (const field of rest) form.append(...field);
  return platform.rest<Envelope<Style>>('/api/v1/styles/import', { key, body: form, headers });
}

const salon = await platform.tenant();
const other = await platform.tenant();
const listed = async ({ key }: Tenant) => (await platform.rest<Envelope<Style[]>>('/api/v1/styles', { key })).body.data.map(({ id }) => id);
const found = async (key: string | null, id: number) => (await platform.gql<{ hairstyle: object | null }>(key, 'query ($id: ID!) { hairstyle(id: $id) { id isPrivate isDeleted } }', { id: String(id) })).hairstyle;

async function picturesOf({ key }: Tenant, id: number, body: object = {}) {
  const image = await platform.upload(key, source, 'me.jpg');
  assert.equal(image.status, 200, image.text);
  const job = await platform.generate(key, { styles: [id], image_name: 'me.jpg', ...body });
  const { body: { data, message } } = await platform.ended(key, job);
  return { ...data, message, job };
}

test('200: the hair of a portrait becomes a style of the account, listed, shown, and drawn like any other', async () => {
  const { status, body } = await importStyle(salon, short, { description: 'Crop - Ann', gender: 'female', tags: 'Crop, short' });
  assert.equal(status, 200, JSON.stringify(body));
  const { preview, ...data } = body.data;
  assert.deepEqual({ ...body, data }, { data: { description: 'Crop - Ann', sex: 'feminine', id: data.id, tags: 'crop, short' }, message: '', error: false });
  assert.ok(Number.isInteger(data.id) && data.id >= 100_000 && data.id <= 999_999);
  assert.ok((await listed(salon)).includes(data.id));
  assert.deepEqual(await found(salon.key, data.id), { id: String(data.id), isPrivate: true, isDeleted: false });
  const shown = await fetch(new URL(new URL(preview).pathname + new URL(preview).search, platform.url));
  assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/webp']);
  const { images, message } = await picturesOf(salon, data.id, { hair_colour: 'brown' });
  assert.equal(images.length, 1, message);
  const { pathname, search } = new URL(images[0] ?? '');
  const picture = new Uint8Array(await (await platform.send(pathname + search)).arrayBuffer());
  const { width, height } = await sharp(picture).metadata();
  assert.deepEqual([width, height], [photo.width, photo.height]);
});

test('a foreign account, a key without its scope and nobody see, use and delete nothing of it', async () => {
  const { body: { data: { id } } } = await importStyle(salon, short);
  const writer = await platform.tenant({ scopes: ['generations:write'] });
  assert.ok(!(await listed(other)).includes(id));
  for (const key of [other.key, writer.key, null]) assert.equal(await found(key, id), null);
  assert.equal((await platform.upload(other.key, source, 'me.jpg')).status, 200);
  const body = { gender: 'person', styles: [id], image_name: 'me.jpg' };
  const used = await platform.rest<{ message: string }>('/api/v1/generation/hairstyle', { key: other.key, json: body });
  assert.deepEqual([used.status, used.body.message], [400, `Unknown style "${id}"`]);
  const deleted = await platform.rest(`/api/v1/styles/${id}`, { key: other.key, method: 'DELETE' });
  assert.deepEqual([deleted.status, deleted.body], [404, { data: null, message: 'Hairstyle not found', error: true }]);
  assert.equal((await platform.rest('/api/v1/styles/import', { method: 'POST' })).status, 401);
  assert.ok((await listed(salon)).includes(id));
});

test('a deleted style leaves its name on what was made, no file, and cannot be asked for again', async () => {
  const { body: { data: { id, preview } } } = await importStyle(salon, short, { description: 'Gone soon' });
  const { job } = await picturesOf(salon, id);
  const deleted = await platform.rest(`/api/v1/styles/${id}`, { key: salon.key, method: 'DELETE' });
  assert.deepEqual([deleted.status, deleted.body], [200, { data: null, message: 'Hairstyle deleted', error: false }]);
  assert.equal((await platform.rest(`/api/v1/styles/${id}`, { key: salon.key, method: 'DELETE' })).status, 404);
  assert.equal((await platform.rest('/api/v1/styles/817941', { key: salon.key, method: 'DELETE' })).status, 404);
  assert.ok(!(await listed(salon)).includes(id));
  assert.equal((await fetch(new URL(new URL(preview).pathname + new URL(preview).search, platform.url))).status, 404);
  const { hairstyleGeneration } = await platform.gql<{ hairstyleGeneration: { styles: object[]; images: { style: { preview: string } }[] } }>(salon.key,
    'query ($id: ID!) { hairstyleGeneration(id: $id) { styles { id description isDeleted } images { style { preview } } } }', { id: job });
  assert.deepEqual(hairstyleGeneration.styles, [{ id: String(id), description: 'Deleted style', isDeleted: true }]);
  const { pathname, search } = new URL(hairstyleGeneration.images[0]?.style.preview ?? '');
  assert.equal((await platform.rest(pathname + search, { method: 'HEAD' })).status, 200);
  const again = await platform.rest('/api/v1/generation/hairstyle', { key: salon.key, json: { gender: 'person', styles: [id], image_name: 'me.jpg' } });
  assert.equal(again.status, 400);
});

test('400: a portrait that gives no style is refused with its reason, and nothing is kept of it', async () => {
  const before = (await listed(salon)).length;
  const cases = [[bald, 'No hair was found in the image.'], [cutOff, 'The hair is cut off at the edge of the image.'], [new Uint8Array(99), 'The file is not an image that can be read.']] as const;
  for (const [bytes, message] of cases) {
    const { status, body } = await importStyle(salon, bytes);
    assert.deepEqual([status, body], [400, { data: null, message, error: true }]);
  }
  assert.equal((await importStyle(salon, short, { gender: 'child' })).status, 400);
  assert.equal((await importStyle(salon, short, { description: 'x'.repeat(81) })).status, 400);
  assert.equal((await importStyle(salon, short, { client_id: 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV' })).status, 404);
  const form = new FormData();
  form.append('picture', new Blob([new Uint8Array(short)]), 'x.jpg');
  assert.deepEqual((await platform.rest('/api/v1/styles/import', { key: salon.key, body: form })).body, { data: null, message: 'No file part', error: true });
  assert.equal((await listed(salon)).length, before);
});

test('the same idempotency key gives the same style, with another portrait it is refused', async () => {
  const headers = { 'idempotency-key': 'twice' };
  const [first, second] = [await importStyle(salon, short, {}, headers), await importStyle(salon, short, {}, headers)];
  assert.deepEqual([second.status, second.body.data.id, second.headers.get('idempotency-replayed')], [200, first.body.data.id, 'true']);
  assert.equal((await importStyle(salon, cutOff, {}, headers)).status, 422);
  assert.equal((await listed(salon)).filter((id) => id === first.body.data.id).length, 1);
});

test('a generation whose style is deleted before it is drawn fails with its credits returned', async () => {
  const quiet = await platform.tenant({ amount: 5 });
  const { body: { data: { id } } } = await importStyle(quiet, short);
  await platform.upload(quiet.key, source, 'me.jpg');
  const store = platform.platformOf('hairstyle').connection.store<{ style_file: { style_id: string } }>('hairstyle');
  // What a deletion between acceptance and drawing leaves.
  await store().deleteFrom('style_file').where('style_id', '=', String(id)).execute();
  const job = await platform.generate(quiet.key, { styles: [id], image_name: 'me.jpg' });
  const { body } = await platform.ended(quiet.key, job);
  assert.deepEqual([body.data.status, body.message], ['failed', 'A style was deleted before its picture was made.']);
  assert.deepEqual(await platform.platform.credits.balance(quiet.accountId).then(({ available, reserved }) => [available, reserved]), [5, 0]);
});

test('a style that was made of a client is erased with the client, and others stay', async () => {
  const partner = await platform.tenant({ kind: 'partner' });
  const business = await openBusiness(platform, partner.key);
  const asked = { ...salon, key: business.key };
  const clientId = await addClient(platform, business, { email: 'ann@example.org', name: 'Ann' });
  const kept = await importStyle(asked, short, { description: 'Of nobody in particular' });
  const pictures = (): number => filesOf(platform.dataDir).filter((file) => file.startsWith('blobs')).length;
  const files = pictures();
  const hers = await importStyle(asked, short, { description: 'Ann herself', client_id: clientId });
  assert.equal(hers.status, 200, hers.text);
  assert.equal(pictures(), files + 2);
  const { body } = await platform.rest<{ data: { id: string } }>(business.at(`clients/${clientId}`), { method: 'DELETE', key: business.key });
  const receipt = await until(async () => {
    const answer = await platform.rest<{ data: { status: string; removed: Record<string, object> } }>(business.at(`erasures/${body.data.id}`), { key: business.key });
    return answer.body.data.status === 'completed' && answer.body.data;
  });
  assert.deepEqual(receipt.removed['hairstyle'], { rows: 1, files: 2 });
  const ids = await listed(asked);
  assert.deepEqual([ids.includes(hers.body.data.id), ids.includes(kept.body.data.id)], [false, true]);
  assert.equal(pictures(), files);
});
