import assert from 'node:assert/strict';
import { existsSync, globSync, statSync, utimesSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { writeBackup } from '../../subgraphs/backup.ts';
import { type BlobKey, createBlobStore, type FileRequest, type FileResponse, parseBlobKey, parseRange, roundedExpiry, uploadLimitBytes } from '../../subgraphs/blobs.ts';
import { newAccountId, newUploadId } from '../../subgraphs/ids.ts';
import { createOutbox } from '../../subgraphs/outbox.ts';
import { openTestConnection } from '../support/database.ts';
import { startBucket } from '../support/s3.ts';

type Kind = 'a folder' | 'a bucket';
const kinds = ['a folder', 'a bucket'] as const;

/** `names`: of all that is kept. `age`: makes everything older. */
async function openStore(t: TestContext, kind: Kind) {
  const dataDir = await mkdtemp(join(tmpdir(), 'blobs-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  const bucket = kind === 'a bucket' ? await startBucket({ after: (work) => t.after(work) }) : null;
  const open = () => createBlobStore({ dataDir, s3: bucket, publicUrl: () => 'https://look.example', signingSecret: 'a secret of the test' });
  t.after(() => assert.deepEqual(bucket?.forged ?? [], []));
  const files = (): string[] => globSync('**/*', { cwd: dataDir }).filter((name) => statSync(join(dataDir, name)).isFile()).map((name) => name.replace(/^blobs\/..\//, 'blobs/'));
  return {
    blobs: open(), /** The same store in another process. */ another: open, bucket,
    names: (): string[] => (bucket ? [...bucket.objects.keys()] : files()).sort(),
    age(hours: number): void {
      const at = new Date(Date.now() - hours * 3_600_000);
      if (bucket) for (const object of bucket.objects.values()) object.modifiedAt = at;
      else for (const name of globSync('**/*', { cwd: dataDir })) utimesSync(join(dataDir, name), at, at);
    },
  };
}

const request = (url: string, headers: FileRequest['headers'] = {}, method = 'GET'): FileRequest => {
  const { pathname, searchParams } = new URL(url);
  return { method, path: pathname, query: Object.fromEntries(searchParams), headers };
};
const bodyOf = async ({ body }: FileResponse): Promise<Buffer> => (body instanceof Readable ? buffer(body) : Buffer.from(body ?? ''));
const inADay = (): Date => new Date(Date.now() + 86_400_000);
const picture = async (): Promise<Buffer> => sharp({ create: { width: 800, height: 600, channels: 3, background: '#804020' } }).jpeg().toBuffer();
const chunks = (...sizes: number[]): Readable => Readable.from(sizes.map((size) => Buffer.alloc(size, 1)));

for (const kind of kinds) describe(`a store in ${kind}`, () => {
  test('what is put is read, opened and signed, and gone after a delete', async (t) => {
    const { blobs } = await openStore(t, kind);
    const key = await blobs.put(Buffer.from('0123456789'), { contentType: 'image/png' });
    assert.equal(Buffer.from((await blobs.read(key)) ?? []).toString(), '0123456789');
    const open = await blobs.open(key);
    assert.deepEqual([open?.sizeBytes, open?.contentType], [10, 'image/png']);
    const answer = await blobs.fileResponse(request(blobs.signedUrl(key, { expiresAt: inADay(), fileName: "o'clock é.png" })));
    assert.equal(answer.status, 200);
    assert.equal((await bodyOf(answer)).toString(), '0123456789');
    assert.equal(answer.headers['content-disposition'], "inline; filename*=UTF-8''o%27clock%20%C3%A9.png");
    assert.match(answer.headers['cache-control'] ?? '', /^private, max-age=\d+, immutable$/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    await blobs.delete(key);
    await blobs.delete(key);
    assert.equal(await blobs.read(key), null);
    assert.equal(await blobs.open(key), null);
    assert.equal((await blobs.fileResponse(request(blobs.signedUrl(key, { expiresAt: inADay() })))).status, 404);
  });

  test('deleting the blob of one owner leaves the equal blob of another', async (t) => {
    const { blobs } = await openStore(t, kind);
    const [one, two] = [await blobs.put(Buffer.from('same'), { contentType: 'image/jpeg' }), await blobs.put(Buffer.from('same'), { contentType: 'image/jpeg' })];
    assert.notEqual(one, two);
    assert.equal(one.slice(0, 64), two.slice(0, 64));
    await blobs.delete(one);
    assert.equal(Buffer.from((await blobs.read(two)) ?? []).toString(), 'same');
  });

  test('a changed, unsigned or expired address is refused', async (t) => {
    const { blobs } = await openStore(t, kind);
    const [key, other] = [await blobs.put(Buffer.from('mine'), { contentType: 'image/jpeg' }), await blobs.put(Buffer.from('not mine'), { contentType: 'image/jpeg' })];
    const url = new URL(blobs.signedUrl(key, { expiresAt: inADay(), width: 100 }));
    const changes: ((changed: URL) => void)[] = [
      (changed) => changed.searchParams.delete('s'), (changed) => changed.searchParams.set('e', '99999999999'), (changed) => changed.searchParams.set('w', '200'),
      (changed) => changed.searchParams.delete('w'), (changed) => changed.searchParams.set('n', 'x.exe'), (changed) => (changed.pathname = `/files/${other}`),
      (changed) => (changed.pathname = '/files/../../etc/passwd'), (changed) => changed.searchParams.set('s', `${changed.searchParams.get('s')}x`),
    ];
    for (const change of changes) {
      const changed = new URL(url);
      change(changed);
      assert.equal((await blobs.fileResponse(request(changed.href))).status, 403, changed.href);
    }
    assert.equal((await blobs.fileResponse(request(blobs.signedUrl(key, { expiresAt: new Date(Date.now() - 7_200_000) })))).status, 403);
  });

  test('equal requests within an hour give equal addresses', async (t) => {
    const { blobs } = await openStore(t, kind);
    const key = await blobs.put(Buffer.from('x'), { contentType: 'image/jpeg' });
    const hour = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
    assert.equal(blobs.signedUrl(key, { expiresAt: new Date(hour + 1) }), blobs.signedUrl(key, { expiresAt: new Date(hour + 3_599_999) }));
    assert.notEqual(blobs.signedUrl(key, { expiresAt: new Date(hour + 1) }), blobs.signedUrl(key, { expiresAt: new Date(hour + 3_600_001) }));
    assert.equal(roundedExpiry(new Date(hour)).getTime(), hour);
  });

  test('ranges, HEAD and If-None-Match are answered as HTTP says', async (t) => {
    const { blobs } = await openStore(t, kind);
    const key = await blobs.put(Buffer.from('0123456789'), { contentType: 'image/jpeg' });
    const url = blobs.signedUrl(key, { expiresAt: inADay() });
    const part = await blobs.fileResponse(request(url, { range: 'bytes=2-4' }));
    assert.deepEqual([part.status, part.headers['content-range'], part.headers['content-length'], (await bodyOf(part)).toString()], [206, 'bytes 2-4/10', '3', '234']);
    const tail = await blobs.fileResponse(request(url, { range: 'bytes=-3' }));
    assert.deepEqual([tail.status, (await bodyOf(tail)).toString()], [206, '789']);
    const beyond = await blobs.fileResponse(request(url, { range: 'bytes=10-' }));
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */10']);
    const head = await blobs.fileResponse(request(url, {}, 'HEAD'));
    assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '10', null]);
    const etag = head.headers['etag'] ?? '';
    assert.equal((await blobs.fileResponse(request(url, { 'if-none-match': `"other", W/${etag}` }))).status, 304);
    const stale = await blobs.fileResponse(request(url, { range: 'bytes=2-4', 'if-range': '"other"' }));
    assert.deepEqual([stale.status, (await bodyOf(stale)).toString()], [200, '0123456789']);
  });

  test('a width gives a smaller picture of the same kind, made once, never a larger one', async (t) => {
    const { blobs, names } = await openStore(t, kind);
    const key = await blobs.put(await picture(), { contentType: 'image/jpeg' });
    const url = blobs.signedUrl(key, { expiresAt: inADay(), width: 200 });
    const answers = await Promise.all([1, 2, 3].map(async () => bodyOf(await blobs.fileResponse(request(url)))));
    const { width, height, format } = await sharp(answers[0]).metadata();
    assert.deepEqual([width, height, format], [200, 150, 'jpeg']);
    assert.ok(answers.every((answer) => answer.equals(answers[0] ?? Buffer.alloc(0))));
    assert.deepEqual(names(), [`blobs/${key}/original`, `blobs/${key}/w200`]);
    const large = await bodyOf(await blobs.fileResponse(request(blobs.signedUrl(key, { expiresAt: inADay(), width: 2000 }))));
    assert.equal((await sharp(large).metadata()).width, 800);
    await blobs.delete(key);
    assert.equal(await blobs.open(key, { width: 200 }), null);
  });

  test('an upload is sent once, taken once, and only by its account', async (t) => {
    const { blobs } = await openStore(t, kind);
    const account = newAccountId();
    const { uploadId, uploadUrl, expiresAt } = await blobs.stage(account, 1);
    assert.ok(Math.abs(expiresAt.getTime() - Date.now() - 3_600_000) < 5000);
    assert.equal(await blobs.takeStaged(account, uploadId), null);
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(3, 4) })).status, 204);
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(3) })).status, 409);
    assert.equal(await blobs.takeStaged(newAccountId(), uploadId), null);
    const [first, second] = await Promise.all([blobs.takeStaged(account, uploadId), blobs.takeStaged(account, uploadId)]);
    assert.deepEqual([first?.byteLength ?? 0, second?.byteLength ?? 0].sort(), [0, 7]);
    assert.equal(await blobs.takeStaged(account, uploadId), null);
  });

  test('who took an upload by name may take it again until it is forgotten, and nobody else', async (t) => {
    const { blobs, another } = await openStore(t, kind);
    const account = newAccountId();
    const { uploadId } = await blobs.stage(account, 1);
    await blobs.putStaged(account, uploadId, chunks(5), 100);
    const taken = await Promise.all([blobs, another(), blobs].map(async (store) => store.takeStaged(account, uploadId, 'a key')));
    assert.deepEqual(taken.map((bytes) => bytes?.byteLength), [5, 5, 5]);
    for (const by of ['another key', null]) assert.equal(await blobs.takeStaged(account, uploadId, by), null);
    assert.equal((await another().takeStaged(account, uploadId, 'a key'))?.byteLength, 5);
    await blobs.restoreStaged(account, uploadId, Buffer.from('again'));
    assert.equal(Buffer.from((await blobs.takeStaged(account, uploadId, 'another key')) ?? []).toString(), 'again');
    await another().forgetStaged(account, uploadId, 'another key');
    for (const by of ['another key', null]) assert.equal(await blobs.takeStaged(account, uploadId, by), null);
  });

  test('an upload over 5 MB is refused by its announced and by its real length, and may be sent again', async (t) => {
    const { blobs } = await openStore(t, kind);
    const account = newAccountId();
    const { uploadId, uploadUrl } = await blobs.stage(account, 1);
    const half = uploadLimitBytes / 2;
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, { 'content-length': String(uploadLimitBytes + 1) }, 'PUT'), body: chunks(1) })).status, 413);
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(half, half, 1) })).status, 413);
    assert.equal(await blobs.takeStaged(account, uploadId), null);
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(half, half) })).status, 204);
    assert.equal((await blobs.takeStaged(account, uploadId))?.byteLength, uploadLimitBytes);
  });

  test('an upload that ends before its announced length is refused, nothing of it is kept, and it may be sent again', async (t) => {
    const { blobs, names } = await openStore(t, kind);
    const account = newAccountId();
    const { uploadId, uploadUrl } = await blobs.stage(account, 7);
    for (const parts of [[], [3, 3]]) {
      const answer = await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(...parts) });
      assert.deepEqual([answer.status, answer.body], [400, `Only ${parts.length * 3} of the 7 announced bytes arrived. Send all of it to this address again.`]);
      assert.deepEqual([await blobs.takeStaged(account, uploadId), names()], [null, []]);
    }
    assert.equal((await blobs.putUpload({ ...request(uploadUrl, {}, 'PUT'), body: chunks(3, 4) })).status, 204);
    assert.equal((await blobs.takeStaged(account, uploadId))?.byteLength, 7);
  });

  test('an upload address for another upload or account is refused', async (t) => {
    const { blobs } = await openStore(t, kind);
    const { uploadUrl } = await blobs.stage(newAccountId(), 1);
    for (const [name, value] of [['a', newAccountId()], ['e', '99999999999'], ['l', '0'], ['s', '']] as const) {
      const url = new URL(uploadUrl);
      url.searchParams.set(name, value);
      assert.equal((await blobs.putUpload({ ...request(url.href, {}, 'PUT'), body: chunks(1) })).status, 403);
    }
    const elsewhere = new URL(uploadUrl);
    elsewhere.pathname = `/uploads/${newUploadId()}`;
    assert.equal((await blobs.putUpload({ ...request(elsewhere.href, {}, 'PUT'), body: chunks(1) })).status, 403);
  });

  test('what no other process has is not guessed: all see the same blobs and uploads at once', async (t) => {
    const { blobs, another, names } = await openStore(t, kind);
    const account = newAccountId();
    const other = another();
    const key = await blobs.put(await picture(), { contentType: 'image/png' });
    assert.equal((await other.open(key, { width: 100 }))?.contentType, 'image/png');
    const { uploadId } = await blobs.stage(account, 1);
    const sent = await Promise.all([blobs, other, blobs, other].map((store) => store.putStaged(account, uploadId, chunks(5), 100)));
    assert.deepEqual(sent.filter(Boolean), [true]);
    const taken = await Promise.all([other, blobs, other, blobs].map((store) => store.takeStaged(account, uploadId)));
    assert.deepEqual(taken.filter((bytes) => bytes !== null).map(({ byteLength }) => byteLength), [5]);
    await other.restoreStaged(account, uploadId, Buffer.from('again'));
    assert.equal(Buffer.from((await blobs.takeStaged(account, uploadId)) ?? []).toString(), 'again');
    assert.equal(await other.takeStaged(account, uploadId), null);
    await other.delete(key);
    assert.deepEqual(names().filter((name) => name.startsWith('blobs/')), []);
  });

  test('blobs are listed by age in several pages, and put back under their keys', async (t) => {
    const { blobs, age } = await openStore(t, kind);
    const old = await Promise.all(Array.from({ length: 8 }, (_, index) => blobs.put(Buffer.from(`old ${index}`), { contentType: 'image/jpeg' })));
    age(2);
    await blobs.put(Buffer.from('new'), { contentType: 'image/jpeg' });
    const listed: string[] = [];
    for await (const keys of blobs.listOlder(new Date(Date.now() - 3_600_000))) listed.push(...keys);
    assert.deepEqual(listed.sort(), [...old].sort());
    const [key] = old;
    assert.ok(key);
    await blobs.delete(key);
    await blobs.place(key, Buffer.from('old 0'));
    assert.equal(Buffer.from((await blobs.read(key)) ?? []).toString(), 'old 0');
  });

  test('an upload of yesterday is neither taken nor kept', async (t) => {
    const { blobs, another, age, names } = await openStore(t, kind);
    const account = newAccountId();
    const { uploadId } = await blobs.stage(account, 1);
    await blobs.putStaged(account, uploadId, chunks(5), 100);
    age(24);
    assert.equal(await blobs.takeStaged(account, uploadId), null);
    await another().sweepStaged();
    assert.deepEqual(names(), []);
  });
});

