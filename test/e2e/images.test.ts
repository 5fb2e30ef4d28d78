import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { animatedGif, hundredMegapixels, nobody, portrait, severalFaces, svg, truncatedJpeg } from '../support/photos.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';

/** Where image URLs of these tests lead: redirects, a server that never answers, and a good picture. */
const origin = createServer((request, response) => {
  if (request.url === '/to-private.jpg') response.writeHead(302, { location: 'http://127.0.0.1:1/metadata.jpg' }).end();
  else if (request.url === '/good.jpg') void portrait().then((bytes) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(bytes));
  else if (request.url === '/slow.jpg') response.writeHead(200, { 'content-type': 'image/jpeg' }).write('x');
  else response.writeHead(404).end();
});
origin.listen(0, '127.0.0.1');
await once(origin, 'listening');
const { port } = origin.address() as AddressInfo;
after(async () => {
  origin.closeAllConnections();
  origin.close();
});

const platform = await startTestPlatform({ after }, { allow: [`127.0.0.1:${port}`] });
let tenant: Tenant;
before(async () => {
  tenant = await platform.tenant();
});

describe('pictures that cannot be used', () => {
  const megabytes = (count: number): Uint8Array => new Uint8Array(count * 1024 * 1024);
  const cases: [string, () => Promise<Uint8Array> | Uint8Array, number, RegExp][] = [
    ['400 for nobody in it', nobody, 400, /no face/i],
    ['400 for several faces', severalFaces, 400, /more than one face/i],
    ['400 for a text named .jpg', () => Buffer.from('this is a text, whatever its name says'), 400, /not an image/i],
    ['400 for 100 megapixels', hundredMegapixels, 400, /megapixels/i],
    ['400 for a JPEG that breaks off', truncatedJpeg, 400, /image/i],
    ['400 for an SVG', svg, 400, /image|PNG/i],
    ['400 for an animated GIF', animatedGif, 400, /PNG, JPEG/i],
    ['413 for 6 MB', () => megabytes(6), 413, /5 MB/],
    ['400 for an empty file', () => new Uint8Array(), 400, /empty/],
  ];
  for (const [name, bytes, status, message] of cases) {
    test(name, async () => {
      const answer = await platform.upload(tenant.key, await bytes(), 'photo.jpg');
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual([answer.body.data, answer.body.status], [null, 'error']);
      assert.match(answer.body.message, message);
    });
  }

  test('400 for another field, 415 for another type of body', async () => {
    assert.equal((await platform.upload(tenant.key, await portrait(), 'a.jpg', 'photo')).status, 400);
    assert.equal((await platform.rest('/api/v1/images', { key: tenant.key, json: {} })).status, 415);
  });

  test('the graph lists what is wrong', async () => {
    const mutation = 'mutation ($url: URL!) { createImage(input: { url: $url }) { image { id } errors { code ... on ImageRejectedError { issues } } } }';
    const { createImage } = await platform.gql<{ createImage: { image: null; errors: { code: string; issues: string[] }[] } }>(tenant.key, mutation, { url: `http://127.0.0.1:${port}/gone.jpg` });
    assert.deepEqual(createImage, { image: null, errors: [{ code: 'IMAGE_REJECTED', issues: ['UNREACHABLE'] }] });
  });
});

describe('addresses of pictures', () => {
  const post = (image_url: string) => platform.rest('/api/v1/generation/hairstyle', { key: tenant.key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_url } });
  const unreachable = { data: null, message: 'Image not found or inaccessible', status: 'error' };

  for (const [name, url] of Object.entries({
    'the loopback': 'http://127.0.0.1:1/a.jpg', 'the loopback by name': 'http://localhost:1/a.jpg', 'a private network': 'http://10.0.0.1/a.jpg',
    'the metadata service': 'http://169.254.169.254/latest/meta-data/', 'IPv6 loopback': 'http://[::1]:1/a.jpg', 'IPv4 in IPv6': 'http://[::ffff:127.0.0.1]:1/a.jpg',
    'an address in one number': 'http://2130706433/a.jpg', 'a redirect into a private network': `http://127.0.0.1:${port}/to-private.jpg`,
    'nothing there': `http://127.0.0.1:${port}/gone.jpg`, 'a server that is too slow': `http://127.0.0.1:${port}/slow.jpg`,
  })) {
    test(`404 for ${name}, and nothing of it is told`, async () => {
      const { status, body } = await post(url);
      assert.deepEqual({ status, body }, { status: 404, body: unreachable });
    });
  }

  test('200 for one that may be reached', async () => {
    const { status, text } = await post(`http://127.0.0.1:${port}/good.jpg`);
    assert.equal(status, 200, text);
  });
});

test('nothing of all this cost anything', async () => {
  assert.deepEqual(await platform.platform.credits.balance(tenant.accountId), { available: 1000, reserved: 0 });
});
