import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { generate, type Generated, openSalon, painter, styleIds, wholeFile } from './salon.ts';

const picture = await sharp({ create: { width: 300, height: 400, channels: 3, background: '#a86' } }).jpeg().toBuffer();
const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/me.jpg': (_, response) => response.end(picture),
  '/text.jpg': (_, response) => response.end('this is not a picture'),
  '/missing.jpg': (_, response) => response.writeHead(404).end(picture),
  '/large.jpg': (_, response) => response.end(Buffer.alloc(5 * 1024 * 1024 + 1)),
  '/inside.jpg': (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data' }).end(),
  '/moved.jpg': (_, response) => response.writeHead(301, { location: '/me.jpg' }).end(),
};
const server = createServer((request, response) => routes[request.url ?? '']?.(request, response)).listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => {
  server.closeAllConnections();
  server.close();
});
const { port } = server.address() as AddressInfo;
const at = (path: string): string => `http://127.0.0.1:${port}${path}`;
/** A portrait whose hair any style may be made of: what is counted does not depend on it. */
const piece = { picture, about: { width: 1, height: 1, anchors: [], lab: [0, 0, 0], light: { direction: [0, 0, 1], keyRatio: 1 }, sharpness: 1, pxPerCm: 1, yaw: 0 } };
const vision = { ...painter(), liftHair: async () => ({ issues: [], piece, preview: picture }) };
const salon = await openSalon(wholeFile, { vision, allow: [`127.0.0.1:${port}`] });

const beginUpload = 'mutation ($type: String!, $length: Int!) { createImageUpload(contentType: $type, byteLength: $length) { uploadId uploadUrl method headers { name value } expiresAt errors { code path } } }';
type Upload = { uploadId: string; uploadUrl: string; method: string; headers: { name: string; value: string }[]; errors: { code: string; path: string[] }[] };
const create = 'mutation ($input: CreateImageInput!) { createImage(input: $input) { image { id name url width height issues } errors { type: __typename code message path ... on ImageRejectedError { issues } } } }';
type Created = { image: { id: string; name: string; url: string; width: number; height: number; issues: string[] } | null; errors: { type: string; code: string; message: string; path: string[]; issues?: string[] }[] };

async function send(url: string, bytes: Uint8Array): Promise<number> {
  const { pathname, searchParams } = new URL(url);
  return (await salon.platform.blobs.putUpload({ method: 'PUT', path: pathname, query: Object.fromEntries(searchParams), headers: {}, body: Readable.from([bytes]) })).status;
}
const storedFiles = async (): Promise<number> => (await readdir(join(salon.platform.env.dataDir, 'blobs'), { recursive: true }).catch(() => [])).filter((name) => name.endsWith('original')).length;