// Node's own way to make folders never comes back from here.
test('where no folder can be made, whoever wants one is told so', { skip: !existsSync('/proc/self') }, async (t) => {
  const dataDir = '/proc/nowhere/data';
  const blobs = createBlobStore({ dataDir, publicUrl: () => '', signingSecret: 'a secret of the test' });
  const missing = { code: 'ENOENT', path: '/proc/nowhere' };
  await assert.rejects(blobs.put(Buffer.from('x'), { contentType: 'image/png' }), missing);
  await assert.rejects(blobs.putStaged(newAccountId(), newUploadId(), chunks(1), 1), missing);
  await assert.rejects(createOutbox(dataDir).put({ to: 'a@example.com', subject: '', text: '' }), missing);
  await assert.rejects(writeBackup({ blobs, connection: await openTestConnection(t) }, dataDir), missing);
});

test('a range header is read as RFC 9110 says', () => {
  const cases: [string, ReturnType<typeof parseRange>][] = [
    ['bytes=0-0', { start: 0, end: 0 }], ['bytes=5-', { start: 5, end: 9 }], ['bytes=5-99', { start: 5, end: 9 }], ['bytes=-99', { start: 0, end: 9 }],
    ['bytes=-0', 'unsatisfiable'], ['bytes=10-12', 'unsatisfiable'], ['bytes=4-2', null], ['bytes=0-1,3-4', null], ['lines=1-2', null], ['bytes=-', null], ['', null],
  ];
  for (const [header, expected] of cases) assert.deepEqual(parseRange(header, 10), expected, header);
});

