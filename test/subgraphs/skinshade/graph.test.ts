import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { nobody, portrait, severalFaces, smallPortrait } from '../../support/photos.ts';
import { startTestPlatform, type Tenant } from '../../support/platform.ts';
import { addClient, openBusiness } from '../../support/salon.ts';

const platform = await startTestPlatform({ after });
const photo = await portrait();
const partner = await platform.tenant({ kind: 'partner' });
const [salon, rival] = [await openBusiness(platform, partner.key), await openBusiness(platform, partner.key)];
const client = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane' });
const imageId = (await platform.upload(salon.key, photo)).body.data.id;

type Detected = { reading: { id: string; hex: string } | null; usage: { remaining: number } | null; errors: { type: string; code: string; path: string[] | null; issues?: string[]; retryAfterSeconds?: number }[] };
const detect = async (key: string, input: object): Promise<Detected> => (await platform.gql<{ detectSkinShade: Detected }>(key, `mutation ($input: DetectSkinShadeInput!) { detectSkinShade(input: $input) {
  reading { id hex } usage { remaining } errors { type: __typename code path ... on ImageRejectedError { issues } ... on RateLimitedError { retryAfterSeconds } } } }`, { input })).detectSkinShade;
const { reading } = await detect(salon.key, { imageId, clientId: client });
assert.ok(reading);

describe('a reading', () => {
  test('tells the shade in every way, and what it was made of and for', async () => {
    const { skinShadeReading } = await platform.gql<{ skinShadeReading: Record<string, unknown> }>(salon.key, `query ($id: ID!) { skinShadeReading(id: $id) {
      hex lab { l a b } toneRange undertone ita monkTone confidence warnings createdAt image { id name url } client { id name email } } }`, { id: reading.id });
    const { lab, ita, createdAt, image, hex, ...rest } = skinShadeReading as { lab: { l: number; a: number; b: number }; ita: number; createdAt: string; image: { id: string; name: string; url: string }; hex: string };
    assert.equal(hex, reading.hex);
    assert.ok(Math.abs(ita - (Math.atan2(lab.l - 50, lab.b) * 180) / Math.PI) < 1e-9);
    assert.deepEqual({ ...rest, confidence: 1 }, { toneRange: 'MEDIUM', undertone: 'WARM', monkTone: 6, confidence: 1, warnings: ['COLOR_CAST'], client: { id: client, name: 'Jane', email: 'jane@example.com' } });
    assert.deepEqual([image.id, image.name, Math.abs(Date.parse(createdAt) - Date.now()) < 120_000], [imageId, 'me.jpg', true]);
  });

  test('is found from the client, the photo and the account, as one and the same', async () => {
    const { enterprise, sourceImage, viewer } = await platform.gql<Record<string, unknown>>(salon.key, `query ($slug: String!, $client: ID!, $image: ID!) {
      enterprise(slug: $slug) { client(id: $client) { latestSkinShade { id } skinShadeReadings { totalCount nodes { id } } } }
      sourceImage(id: $image) { name skinShade { id } } viewer { account { name skinShadeReadings(first: 1) { totalCount edges { node { id } } pageInfo { hasNextPage } } } } }`, { slug: salon.slug, client, image: imageId });
    const { id } = reading;
    assert.deepEqual(enterprise, { client: { latestSkinShade: { id }, skinShadeReadings: { totalCount: 1, nodes: [{ id }] } } });
    assert.deepEqual(sourceImage, { name: 'me.jpg', skinShade: { id } });
    assert.deepEqual((viewer as { account: { skinShadeReadings: unknown } }).account.skinShadeReadings, { totalCount: 1, edges: [{ node: { id } }], pageInfo: { hasNextPage: false } });
  });

  test('recommends colors of the catalogue, and each of them says the same of the shade', async () => {
    const { skinShadeReading } = await platform.gql<{ skinShadeReading: { recommendedHairColors: { fit: { score: number; reason: string }; color: { id: string; name: string; family: string; previewImages: { full: string }; suits: object } }[] } }>(salon.key, `query ($id: ID!, $hex: HexColor!) {
      skinShadeReading(id: $id) { recommendedHairColors(first: 4) { fit { score contrast deltaE reason } color { id name family hex previewImages { full } suits(skinShade: $hex) { score contrast deltaE reason } } } } }`, { id: reading.id, hex: reading.hex });
    const recommended = skinShadeReading.recommendedHairColors;
    assert.equal(recommended.length, 4);
    for (const { fit, color } of recommended) {
      assert.deepEqual(color.suits, fit);
      assert.ok(color.name && color.family !== 'fashion' && color.previewImages.full.includes(color.id) && fit.reason.endsWith('.'));
    }
    const fashion = await platform.gql<{ skinShadeReading: { recommendedHairColors: { color: { family: string } }[] } }>(salon.key, 'query ($id: ID!) { skinShadeReading(id: $id) { recommendedHairColors(first: 3, families: ["fashion"]) { color { family } } } }', { id: reading.id });
    assert.deepEqual(fashion.skinShadeReading.recommendedHairColors.map(({ color }) => color.family), ['fashion', 'fashion', 'fashion']);
  });

  test('rules and health are open to everybody', async () => {
    const { hairColorRules, skinShadeHealth } = await platform.gql<{ hairColorRules: { weight: number; sources: string[] }[]; skinShadeHealth: object }>(null, '{ hairColorRules { id weight statement sources } skinShadeHealth { healthy app model database } }');
    assert.ok(hairColorRules.length > 1 && hairColorRules.every(({ sources }) => sources.length > 0));
    assert.deepEqual(skinShadeHealth, { healthy: true, app: 'App is running', model: 'AI model is loaded', database: 'Database is connected' });
  });
});

