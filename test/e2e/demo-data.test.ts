import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { seedDemo } from '../../gateway/demo-data.ts';
import { installWithoutDevelopment } from '../support/installed.ts';
import { until } from '../support/database.ts';
import { startTestPlatform } from '../support/platform.ts';
import { startServer } from '../support/server.ts';

type Viewer = { viewer: { account: { id: string } } };
const viewer = '{ viewer { account { id } } }';

test('the keys of the demo stay the same over restarts, and only one that is dead is replaced, by another of the same account', async (t) => {
  const server = await startServer({ after: (stop) => t.after(stop) });
  const first = await server.demo();
  assert.deepEqual(Object.keys(first), ['personalKey', 'enterprise', 'partnerKey', 'organizationKey', 'photo']);
  const before = await server.gql<Viewer>(first.personalKey, viewer);
  await server.end('SIGTERM');
  await server.start();
  assert.deepEqual(await server.demo(), first);
  await server.end('SIGTERM');
  const file = join(server.dataDir, 'demo.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace(first.personalKey, `${first.personalKey.slice(0, -4)}AAAA`));
  await server.start();
  const { personalKey, ...others } = await server.demo();
  const { personalKey: former, ...same } = first;
  assert.deepEqual(others, same);
  assert.notEqual(personalKey, former);
  assert.deepEqual(await server.gql<Viewer>(personalKey, viewer), before);
});

test('who is told that the server is ready finds the demo that is its own', async (t) => {
  const server = await startServer({ after: (stop) => t.after(stop) });
  const first = await server.demo();
  await server.end('SIGTERM');
  await writeFile(join(server.dataDir, 'demo.json'), JSON.stringify({ ...first, photo: 'http://localhost:1/demo/portrait.jpg' }));
  const started = server.start();
  await until(async () => (await fetch(`${server.url}/readyz`).catch(() => null))?.ok ?? false);
  assert.deepEqual(await server.demo(), first);
  await started;
});

test('a deleted key is replaced, also when the file that named it is gone', async (t) => {
  const { platform, gql } = await startTestPlatform({ after: (stop) => t.after(stop) }, { workers: 0 });
  const first = await seedDemo(platform);
  const partner = await platform.keys.findCaller(first.partnerKey);
  assert.ok(partner);
  await platform.keys.delete(partner.accountId, partner.keyId);
  const second = await seedDemo(platform);
  assert.deepEqual({ ...second, partnerKey: '' }, { ...first, partnerKey: '' });
  assert.equal((await gql<Viewer>(second.partnerKey, viewer)).viewer.account.id, partner.accountId);
  await writeFile(join(platform.env.dataDir, 'demo.json'), '{"personalKey": 7}');
  const third = await seedDemo(platform);
  assert.equal(third.enterprise.slug, first.enterprise.slug);
  assert.deepEqual(await gql<Viewer>(third.personalKey, viewer), await gql<Viewer>(first.personalKey, viewer));
});

test('without the development dependencies the demo has a portrait that is as good as a photo', async (t) => {
  const root = installWithoutDevelopment({ after: (remove) => t.after(remove) });
  assert.throws(() => createRequire(join(root, 'gateway/main.ts')).resolve('@vladmandic/face-api/package.json'));
  const server = await startServer({ after: (stop) => t.after(stop) }, { root });
  const { photo, personalKey: key } = await server.demo();
  const picture = await fetch(photo);
  assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/jpeg']);
  const started = await server.generate(key, { mode: 'test', styles: ['817941'], image_url: photo });
  const { body } = await server.ended(key, started);
  assert.deepEqual([body.data.status, body.data.images.length], ['completed', 1]);
});

test('in production there is no demo', async (t) => {
  const server = await startServer({ after: (stop) => t.after(stop) }, { variables: { NODE_ENV: 'production', SIGNING_SECRET: 'a secret of this test, long enough' } });
  assert.equal(existsSync(join(server.dataDir, 'demo.json')), false);
  assert.equal((await server.rest('/demo/portrait.jpg')).status, 404);
  assert.doesNotMatch(server.output(), /key|login/);
  const { text } = await server.rest('/');
  assert.ok(text.includes(`-H 'x-api-key: YOUR_KEY'`) && text.includes(`{ 'x-api-key': 'YOUR_KEY' }`));
  assert.match(text, /data-key="" data-photo="".*<img id="source" alt="[^"]+" hidden>/s);
});
