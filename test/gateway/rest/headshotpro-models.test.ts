import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createStore } from '../../../subgraphs/headshot/store.ts';
import { newPhotoId, parseModelId, type PhotoId } from '../../../subgraphs/ids.ts';
import { openOrganization } from '../../support/organization.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const platform = await startTestPlatform({ after }, { workers: 0 });
const { blobs, connection } = platform.platformOf('headshot');
const store = createStore(connection);
const acme = await openOrganization(platform, { amount: 5 });
await store.setWhitelabel(acme.accountId, true);
const shaped = (body: object, name: keyof typeof golden) => assert.deepEqual(shapeOf(body), shapeOf(golden[name]), name);
type Created = { modelId: string; status: string; signedUrl: string };
type Models = typeof golden['hs.models.list.200'];
type Model = { success: true; model: Models['models'][number] };
type Photos = typeof golden['hs.photos.list.200'];

const begin = async (json: object = {}): Promise<Created> => acme.ok<Created>('POST', '/models', { email: 'jane@example.com', ...json });

/** Photos as the worker keeps them. */
async function addPhotos(id: string, count: number): Promise<PhotoId[]> {
  const modelId = parseModelId(id) ?? assert.fail();
  const file = async (text: string) => blobs.put(Buffer.from(text), { contentType: 'image/jpeg' });
  return Promise.all(Array.from({ length: count }, async (_, position) => {
    const photo = { id: newPhotoId(), modelId, position, backdrop: 'studio-grey', framing: 'close', aspect: '4:5', width: 819, height: 1024, blobKey: await file('main'), originalBlobKey: await file('original') } as const;
    await store.insertPhoto(acme.accountId, photo);
    return photo.id;
  }));
}

