import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { preparePhoto } from '../../subgraphs/vision/prepare.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after });
const { key } = await platform.tenant({ amount: 10 });

test('a head without hair is given some when that is asked for, and else costs nothing', async () => {
  const { width, height, plate } = await preparePhoto(await portrait());
  await platform.upload(key, new Uint8Array(await sharp(plate, { raw: { width, height, channels: 3 } }).jpeg({ quality: 95 }).toBuffer()), 'bald.jpg');
  const order = { mode: 'live', styles: ['817941'], image_name: 'bald.jpg' };
  const made = async (more: object) => {
    const id = await platform.generate(key, { ...order, ...more });
    const { body: { data } } = await platform.ended(key, id);
    const query = 'query ($id: ID!) { hairstyleGeneration(id: $id) { failure { code message refunded } } viewer { account { credits { available reserved } } } }';
    const { hairstyleGeneration: { failure }, viewer } = await platform.gql<{ hairstyleGeneration: { failure: object | null }; viewer: { account: { credits: object } } }>(key, query, { id });
    return { status: data.status, images: data.images.length, failure, credits: viewer.account.credits };
  };
  const failure = { code: 'NO_HAIR', message: 'The head in the photo has no hair; with force_new_hairline it is given some', refunded: true };
  assert.deepEqual(await made({}), { status: 'failed', images: 0, failure, credits: { available: 10, reserved: 0 } });
  assert.deepEqual(await made({ force_new_hairline: true }), { status: 'completed', images: 1, failure: null, credits: { available: 9, reserved: 0 } });
});
