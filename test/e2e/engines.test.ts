import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { operatorOf } from '../../subgraphs/serve.ts';
import { startComfy } from '../support/comfy.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const photo = await smallPortrait(300);
const { width, height } = await sharp(photo).metadata();
let working = true;
const gpu = await startComfy({ after }, async () => new Uint8Array(await sharp({ create: { width: width * 2, height: height * 2, channels: 3, background: '#224466' } }).png().toBuffer()), async () => (working ? 'done' : 'failed'));
const folder = await mkdtemp(join(tmpdir(), 'engines-'));
after(() => rm(folder, { recursive: true, force: true }));
await writeFile(join(folder, 'hair.json'), JSON.stringify({ '1': { class_type: 'LoadImage', inputs: { image: '{{image}}' } } }));
await writeFile(join(folder, 'engines.json'), JSON.stringify({ engines: { gpu: { kind: 'comfyui', url: gpu.url, workflow: 'hair.json' } } }));
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
  assert.deepEqual(await operator['engine list']({}), ['embedded', 'gpu', `${salon.accountId}  gpu`]);
  assert.deepEqual(await drawnBy(salon.key), [{ engine: 'gpu', isFallback: false }]);
  working = false;
  assert.deepEqual(await drawnBy(salon.key), [{ engine: 'embedded', isFallback: true }]);
});

test('404: nobody takes webhooks for work that is not under way', async () => {
  for (const id of ['0'.repeat(48), 'x']) assert.equal((await platform.rest(`/engine-callbacks/${id}`, { json: { status: 'succeeded' } })).status, 404);
});
