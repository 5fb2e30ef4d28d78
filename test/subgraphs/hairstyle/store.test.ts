import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { BlobKey } from '../../../subgraphs/blobs.ts';
import { type AccountId, newAccountId, newClientId, newGenerationId, newImageId, newPictureId } from '../../../subgraphs/ids.ts';
import { hairstyleMigrations } from '../../../subgraphs/hairstyle/index.ts';
import { createStore, type Store } from '../../../subgraphs/hairstyle/store.ts';
import { createLooks, type Looks } from '../../../subgraphs/looks.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { openTestConnection } from '../../support/database.ts';

const blob = (name: string): BlobKey => `${name.padEnd(64, '0')}-0123456789abcdef.jpg` as BlobKey;

async function openStore(t: TestContext) {
  const connection = await openTestConnection(t);
  await migrate(connection, 'hairstyle', hairstyleMigrations);
  return { connection, store: createStore(connection) };
}

let styles = 0;

async function fill(store: Store, accountId: AccountId) {
  const image = await store.insertImage(accountId, { id: newImageId(), name: 'me.jpg', blobKey: blob('a'), width: 800, height: 1000, issues: ['TOO_DARK'] });
  const clientId = newClientId();
  const generation = await store.insertGeneration(accountId, {
    id: newGenerationId(), clientId: clientId, mode: 'LIVE', gender: 'FEMININE', forceNewHairline: false, sourceId: image.id, styleIds: ['817941', '817942'], colorId: null,
    callbackUrl: null, seed: 1, cost: 2, status: 'QUEUED', stage: 'queued', percent: 0, etaSeconds: null, lastSeq: 1, failure: null, updatedAt: new Date(), completedAt: null,
  });
  const picture = await store.insertPicture(accountId, {
    id: newPictureId(), generationId: generation.id, position: 0, styleId: '817941', colorId: null, blobKey: blob('b'), width: 1, height: 1, lowQuality: false,
  });
  assert.ok(picture);
  const about = { width: 1, height: 1, anchors: [], lab: [0, 0, 0] as [number, number, number], light: { direction: [0, 0, 1] as [number, number, number], keyRatio: 1 }, sharpness: 1, pxPerCm: 1, yaw: 0 };
  const words = { id: String(900_000 + (styles += 1)), description: 'Bob', sex: 'FEMININE' as const, tags: ['bob'] };
  const style = await store.insertStyle(accountId, { ...words, clientId, sourceId: image.id, about }, { hair: blob('c'), preview: blob('d') });
  assert.ok(style);
  return { image, generation, picture, style, clientId };
}

test('a row is read as it was written', async (t) => {
  const { store } = await openStore(t);
  const account = newAccountId();
  const { image, generation, picture, clientId } = await fill(store, account);
  assert.deepEqual(image.issues, ['TOO_DARK']);
  assert.ok(image.createdAt instanceof Date);
  assert.deepEqual(generation.styleIds, ['817941', '817942']);
  assert.equal(generation.accountId, account);
  assert.deepEqual(await store.findGeneration(account, generation.id), generation);
  assert.deepEqual(await store.listPictures(account, [generation.id]), [picture]);
  assert.equal(generation.clientId, clientId);
});

