import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { enterpriseMigrations } from '../../../subgraphs/enterprise/index.ts';
import { hairstyleMigrations } from '../../../subgraphs/hairstyle/index.ts';
import { type AccountId, newAccountId, newClientId, newImageId, newReadingId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { createPhotos, type Photos } from '../../../subgraphs/photos.ts';
import { skinshadeMigrations } from '../../../subgraphs/skinshade/index.ts';
import { createGrants, createStore, type NewReading, type Store } from '../../../subgraphs/skinshade/store.ts';
import { openTestConnection } from '../../support/database.ts';

const connection = await openTestConnection({ after });
await migrate(connection, 'enterprise', enterpriseMigrations);
await migrate(connection, 'hairstyle', hairstyleMigrations);
await migrate(connection, 'skinshade', skinshadeMigrations);
const [store, grants, photos] = [createStore(connection), createGrants(connection), createPhotos(connection)];
const page = { first: 10, limit: 11, after: null };
const [month, next] = ['2026-01-01', '2026-02-01'];
const reading = (fields: Partial<NewReading> = {}): NewReading => ({ id: newReadingId(), clientId: null, imageId: null, l: 60, a: 12, b: 18, confidence: 0.8, warnings: ['UNEVEN_LIGHT'], ...fields });

async function addPhoto(accountId: AccountId) {
  const id = newImageId();
  await connection.execute('insert into hairstyle.image (id, account_id, name, blob_key, width, height, issues) values ($1, $2, $3, $4, 1, 1, $5::jsonb)', [id, accountId, 'a', 'key', '[]']);
  return id;
}

const isNothing = (found: unknown): boolean => found === null || found === 0 || found === false || (Array.isArray(found) && found.length === 0);

test('a foreign tenant gets nothing and changes nothing, by every function of the store', async () => {
  const [owner, foreign, clientId] = [newAccountId(), newAccountId(), newClientId()];
  const imageId = await addPhoto(owner);
  const own = await store.insertReading(owner, reading({ clientId, imageId }));
  const unnamed = await store.insertReading(owner, reading({ imageId }));
  await photos.showsClient(owner, imageId, clientId);
  const everything = async (): Promise<string> => JSON.stringify(await Promise.all(['skinshade.reading', 'hairstyle.image', 'hairstyle.image_client'].map((table) =>
    connection.execute(`select to_jsonb(t) as row from ${table} t where account_id = $1 order by 1`, [owner]))));
  const before = await everything();
  const walk: { [Name in keyof Store]: () => Promise<unknown> } = {
    insertReading: async () => null,
    findReadings: () => store.findReadings(foreign, [own.id, unnamed.id]),
    listReadings: () => store.listReadings(foreign, page),
    countReadings: () => store.countReadings(foreign),
    listReadingsOfClients: () => store.listReadingsOfClients(foreign, [clientId], page),
    latestOfClients: () => store.latestOfClients(foreign, [clientId]),
    latestOfImages: () => store.latestOfImages(foreign, [imageId]),
    listUnnamedImages: () => store.listUnnamedImages(foreign, null, 10),
    deleteTraces: () => store.deleteTraces(foreign, clientId, [imageId]),
  };
  const photoWalk: { [Name in keyof Photos]: () => Promise<unknown> } = {
    findPhoto: () => photos.findPhoto(foreign, imageId),
    holdPhoto: () => connection.transaction(() => photos.holdPhoto(foreign, imageId)),
    showsClient: async () => null,
    listPresent: () => photos.listPresent(foreign, [imageId]),
  };
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(store).sort());
  assert.deepEqual(Object.keys(photoWalk).sort(), Object.keys(photos).sort());
  for (const [name, call] of Object.entries({ ...walk, ...photoWalk })) assert.ok(isNothing(await call()), name);
  assert.equal(await everything(), before);
  assert.deepEqual(await store.findReadings(owner, [own.id]), [own]);
});

test('a household gets one key a month, and is forgotten when the month is over', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, () => connection.transaction(() => grants.claimGrant('h', month))));
  assert.equal(claims.filter(Boolean).length, 1);
  assert.equal(await grants.claimGrant('h', next), true);
  assert.equal(await grants.deletePast(next), 1);
  assert.deepEqual([await grants.claimGrant('h', next), await grants.claimGrant('h', month)], [false, true]);
});

test('pages of readings are newest first, of clients too, and the latest is the latest', async () => {
  const [owner, one, two] = [newAccountId(), newClientId(), newClientId()];
  const made = [];
  for (let index = 0; index < 12; index++) made.push(await store.insertReading(owner, reading({ clientId: index % 3 === 0 ? two : one, l: index })));
  const newest = made.toReversed().map(({ id }) => id);
  const first = await store.listReadings(owner, page);
  assert.deepEqual(first.map(({ id }) => id), newest.slice(0, 11));
  assert.deepEqual((await store.listReadings(owner, { ...page, after: newest[9] ?? null })).map(({ id }) => id), newest.slice(10));
  const pages = Map.groupBy(await store.listReadingsOfClients(owner, [one, two], { first: 2, limit: 3, after: null }), ({ owner: client }) => client);
  assert.deepEqual([one, two].map((client) => pages.get(client)?.map(({ total, row }) => [total, row?.l])), [[[8, 11], [8, 10], [8, 8]], [[4, 9], [4, 6], [4, 3]]]);
  assert.deepEqual((await store.latestOfClients(owner, [one, two])).map(({ l }) => l).sort((a, b) => b - a), [11, 9]);
});