describe('answers have the documented keys, types and literal messages', async () => {
  const { body: { organization: { teams: [team] } } } = await acme.call<typeof golden['hs.org.200']>('POST', '/teams', { name: 'Marketing' });
  let made: Created;
  let photos: PhotoId[] = [];
  const at = (rest = ''): string => `/models/${made.modelId}${rest}`;

  test('200 POST /organization/models, with a link and one credit held', async () => {
    made = await begin({ teamId: team?.id, version: 'lora', isDevelopment: false });
    shaped(made, 'hs.models.create.200');
    assert.deepEqual([made.status, made.signedUrl.startsWith(`${platform.platform.env.publicUrl}/auth/social?token=`), made.signedUrl.endsWith('&anonymous=1')], ['onboarding', true, true]);
    assert.deepEqual(await acme.balance(), { available: 4, reserved: 1 });
    await begin({ email: 'test@example.com', isDevelopment: true, version: 'one-shot' });
    assert.deepEqual(await acme.balance(), { available: 4, reserved: 1 });
  });

  test('200 GET /organization/models, by status and team, in pages, and one by one', async () => {
    const body = await acme.ok<Models>('GET', `/models?teamId=${team?.id}&status=onboarding`);
    const finished = { ...body, models: body.models.map((model) => ({ ...model, title: 'Jane Doe', finishedAt: model.createdAt })) };
    shaped(finished, 'hs.models.list.200');
    const { id, uid, createdAt, ...model } = body.models[0] ?? assert.fail();
    assert.deepEqual(model, { email: 'jane@example.com', title: null, status: 'onboarding', teamId: team?.id, teamName: 'Marketing', isDevelopment: false, finishedAt: null });
    assert.ok(id === made.modelId && /^anon_[0-9a-f]{20}$/.test(uid) && Date.parse(createdAt) > 0);
    assert.deepEqual(await acme.ok('GET', at()), { success: true, model: body.models[0] });
    const second = await acme.ok<Models>('GET', '/models?limit=1&offset=1');
    assert.deepEqual([second.models[0]?.id, second.pagination], [made.modelId, { total: 2, limit: 1, offset: 1, hasMore: false }]);
    assert.deepEqual((await acme.ok<Models>('GET', '/models?status=active')).models, []);
  });

  test('200 GET photos: the best first, signed for 24 hours, with all sizes on demand', async () => {
    photos = await addPhotos(made.modelId, 3);
    const body = await acme.ok<Photos>('GET', at('/photos'));
    shaped(body, 'hs.photos.list.200');
    assert.deepEqual(body.photos.map(({ id }) => id), photos);
    const hours = (Date.parse(body.photos[0]?.expiresAt ?? '') - Date.now()) / 3_600_000;
    assert.ok(hours >= 23.99 && hours <= 25, `${hours}`);
    const [first] = (await acme.ok<{ photos: { urls: Record<string, string> }[] }>('GET', at('/photos?include=all&limit=1'))).photos;
    assert.deepEqual(Object.keys(first?.urls ?? {}), ['main', 'thumbnail', 'original']);
    const { pathname, search } = new URL(first?.urls['original'] ?? '');
    assert.equal((await platform.rest(pathname + search)).text, 'original');
  });

  test('200 for one photo, what is thought of it, and lists by that', async () => {
    const [one = ''] = photos;
    const { photo } = await acme.ok<{ photo: { likedStatus: string; modelId: string } }>('PUT', `/photos/${one}`, { likedStatus: 'loved' });
    assert.deepEqual([photo.likedStatus, photo.modelId], ['loved', made.modelId]);
    const body = await acme.ok<{ success: true; photo: Photos['photos'][number] }>('GET', at(`/photos/${one}`));
    assert.deepEqual(shapeOf(body), shapeOf({ success: true, photo: golden['hs.photos.list.200'].photos[0] }));
    const counts = await Promise.all(['loved', 'liked', 'none'].map(async (word) => (await acme.ok<Photos>('GET', at(`/photos?likedStatus=${word}`))).pagination.total));
    assert.deepEqual(counts, [1, 0, 2]);
  });

  test('200 for the favorite of a model, before and after it is chosen, and for those of all with whom they show', async () => {
    assert.deepEqual(await acme.ok('GET', at('/photos/favorite')), { success: true, photo: null, message: 'No favorite photo selected' });
    const [, two = ''] = photos;
    const chosen = await acme.ok<{ photo: { id: string; modelId: string } }>('PUT', `/photos/${two}/favorite`);
    const favorite = await acme.ok<{ success: true; photo: { modelId: string } }>('GET', at('/photos/favorite'));
    assert.deepEqual([favorite, chosen.photo.id], [chosen, two]);
    assert.deepEqual(shapeOf(favorite), shapeOf({ success: true, photo: { ...golden['hs.photos.list.200'].photos[0], modelId: 'x' } }));
    const all = await acme.ok<{ photos: { id: string; modelId: string; email: string; teamName: string }[]; pagination: object }>('GET', '/photos/favorites');
    assert.deepEqual([all.photos.map(({ id, modelId, email, teamName }) => [id, modelId, email, teamName]), all.pagination], [[[two, made.modelId, 'jane@example.com', 'Marketing']], { total: 1, limit: 50, offset: 0, hasMore: false }]);
  });

  test('200 POST photos/download, of all or of those that are named', async () => {
    type Downloads = { success: true; downloads: { id: string; urls: Record<string, string> }[]; expiresAt: string };
    const all = await acme.ok<Downloads>('POST', at('/photos/download'), {});
    assert.deepEqual([Object.keys(all), all.downloads.map(({ id }) => id), Object.keys(all.downloads[0]?.urls ?? {})], [['success', 'downloads', 'expiresAt'], photos, ['main']]);
    const named = await acme.ok<Downloads>('POST', at('/photos/download'), { photoIds: [photos[2], photos[0]], include: 'all' });
    assert.deepEqual([named.downloads.map(({ id }) => id), Object.keys(named.downloads[0]?.urls ?? {})], [[photos[2], photos[0]], ['main', 'thumbnail', 'original']]);
    assert.deepEqual(await acme.refused('POST', at('/photos/download'), { photoIds: ['0'.repeat(24)] }), [404, 'NOT_FOUND']);
  });

  test('200 DELETE a model: its photos are deleted with their files, and the credit is back', async () => {
    const urls = (await acme.ok<Photos>('GET', at('/photos'))).photos.map(({ urls: { main } }) => new URL(main));
    assert.deepEqual(await acme.ok('DELETE', at()), { success: true, message: 'Model deleted', modelId: made.modelId });
    assert.deepEqual(await acme.refused('DELETE', at()), [400, 'ALREADY_DELETED']);
    assert.equal((await acme.ok<Model>('GET', at())).model.status, 'deleted');
    assert.deepEqual((await acme.ok<Photos>('GET', at('/photos'))).photos, []);
    const gone = await acme.ok<{ photos: { id: string; status: string; urls: object; expiresAt: null }[] }>('GET', at('/photos?status=deleted'));
    assert.deepEqual(gone.photos.map(({ id, status, urls: { ...addresses }, expiresAt }) => [id, status, addresses, expiresAt]), photos.map((id) => [id, 'deleted', { main: null }, null]));
    for (const { pathname, search } of urls) assert.equal((await platform.rest(pathname + search)).status, 404);
    assert.deepEqual(await acme.balance(), { available: 5, reserved: 0 });
    assert.deepEqual((await acme.ok<Models>('GET', '/models?status=deleted')).models.map(({ id }) => id), [made.modelId]);
    assert.equal((await acme.ok<Models>('GET', '/models')).pagination.total, 1);
  });
});