test('a foreign tenant gets nothing and changes nothing, by every function of the store', async (t) => {
  const { connection, store } = await openStore(t);
  const [owner, foreign] = [newAccountId(), newAccountId()];
  const { image, generation, picture, style, clientId } = await fill(store, owner);
  const page = { first: 10, limit: 11, after: null };
  const walk: { [Name in keyof Store]: () => Promise<unknown> } = {
    insertImage: async () => null,
    insertGeneration: async () => null,
    insertPicture: async () => null,
    insertStyle: async () => null,
    findStyles: () => store.findStyles(foreign, [style.id]),
    listStyles: () => store.listStyles(foreign),
    lockStyles: async () => null,
    countStyles: () => store.countStyles(foreign),
    findStyleFile: () => store.findStyleFile(foreign, style.id, 'hair'),
    listStylePreviews: () => store.listStylePreviews(foreign, [style.id]),
    deleteStyle: () => store.deleteStyle(foreign, style.id),
    findStyleTraces: () => store.findStyleTraces(foreign, clientId, [image.id]),
    listStyleFiles: () => store.listStyleFiles(foreign, [style.id]),
    forgetStyles: () => store.forgetStyles(foreign, [style.id]),
    findImages: () => store.findImages(foreign, [image.id]),
    findImageByName: () => store.findImageByName(foreign, 'me.jpg'),
    listImages: () => store.listImages(foreign, page),
    countImages: () => store.countImages(foreign),
    findGenerations: () => store.findGenerations(foreign, [generation.id]),
    findGeneration: () => store.findGeneration(foreign, generation.id),
    lockOpenGeneration: () => connection.transaction(() => store.lockOpenGeneration(foreign, generation.id)),
    advanceGeneration: () => store.advanceGeneration(foreign, generation.id, { status: 'COMPLETED' }),
    listGenerations: () => store.listGenerations(foreign, { clientId }, page),
    countGenerations: () => store.countGenerations(foreign, {}),
    listGenerationsOfClients: () => store.listGenerationsOfClients(foreign, [clientId], page),
    findTraces: async () => Object.values(await store.findTraces(foreign, clientId)).flat(),
    listFiles: () => store.listFiles(foreign, { generationIds: [generation.id], imageIds: [image.id] }),
    deleteTraces: () => store.deleteTraces(foreign, clientId, { generationIds: [generation.id], imageIds: [image.id] }),
    findLatestGeneration: () => store.findLatestGeneration(foreign),
    findPictures: () => store.findPictures(foreign, [picture.id]),
    listPictures: () => store.listPictures(foreign, [generation.id]),
    deletePictures: () => store.deletePictures(foreign, generation.id),
  };
  const looks = createLooks(connection);
  const lookWalk: { [Name in keyof Looks]: () => Promise<unknown> } = {
    findLook: () => looks.findLook(foreign, picture.id),
    holdLook: async () => (await connection.transaction(() => looks.holdLook(foreign, picture.id)) ? 'held' : null),
    listPresent: () => looks.listPresent(foreign, [picture.id]),
  };
  assert.deepEqual([Object.keys(walk).sort(), Object.keys(lookWalk).sort()], [Object.keys(store).sort(), Object.keys(looks).sort()]);
  for (const [name, call] of Object.entries({ ...walk, ...lookWalk })) {
    const found = await call();
    assert.ok(found === null || found === 0 || (Array.isArray(found) && found.length === 0), `${name} gave ${JSON.stringify(found)}`);
  }
  assert.deepEqual(await store.findGeneration(owner, generation.id), generation);
  assert.deepEqual(await store.findPictures(owner, [picture.id]), [picture]);
  assert.deepEqual(await store.findStyles(owner, [style.id]), [style]);
  assert.equal((await store.listStyleFiles(owner, [style.id])).length, 2);
});

test('the percentage never falls and a final generation never changes', async (t) => {
  const { store } = await openStore(t);
  const account = newAccountId();
  const { generation } = await fill(store, account);
  const advance = (fields: Parameters<Store['advanceGeneration']>[2]) => store.advanceGeneration(account, generation.id, fields);
  assert.equal((await advance({ percent: 40 }))?.percent, 40);
  assert.deepEqual([(await advance({ percent: 10 }))?.percent, (await advance({ stage: 'store' }))?.lastSeq], [40, 4]);
  const failure = { code: 'NO_HAIR', message: 'x', retryable: false, refunded: true };
  assert.deepEqual((await advance({ status: 'FAILED', failure }))?.failure, failure);
  assert.equal(await advance({ status: 'COMPLETED', percent: 100 }), null);
  assert.equal((await store.findGeneration(account, generation.id))?.status, 'FAILED');
});

test('a position holds one picture', async (t) => {
  const { store } = await openStore(t);
  const account = newAccountId();
  const { picture } = await fill(store, account);
  const { createdAt: _, ...again } = { ...picture, id: newPictureId() };
  assert.equal(await store.insertPicture(account, again), null);
});

test('lists are newest first, in pages, by status and client', async (t) => {
  const { store } = await openStore(t);
  const account = newAccountId();
  const made = [];
  for (let index = 0; index < 5; index += 1) made.push(await fill(store, account));
  const newest = made.map(({ generation }) => generation.id).reverse();
  const all = await store.listGenerations(account, {}, { first: 3, limit: 3, after: null });
  assert.deepEqual(all.map(({ id }) => id), newest.slice(0, 3));
  const rest = await store.listGenerations(account, {}, { first: 3, limit: 3, after: all[2]?.id ?? '' });
  assert.deepEqual(rest.map(({ id }) => id), newest.slice(3));
  const { clientId, generation } = made[1] ?? assert.fail();
  assert.deepEqual((await store.listGenerations(account, { clientId }, { first: 3, limit: 3, after: null })).map(({ id }) => id), [generation.id]);
  await store.advanceGeneration(account, generation.id, { status: 'CANCELED' });
  assert.equal(await store.countGenerations(account, { status: 'CANCELED' }), 1);
  assert.equal((await store.findLatestGeneration(account))?.id, generation.id);
  assert.deepEqual((await store.findImageByName(account, 'me.jpg'))?.id, made[4]?.image.id);
});
