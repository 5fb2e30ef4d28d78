import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after });
const { key } = await platform.tenant();
await platform.upload(key, await smallPortrait(300));

const attempts = async () => platform.platform.connection.execute('select state, attempts, error from enterprise.webhook_delivery order by position');

for (const address of ['http://10.0.0.1/hook', 'http://169.254.169.254/latest', 'http://[::1]/hook', 'https://example.com:8443/hook', 'http://localhost/hook']) {
  test(`a callback to ${address} is given up at its first attempt, and the generation is none the worse`, async () => {
    const before = (await attempts()).length;
    const id = await platform.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg', callback_url: address });
    const { body } = await platform.ended(key, id);
    assert.deepEqual([body.data.status, body.data.images.length], ['completed', 1]);
    await until(async () => (await attempts()).every(({ state }) => state === 'FAILED'));
    const all = await attempts();
    assert.deepEqual([all.length, all.at(-1)?.['attempts']], [before + 1, 1]);
    assert.match(String(all.at(-1)?.['error']), /may be called|not on the public internet/);
  });
}