test('a key is nothing but a key', () => {
  const hash = 'a'.repeat(64);
  assert.equal(parseBlobKey(`${hash}-0123456789abcdef.jpg`), `${hash}-0123456789abcdef.jpg` as BlobKey);
  for (const text of ['', '..', `../${hash}-0123456789abcdef.jpg`, `${hash}-0123456789abcdef.jpg/..`, `${hash}.jpg`, `${hash}-0123456789abcdef.`]) assert.equal(parseBlobKey(text), null, text);
});

test('a bucket that is busy for a moment is asked again, and one that refuses us is a fault that names nobody', async (t) => {
  const { blobs, bucket } = await openStore(t, 'a bucket');
  bucket?.failNext(2);
  const key = await blobs.put(Buffer.from('patience'), { contentType: 'image/jpeg' });
  assert.equal(Buffer.from((await blobs.read(key)) ?? []).toString(), 'patience');
  assert.ok(bucket);
  const stranger = createBlobStore({ dataDir: '', s3: { ...bucket, secretAccessKey: 'another secret' }, publicUrl: () => '', signingSecret: 'a secret of the test' });
  await assert.rejects(stranger.read(key), (error: Error) => /answered 403/.test(error.message) && !error.message.includes('another secret'));
  assert.match(bucket.forged.splice(0).join(), /^SignatureDoesNotMatch: GET /);
});
