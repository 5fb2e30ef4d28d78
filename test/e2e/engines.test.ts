import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { operatorOf } from '../../subgraphs/serve.ts';
import { startComfy, startFake } from '../support/comfy.ts';
import { comeByLink, headshotsReady } from '../support/guest.ts';
import { openOrganization } from '../support/organization.ts';
import { portrait, smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const photo = await smallPortrait(300);
const { width, height } = await sharp(photo).metadata();
let working = true;
const gpu = await startComfy({ after }, async () => new Uint8Array(await sharp({ create: { width: width * 2, height: height * 2, channels: 3, background: '#224466' } }).png().toBuffer()), async () => (working ? 'done' : 'failed'));
const folder = await mkdtemp(join(tmpdir(), 'engines-'));
after(() => rm(folder, { recursive: true, force: true }));
await writeFile(join(folder, 'hair.json'), JSON.stringify({ '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } } }));
// A photo of somebody, in the shape that is asked for.
const studio = await startFake({ after }, async ({ method, body }) => {
  if (!working) return { id: 'p1', status: 'failed' };
  if (method === 'GET') return { id: 'p1', status: 'processing' };
  const { input } = JSON.parse(String(body)) as { input: { width: number; height: number; background: string } };
  return { id: 'p1', status: 'succeeded', output: `data:image/jpeg;base64,${(await sharp(await portrait()).resize({ width: input.width, height: input.height, fit: 'cover', position: 'top' }).jpeg().toBuffer()).toString('base64')}` };
});
const input = { image: '{{image}}', prompt: 'before a {{background}}, {{framing}}', width: '{{width}}', height: '{{height}}' };
await writeFile(join(folder, 'engines.json'), JSON.stringify({ engines: { gpu: { kind: 'comfyui', url: gpu.url, workflow: 'hair.json' }, studio: { kind: 'predictions', url: studio.url, model: 'some/one', input } }, headshots: 'studio' }));
const platform = await startTestPlatform({ after }, { variables: { ENGINES: join(folder, 'engines.json'), OPERATION_TIMEOUT: '600000' } });
const salon = await platform.tenant();
assert.equal((await platform.upload(salon.key, photo)).status, 200);

async function drawnBy(key: string): Promise<object[]> {
  const id = await platform.generate(key, { styles: ['817941'], image_name: 'me.jpg' });
  assert.equal((await platform.ended(key, id)).body.data.status, 'completed');
  const query = 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { engine isFallback } } }';
  return (await platform.gql<{ hairstyleGeneration: { images: object[] } }>(key, query, { id })).hairstyleGeneration.images;
}

test('the operator gives an account an engine, its pictures name who drew them, and a failure costs nobody a picture', async () => {
  const operator = operatorOf(platform.platformOf('hairstyle'));
  assert.deepEqual(await drawnBy(salon.key), [{ engine: 'embedded', isFallback: false }]);
  await assert.rejects(operator['engine use']({ account: salon.accountId, engine: 'none' }), /No engine none/);
  assert.deepEqual(await operator['engine use']({ account: salon.accountId, engine: 'gpu' }), [`${salon.accountId} is drawn by gpu.`]);
  assert.deepEqual(await operator['engine list']({}), ['embedded', 'gpu', 'studio', `${salon.accountId}  gpu`]);
  assert.deepEqual(await drawnBy(salon.key), [{ engine: 'gpu', isFallback: false }]);
  working = false;
  assert.deepEqual(await drawnBy(salon.key), [{ engine: 'embedded', isFallback: true }]);
});

test('headshots are made by the engine that is named for them, and by the embedded one where that fails; each says by which', { timeout: 240_000 }, async () => {
  const acme = await openOrganization(platform);
  const madeBy = async (email: string): Promise<[engines: string[], isFallback: boolean[]]> => {
    const { createInvite: { invite } } = await platform.gql<{ createInvite: { invite: { token: string } } }>(acme.key, 'mutation ($email: EmailAddress!) { createInvite(input: { email: $email, isDevelopment: true }) { invite { token } } }', { email });
    await comeByLink(platform, invite.token, 'Jane', [await portrait()]);
    await headshotsReady(platform, invite.token);
    const { invite: { modelId } } = await acme.ok<{ invite: { modelId: string } }>('GET', `/invites/${email}`);
    const { headshotGallery: { photos: { nodes } } } = await platform.gql<{ headshotGallery: { photos: { nodes: { engine: string; isFallback: boolean }[] } } }>(acme.key, 'query ($id: ID!) { headshotGallery(modelId: $id) { photos { nodes { engine isFallback } } } }', { id: modelId });
    assert.equal(nodes.length, 4);
    return [[...new Set(nodes.map(({ engine }) => engine))], [...new Set(nodes.map(({ isFallback }) => isFallback))]];
  };
  working = true;
  assert.deepEqual(await madeBy('jane@example.com'), [['studio'], [false]]);
  const [{ input: asked }] = studio.asked.map(({ body }) => JSON.parse(String(body)) as { input: { image: string; prompt: string; width: number; height: number } }) as [{ input: { image: string; prompt: string; width: number; height: number } }];
  assert.match(asked.image, /^data:image\/jpeg;base64,/);
  assert.match(asked.prompt, /^before a [a-z]+ [a-z]+, (close|portrait|bust)$/);
  assert.ok(asked.height <= 640 && (asked.width === asked.height || asked.width * 5 === asked.height * 4), `${asked.width} x ${asked.height}`);
  working = false;
  assert.deepEqual(await madeBy('john@example.com'), [['embedded'], [true]]);
});

test('404: nobody takes webhooks for work that is not under way', async () => {
  for (const id of ['0'.repeat(48), 'x']) assert.equal((await platform.rest(`/engine-callbacks/${id}`, { json: { status: 'succeeded' } })).status, 404);
});