test('an upload is begun, sent and becomes an image of the account, once', async () => {
  const me = await salon.account();
  const begun = await salon.get<Upload>(me, beginUpload, { type: 'image/jpeg', length: picture.byteLength });
  assert.deepEqual([begun.errors, begun.method, begun.headers], [[], 'PUT', [{ name: 'content-type', value: 'image/jpeg' }]]);
  assert.equal(await send(begun.uploadUrl, picture), 204);
  const stranger = await salon.get<Created>(await salon.account(), create, { input: { uploadId: begun.uploadId } });
  assert.deepEqual(stranger.errors.map(({ code }) => code), ['NOT_FOUND']);
  const { image, errors } = await salon.get<Created>(me, create, { input: { uploadId: begun.uploadId, name: '../photos/me\u0007.jpg' } });
  assert.deepEqual([errors, image?.name, image?.width, image?.height, image?.issues], [[], 'me.jpg', 300, 400, []]);
  assert.match(image?.url ?? '', /^https:\/\/look\.example\/files\//);
  assert.deepEqual((await salon.get<Created>(me, create, { input: { uploadId: begun.uploadId } })).errors.map(({ code }) => code), ['NOT_FOUND']);
});

test('an upload that could not be accepted is not begun', async () => {
  const me = await salon.account();
  for (const [type, length, path] of [['image/gif', 10, 'contentType'], ['text/html', 10, 'contentType'], ['image/png', 0, 'byteLength'], ['image/png', 5 * 1024 * 1024 + 1, 'byteLength']] as const) {
    const { uploadId, errors } = await salon.get<Upload>(me, beginUpload, { type, length });
    assert.deepEqual([uploadId, errors], [null, [{ code: 'VALIDATION', path: [path] }]]);
  }
});

test('an address is fetched, through a redirect too, and names the image', async () => {
  const me = await salon.account();
  assert.equal((await salon.get<Created>(me, create, { input: { url: at('/moved.jpg') } })).image?.name, 'moved.jpg');
  assert.equal((await salon.get<Created>(me, create, { input: { url: at('/me.jpg'), name: 'Ada.jpg' } })).image?.name, 'Ada.jpg');
});

test('what cannot be fetched or is no picture is refused with the issue, and nothing is kept', async () => {
  const me = await salon.account();
  const before = await storedFiles();
  const cases: [string, string][] = [
    [at('/text.jpg'), 'NOT_AN_IMAGE'], [at('/missing.jpg'), 'UNREACHABLE'], [at('/large.jpg'), 'TOO_LARGE'], [at('/inside.jpg'), 'UNREACHABLE'],
    ['http://127.0.0.1/', 'UNREACHABLE'], ['http://localhost/', 'UNREACHABLE'], ['http://[::ffff:127.0.0.1]/', 'UNREACHABLE'], ['http://10.0.0.1:8080/', 'UNREACHABLE'],
  ];
  for (const [url, issue] of cases) {
    const { image, errors } = await salon.get<Created>(me, create, { input: { url } });
    assert.deepEqual([image, errors.map((error) => [error.type, error.code, error.issues, error.path])], [null, [['ImageRejectedError', 'IMAGE_REJECTED', [issue], ['input', 'url']]]], url);
    if (issue === 'UNREACHABLE') assert.equal(errors[0]?.message, 'Image not found or inaccessible');
  }
  assert.equal(await salon.store.countImages(me.accountId), 0);
  assert.equal(await storedFiles(), before);
});

test('exactly one of upload and address is given', async () => {
  const me = await salon.account();
  for (const input of [{}, { uploadId: 'upload_01ARZ3NDEKTSV4RRFFQ69G5FAV', url: at('/me.jpg') }]) {
    assert.deepEqual((await salon.get<Created>(me, create, { input })).errors.map(({ code }) => code), ['VALIDATION']);
  }
});

test('a generation takes the newest image of a name, and its address where there is none', async () => {
  const me = await salon.account();
  await salon.photo(me.accountId, 'twice.jpg');
  const newest = await salon.photo(me.accountId, 'twice.jpg');
  const order = (input: Record<string, unknown>) => salon.get<Generated>(me, generate, { input: { gender: 'UNISEX', mode: 'TEST', styleIds: styleIds.slice(0, 1), ...input } });
  const named = await order({ imageName: 'twice.jpg', imageUrl: at('/missing.jpg') });
  const row = await salon.ended(me.accountId, named.generation?.id ?? '');
  assert.equal(row.sourceId, newest);
  const fetched = await order({ imageName: 'nobody.jpg', imageUrl: at('/me.jpg') });
  assert.equal(fetched.generation?.source.name, 'me.jpg');
  assert.equal((await salon.store.findImageByName(me.accountId, 'me.jpg'))?.id, (await salon.ended(me.accountId, fetched.generation?.id ?? '')).sourceId);
  const missing = await order({ imageName: 'nobody.jpg' });
  assert.deepEqual(missing.errors.map(({ code, message, path }) => [code, message, path]), [['NOT_FOUND', 'Image not found or inaccessible', ['input', 'imageName']]]);
});

test('a fetched image is not kept when the generation is refused or was asked for before', async () => {
  const me = await salon.account(1);
  const before = await storedFiles();
  const order = (input: Record<string, unknown>) => salon.get<Generated>(me, generate, { input: { gender: 'UNISEX', styleIds: styleIds.slice(0, 2), imageUrl: at('/me.jpg'), ...input } });
  assert.deepEqual((await order({})).errors.map(({ code }) => code), ['INSUFFICIENT_CREDITS']);
  assert.deepEqual([await salon.store.countImages(me.accountId), await storedFiles()], [0, before]);
  const twins = await Promise.all([order({ mode: 'TEST', idempotencyKey: 'k' }), order({ mode: 'TEST', idempotencyKey: 'k' })]);
  assert.equal(new Set(twins.map(({ generation }) => generation?.id)).size, 1);
  await salon.ended(me.accountId, twins[0]?.generation?.id ?? '');
  assert.deepEqual([await salon.store.countImages(me.accountId), await storedFiles()], [1, before + 3]);
});

test('of forty styles that are imported at once into an account with 190 of 200, ten are', async () => {
  const me = await salon.account();
  const imageId = await salon.photo(me.accountId);
  await salon.platform.connection.execute(`insert into hairstyle.style (id, account_id, description, sex, tags, about) select (900000 + n)::text, $1, 'Bob', 'UNISEX', '[]', '{}' from generate_series(1, 190) n`, [me.accountId]);
  const before = await storedFiles();
  const importStyle = 'mutation ($imageId: ID!) { importStyle(input: { imageId: $imageId }) { hairstyle { id } errors { code message } } }';
  const imported = await Promise.all(Array.from({ length: 40 }, async () => salon.get<{ hairstyle: { id: string } | null; errors: { code: string; message: string }[] }>(me, importStyle, { imageId })));
  assert.equal(new Set(imported.flatMap(({ hairstyle }) => hairstyle?.id ?? [])).size, 10);
  const refused = imported.filter(({ hairstyle }) => hairstyle === null).map(({ errors }) => errors);
  assert.deepEqual(refused, Array.from({ length: 30 }, () => [{ code: 'LIMIT_REACHED', message: 'An account can have 200 imported styles. Delete one first.' }]));
  assert.deepEqual([await salon.store.countStyles(me.accountId), await storedFiles()], [200, before + 20]);
});