describe('a detection', () => {
  const error = (found: Detected): unknown[] => [found.reading, found.usage, found.errors.map(({ type, code, path, issues }) => [type, code, path?.at(-1), ...issues ?? []])];
  const nobodysImage = 'img_01ARZ3NDEKTSV4RRFFQ69G5FAV';

  test('is refused with where and why, and nothing is counted', async () => {
    const before = (await platform.gql<{ skinShadeUsage: { remaining: number } }>(salon.key, '{ skinShadeUsage { remaining } }')).skinShadeUsage.remaining;
    const nobodysClient = await addClient(platform, rival, { email: 'nobody@example.com' });
    const cases: [object, unknown[]][] = [
      [{}, ['ValidationError', 'VALIDATION', 'imageId']], [{ imageId, uploadId: 'upload_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, ['ValidationError', 'VALIDATION', 'imageId']],
      [{ imageId: nobodysImage }, ['NotFoundError', 'NOT_FOUND', 'imageId']], [{ imageId: 'x' }, ['NotFoundError', 'NOT_FOUND', 'imageId']],
      [{ uploadId: 'upload_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, ['NotFoundError', 'NOT_FOUND', 'uploadId']], [{ imageId, clientId: nobodysClient }, ['NotFoundError', 'NOT_FOUND', 'clientId']],
      [{ imageId, idempotencyKey: '' }, ['ValidationError', 'VALIDATION', 'idempotencyKey']],
    ];
    for (const [input, expected] of cases) assert.deepEqual(error(await detect(salon.key, input)), [null, null, [expected]], JSON.stringify(input));
    assert.equal((await platform.gql<{ skinShadeUsage: { remaining: number } }>(salon.key, '{ skinShadeUsage { remaining } }')).skinShadeUsage.remaining, before);
  });

  test('of bytes that were sent is made once and keeps no photo', async () => {
    const send = async (bytes: Uint8Array): Promise<string> => {
      const { createImageUpload } = await platform.gql<{ createImageUpload: { uploadId: string; uploadUrl: string } }>(salon.key, 'mutation ($n: Int!) { createImageUpload(contentType: "image/jpeg", byteLength: $n) { uploadId uploadUrl } }', { n: bytes.length });
      const { pathname, search } = new URL(createImageUpload.uploadUrl);
      assert.equal((await platform.rest(pathname + search, { method: 'PUT', body: new Uint8Array(bytes) })).status, 204);
      return createImageUpload.uploadId;
    };
    const uploadId = await send(photo);
    const made = await detect(salon.key, { uploadId });
    assert.equal(made.reading?.hex.length, 7);
    assert.deepEqual(error(await detect(salon.key, { uploadId })), [null, null, [['NotFoundError', 'NOT_FOUND', 'uploadId']]]);
    const rejected: [Uint8Array, string][] = [[await nobody(), 'NO_FACE'], [await severalFaces(), 'MULTIPLE_FACES'], [await sharp(photo).greyscale().jpeg().toBuffer(), 'GREYSCALE'], [await sharp(photo).webp().toBuffer(), 'UNSUPPORTED_TYPE']];
    for (const [bytes, issue] of rejected) assert.deepEqual(error(await detect(salon.key, { uploadId: await send(bytes) })), [null, null, [['ImageRejectedError', 'IMAGE_REJECTED', 'uploadId', issue]]]);
  });

  test('past the limit is refused with how long to wait', async () => {
    const own = await platform.tenant();
    const small = (await platform.upload(own.key, await smallPortrait(300))).body.data.id;
    await platform.platform.connection.execute("insert into enterprise.quota (name, subject, ends_at, used) values ('skin-shades', $1, (date_trunc('month', now() at time zone 'utc') + interval '1 month') at time zone 'utc', 99)", [own.keyId]);
    assert.equal((await detect(own.key, { imageId: small })).usage?.remaining, 0);
    const { errors: [limited] } = await detect(own.key, { imageId: small });
    assert.deepEqual([limited?.type, limited?.code], ['RateLimitedError', 'RATE_LIMITED']);
    assert.ok((limited?.retryAfterSeconds ?? 0) > 0);
  });

  test('a key is given once a month to an address, over the graph as over REST', async () => {
    type Made = { createSkinShadeKey: { secret: string | null; errors: { code: string }[] } };
    const make = async () => (await platform.gql<Made>(null, 'mutation { createSkinShadeKey { secret errors { code } } }')).createSkinShadeKey;
    const first = await make();
    assert.match(first.secret ?? '', /^ak_/);
    assert.deepEqual(await make(), { secret: null, errors: [{ code: 'RATE_LIMITED' }] });
    assert.equal((await platform.rest('/api/generatekey')).status, 429);
    const { skinShadeUsage } = await platform.gql<{ skinShadeUsage: { remaining: number } }>(first.secret, '{ skinShadeUsage { remaining } }');
    assert.equal(skinShadeUsage.remaining, 100);
  });
});

describe('a stranger', () => {
  const nothing = { skinShadeReading: null, sourceImage: null, viewer: { account: { skinShadeReadings: { totalCount: 0 } } } };
  const look = async ({ key }: Pick<Tenant, 'key'>) => platform.gql<Record<string, unknown>>(key, `query ($id: ID!, $image: ID!) {
    skinShadeReading(id: $id) { hex } sourceImage(id: $image) { skinShade { hex } } viewer { account { skinShadeReadings { totalCount } } } }`, { id: reading.id, image: imageId });

  test('sees nothing, asked for by whatever way', async () => {
    assert.deepEqual(await look(rival), nothing);
    const { body } = await platform.rest<{ data: { enterprise: null } }>('/graphql', { key: rival.key, json: { query: `{ enterprise(slug: "${salon.slug}") { client(id: "${client}") { latestSkinShade { hex } } } }` } });
    assert.equal(body.data.enterprise, null);
    const foreign = await platform.gql<{ enterprise: { client: null } }>(rival.key, `{ enterprise(slug: "${rival.slug}") { client(id: "${client}") { skinShadeReadings { totalCount } latestSkinShade { hex } } } }`);
    assert.deepEqual(foreign, { enterprise: { client: null } });
  });

  test('reads no photo of another account', async () => {
    const { errors } = await detect(rival.key, { imageId });
    assert.deepEqual(errors.map(({ code }) => code), ['NOT_FOUND']);
  });
});
