import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { after, describe, test } from 'node:test';
import { portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const { key } = await platform.tenant();
const megabyte = Buffer.alloc(1024 * 1024, 7);

/** Sends a body without a stated length that never ends, until it is answered and cut off; the answer, and how many megabytes were sent. */
async function sendForEver(path: string, options: { method: string; headers: Record<string, string>; head?: string }): Promise<{ status: number | undefined; text: string; megabytes: number }> {
  const sending = request(new URL(path, platform.url), { method: options.method, headers: { 'x-api-key': key, 'transfer-encoding': 'chunked', ...options.headers } });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  const closed = new Promise((resolve) => sending.once('close', resolve));
  // The server cuts it off; that is the end of this client.
  sending.on('error', () => undefined);
  if (options.head) sending.write(options.head);
  const [[response], megabytes] = await Promise.all([answered, fill(sending)]);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  await closed;
  return { status: response.statusCode, text, megabytes };
}

async function fill(sending: ClientRequest): Promise<number> {
  let sent = 0;
  while (!sending.destroyed && sent < 1000) {
    const isTaken = await new Promise<boolean>((resolve) => void sending.write(megabyte, (error) => resolve(!error)));
    if (!isTaken) break;
    sent += 1;
  }
  return sent;
}

describe('a body of more than 5 MB whose length nobody stated', () => {
  test('413 for a multipart upload, without reading it all', async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n';
    const { status, text, megabytes } = await sendForEver('/api/v1/images', { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b' }, head });
    assert.equal(status, 413);
    assert.deepEqual(JSON.parse(text), { data: null, message: 'The image is over 5 MB', status: 'error' });
    assert.ok(megabytes < 64, `${megabytes} MB were taken`);
  });

  test('413 for a signed PUT, without reading it all; the address can be used again', async () => {
    const photo = new Blob([new Uint8Array(await portrait())]);
    const { createImageUpload: { uploadUrl } } = await platform.gql<{ createImageUpload: { uploadUrl: string } }>(key, `mutation { createImageUpload(contentType: "image/jpeg", byteLength: ${photo.size}) { uploadUrl } }`);
    const { pathname, search } = new URL(uploadUrl);
    const { status, megabytes } = await sendForEver(pathname + search, { method: 'PUT', headers: { 'content-type': 'image/jpeg' } });
    assert.equal(status, 413);
    assert.ok(megabytes < 64, `${megabytes} MB were taken`);
    // Nor does it take a file that was cut short on its way.
    const short = await platform.rest(pathname + search, { method: 'PUT', body: photo.slice(0, 100) });
    assert.deepEqual([short.status, short.text], [400, `Only 100 of the ${photo.size} announced bytes arrived. Send all of it to this address again.`]);
    assert.equal((await platform.rest(pathname + search, { method: 'PUT', body: photo })).status, 204);
  });
});

test('413 for a stated length of more than 5 MB', async () => {
  const { status, text } = await platform.upload(key, new Uint8Array(8 * 1024 * 1024));
  assert.deepEqual([status, JSON.parse(text)], [413, { data: null, message: 'The image is over 5 MB', status: 'error' }]);
});