describe('refusals are worded as documented', () => {
  test('403 for a key of no organization, and for an organization that may not', async () => {
    const { key } = await platform.tenant();
    for (const [method, path] of [['GET', '/models'], ['GET', '/models/x'], ['DELETE', '/models/x'], ['GET', '/models/x/photos'], ['GET', '/models/x/photos/favorite'], ['GET', '/models/x/photos/y'], ['POST', '/models/x/photos/download'], ['GET', '/photos/favorites']] as const) {
      assert.deepEqual(await acme.refused(method, path, undefined, key), [403, 'FORBIDDEN'], path);
    }
    assert.deepEqual(await (await openOrganization(platform)).refused('POST', '/models', { email: 'a@example.com' }), [403, 'FORBIDDEN']);
  });

  test('404 for what is not there or is another organization\'s', async () => {
    const { modelId } = await begin({ isDevelopment: true });
    const [photo = ''] = await addPhotos(modelId, 1);
    const other = await openOrganization(platform);
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['GET', '/photos'], ['GET', '/photos/favorite'], ['GET', `/photos/${photo}`], ['POST', '/photos/download']] as const) {
      assert.deepEqual(await acme.refused(method, `/models/${'0'.repeat(24)}${path}`), [404, 'NOT_FOUND'], path);
      assert.deepEqual(await other.refused(method, `/models/${modelId}${path}`), [404, 'NOT_FOUND'], path);
    }
    for (const path of [`/photos/${photo}`, `/photos/${photo}/favorite`]) assert.deepEqual(await other.refused('PUT', path, { likedStatus: 'loved' }), [404, 'NOT_FOUND'], path);
    assert.deepEqual((await other.ok<Photos>('GET', '/photos/favorites')).photos, []);
  });

  test('400 INVALID_REQUEST and INVALID_EMAIL', async () => {
    const cases = [
      ['POST', '/models', { email: 'nobody' }], ['POST', '/models', {}], ['POST', '/models', { email: 'a@example.com', version: 'new' }], ['POST', '/models', { email: 'a@example.com', isDevelopment: 'yes' }],
      ['GET', '/models?status=lost', undefined], ['GET', '/models?limit=0', undefined], ['GET', '/models?teamId=x', undefined], ['GET', '/models/x/photos?include=none', undefined], ['GET', '/models/x/photos?likedStatus=hated', undefined],
      ['POST', '/models/x/photos/download', { photoIds: 'all' }], ['PUT', '/photos/x', { likedStatus: 'hated' }],
    ] as const;
    for (const [method, path, json] of cases) {
      const [status, code] = await acme.refused(method, path, json);
      assert.ok(status === 400 && ['INVALID_REQUEST', 'INVALID_EMAIL'].includes(code), `${method} ${path} ${code}`);
    }
  });
});

test('50 models begun at once with 30 credits are 30 models and 20 times 402, and the books are exact', async () => {
  const busy = await openOrganization(platform, { amount: 30 });
  await store.setWhitelabel(busy.accountId, true);
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) => busy.call<{ error: string }>('POST', '/models', { email: `p${index}@example.com` })));
  assert.deepEqual([200, 402].map((wanted) => answers.filter(({ status }) => status === wanted).length), [30, 20]);
  assert.deepEqual(answers.find(({ status }) => status === 402)?.body, golden['hs.credits.402']);
  const { pagination } = await busy.ok<Models>('GET', '/models');
  const ledger = await platform.platform.credits.ledger(busy.accountId, { first: 100, limit: 100, after: null });
  assert.deepEqual([pagination.total, await busy.balance(), ledger.length, ledger.filter(({ kind, amount }) => kind === 'reserve' && amount === 1).length], [30, { available: 0, reserved: 30 }, 31, 30]);
});

test('a repeated POST with an Idempotency-Key begins one model', async () => {
  const headers = { authorization: `Bearer ${acme.key}`, 'idempotency-key': 'once' };
  const send = async (email: string) => platform.rest('/api/v2/organization/models', { headers, json: { email, isDevelopment: true } });
  const [first, again] = [await send('once@example.com'), await send('once@example.com')];
  assert.deepEqual([first.status, again.status, again.body], [200, 200, first.body]);
  assert.equal((await send('twice@example.com')).status, 422);
});
