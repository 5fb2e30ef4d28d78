import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { parseBlobKey } from '../../../subgraphs/blobs.ts';
import { checksOf, isAlike } from '../../../subgraphs/headshot/selfie-rules.ts';
import { likenessOf } from '../../../subgraphs/headshot/selfie.ts';
import { createVision, EngineFault, type VisionEngine } from '../../../subgraphs/vision/index.ts';
import { until } from '../../support/database.ts';
import { animatedGif, hundredMegapixels, nobody, portrait, profile, severalFaces, svg, truncatedJpeg } from '../../support/photos.ts';
import { codeOf, createGuest, giveSelfie, invitedGuest, type Payload } from './guests.ts';
import { openStudio, wholeFile } from './studio.ts';

const vision = createVision({ workers: 1 });
after(() => vision.close());
let isBroken = false;
/** A call of the engine that is not answered until this is resolved. */
let held: PromiseWithResolvers<void> | null = null;
const assess: VisionEngine['assess'] = async (...photo) => {
  if (isBroken) throw new EngineFault('TIMEOUT', 'too slow');
  const mine = held;
  held = null;
  await mine?.promise;
  return vision.assess(...photo);
};
const studio = await openStudio(wholeFile, { vision: { assess }, work: false });
const { account, store, platform: { blobs, connection, env } } = studio;

const filesKept = async (): Promise<number> => (await readdir(join(env.dataDir, 'blobs'), { recursive: true }).catch(() => [])).filter((name) => name.endsWith('original')).length;
const uploadsKept = async (): Promise<string[]> => (await readdir(join(env.dataDir, 'uploads')).catch(() => [])).filter((name) => !name.endsWith('.sent'));
const selfieOf = ({ selfie, errors }: Payload) => selfie ?? assert.fail(JSON.stringify(errors));
const accepted = async (more: object = {}) => {
  const me = await account();
  const guest = await invitedGuest(studio, me, 'jane@example.com', more);
  assert.equal(codeOf(await guest.accept()), 'OK');
  return { ...guest, me };
};

test('a selfie is looked at as it is sent, and kept upright and without metadata', async () => {
  const guest = await accepted();
  assert.deepEqual([(await guest.see())?.status, (await guest.see())?.selfiesNeeded, (await guest.see())?.selfiesAllowed], ['ACCEPTED', 1, 20]);
  const sideways = await sharp(await portrait()).rotate(270).withMetadata({ orientation: 6 }).withExif({ IFD3: { GPSLatitude: '47/1 22/1 0/1' }, IFD0: { Artist: 'Jane' } }).jpeg().toBuffer();
  const sent = await guest.send(sideways, 'C:\\Users\\jane\\me.jpg');
  const selfie = selfieOf(sent);
  assert.deepEqual([selfie.name, selfie.isUsable, selfie.issues, selfie.advice, selfie.score > 0.2], ['me.jpg', true, [], null, true]);
  assert.deepEqual(selfie.checks.map(({ kind, result, message }) => `${kind} ${result} ${message}`), ['FACE GOOD Face found', 'ALONE GOOD One person', 'SHARP GOOD Sharp', 'LIGHT GOOD Good light', 'POSE GOOD Looks at the camera', 'FRAMING GOOD Head and shoulders']);
  assert.deepEqual([sent.onboarding?.status, sent.onboarding?.selfiesNeeded, sent.onboarding?.selfiesAllowed, (await guest.see())?.selfies.length], ['UPLOADING', 0, 19, 1]);
  const kept = await blobs.read(parseBlobKey(new URL(selfie.url).pathname.slice('/files/'.length)) ?? assert.fail());
  const { width, height, exif, orientation } = await sharp(kept ?? assert.fail()).metadata();
  assert.deepEqual([width, height, exif, orientation], [480, 620, undefined, undefined]);
});

test('one that cannot be used is kept out of the job and shown with the reason', async () => {
  const guest = await accepted();
  for (const [photo, issue, advice] of [[await nobody(), 'NO_FACE', /No face/], [await severalFaces(), 'MULTIPLE_FACES', /Somebody else/], [await sharp(await portrait()).blur(12).jpeg().toBuffer(), 'BLURRY', /blurred/], [await sharp(await portrait()).linear(0.1, 0).jpeg().toBuffer(), 'TOO_DARK', /dark/]] as const) {
    const selfie = selfieOf(await guest.send(photo));
    assert.deepEqual([selfie.isUsable, selfie.issues[0], selfie.score], [false, issue, 0]);
    assert.match(selfie.advice ?? '', advice);
  }
  const seen = await guest.see();
  assert.deepEqual([seen?.selfies.length, seen?.selfiesNeeded, seen?.selfiesAllowed, seen?.status], [4, 1, 16, 'UPLOADING']);
  const refused = await guest.complete();
  assert.deepEqual([codeOf(refused), refused.errors[0]?.message], ['VALIDATION', 'Send at least one photo that can be used']);
});

test('what is no photo is refused and nothing of it is kept', async () => {
  const guest = await accepted();
  const before = await filesKept();
  const refusedFor = async (bytes: Uint8Array) => {
    const [error] = (await guest.send(bytes)).errors;
    assert.deepEqual([error?.type, error?.code, error?.path], ['ImageRejectedError', 'IMAGE_REJECTED', ['uploadId']]);
    return error?.issues?.[0];
  };
  assert.deepEqual([await refusedFor(Buffer.from('hello, I am no picture')), await refusedFor(svg()), await refusedFor(await animatedGif()), await refusedFor(await hundredMegapixels()), await refusedFor((await truncatedJpeg()).subarray(0, 40))],
    ['NOT_AN_IMAGE', 'NOT_AN_IMAGE', 'UNSUPPORTED_TYPE', 'TOO_LARGE', 'NOT_AN_IMAGE']);
  assert.deepEqual([await filesKept(), await uploadsKept(), (await guest.see())?.selfies], [before, [], []]);
  for (const [size, message] of [[0, 'An upload has at least one byte'], [5 * 1024 * 1024 + 1, 'Send at most 5 MB']] as const) assert.deepEqual((await guest.begin(size)).errors.map((error) => [error.code, error.message, error.path]), [['VALIDATION', message, ['byteLength']]]);
});

test('the same picture is noticed, also smaller and harder compressed, and another one is not taken for it', async () => {
  const guest = await accepted();
  const photo = await nobody();
  const both = await Promise.all([guest, guest].map(async (one) => one.send(photo)));
  assert.deepEqual(both.map(codeOf).toSorted(), ['CONFLICT', 'OK'], 'also when both are sent at once');
  const [files, [first]] = [await filesKept(), (await guest.see())?.selfies ?? []];
  for (const again of [photo, await sharp(photo).resize({ width: 420 }).jpeg({ quality: 60 }).toBuffer()]) {
    const { errors: [error] } = await guest.send(again);
    assert.deepEqual([error?.type, error?.code, error?.existingId, error?.message], ['ConflictError', 'CONFLICT', first?.id, 'You have sent this photo already']);
  }
  assert.equal(await filesKept(), files);
  assert.equal(isAlike(await likenessOf(await portrait()), await likenessOf(await profile())), false);
});

test('one that is removed is gone with its file, and can be sent again', async () => {
  const guest = await accepted();
  const files = await filesKept();
  const { id } = selfieOf(await guest.send(await nobody()));
  const removed = await guest.remove(id);
  assert.deepEqual([removed.removedId, removed.onboarding?.selfies, removed.onboarding?.selfiesAllowed, await filesKept()], [id, [], 20, files]);
  assert.equal(codeOf(await guest.remove(id)), 'NOT_FOUND');
  assert.equal(codeOf(await guest.send(await nobody())), 'OK');
});

test('twenty are kept at most, also when more are sent at once', async () => {
  const guest = await accepted();
  for (let count = 0; count < 19; count++) await giveSelfie(studio, guest.me, 'jane@example.com', false);
  const uploads = await Promise.all([await profile(), await nobody()].map(async (bytes) => {
    const { upload } = await guest.begin();
    assert.ok(upload && (await guest.put(upload.uploadUrl, bytes)) === 204);
    return upload.uploadId;
  }));
  assert.deepEqual((await Promise.all(uploads.map(async (id) => guest.add(id)))).map(codeOf).toSorted(), ['LIMIT_REACHED', 'OK']);
  assert.deepEqual([(await guest.see())?.selfies.length, (await guest.see())?.selfiesAllowed, codeOf(await guest.begin())], [20, 0, 'LIMIT_REACHED']);
});

test('an upload is the guest\'s own, becomes one selfie, and there are sixty in an hour', async () => {
  const [guest, other] = [await accepted(), await accepted()];
  const neighbour = await invitedGuest(studio, guest.me, 'john@example.com');
  await neighbour.accept('John');
  const { upload } = await guest.begin();
  assert.ok(upload);
  await guest.put(upload.uploadUrl, await nobody());
  for (const stranger of [other, neighbour]) assert.equal(codeOf(await stranger.add(upload.uploadId)), 'NOT_FOUND');
  assert.deepEqual([codeOf(await guest.add(upload.uploadId.split('.')[0] ?? '')), codeOf(await guest.add('x'))], ['NOT_FOUND', 'NOT_FOUND']);
  const { id } = selfieOf(await guest.add(upload.uploadId));
  assert.deepEqual([selfieOf(await guest.add(upload.uploadId)).id, (await guest.see())?.selfies.length], [id, 1]);
  await guest.remove(id);
  assert.equal(codeOf(await guest.add(upload.uploadId)), 'NOT_FOUND');
  const more = await Promise.all(Array.from({ length: 64 }, async () => guest.begin()));
  assert.deepEqual([more.filter(({ errors }) => errors.length === 0).length, codeOf(await guest.begin()), codeOf(await neighbour.begin())], [59, 'RATE_LIMITED', 'OK']);
});

test('when it could not be looked at, the same upload can be used again', async () => {
  const guest = await accepted();
  const { upload } = await guest.begin();
  assert.ok(upload && (await guest.put(upload.uploadUrl, await nobody())) === 204);
  isBroken = true;
  const refused = await guest.add(upload.uploadId);
  isBroken = false;
  assert.deepEqual([codeOf(refused), codeOf(await guest.add(upload.uploadId))], ['UNAVAILABLE', 'OK']);
});

test('before the person gave a name, and by a link of no use, nothing can be sent', async () => {
  const me = await account();
  const guest = await invitedGuest(studio, me);
  const seen = await guest.see();
  assert.deepEqual([seen?.status, seen?.name, seen?.email, seen?.organizationName, seen?.progress, seen?.selfies], ['PENDING', null, 'jane@example.com', 'Test', null, []]);
  assert.equal(codeOf(await guest.begin()), 'VALIDATION');
  const forged = createGuest(studio, guest.token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')));
  await guest.accept();
  assert.deepEqual([await forged.see(), codeOf(await forged.begin()), codeOf(await forged.add('x')), codeOf(await forged.remove('x')), codeOf(await forged.complete())], [null, 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND', 'NOT_FOUND']);
  const selfie = await giveSelfie(studio, me, 'jane@example.com');
  await connection.execute("update headshot.invite set expires_at = now() - interval '1 second' where account_id = $1", [me.accountId]);
  assert.deepEqual([codeOf(await guest.begin()), codeOf(await guest.complete()), await guest.see()], ['NOT_FOUND', 'NOT_FOUND', null]);
  assert.deepEqual([await blobs.read(selfie.blobKey), await store.listSelfies(me.accountId, selfie.modelId)], [null, []], 'what was sent is gone with the invitation');
});

test('what is told of a selfie says what was not looked at', () => {
  const told = (issues: Parameters<typeof checksOf>[0]['issues'], remarks: typeof issues = []) => checksOf({ issues, remarks }).map(({ result }) => result);
  assert.deepEqual(told(['NO_FACE']), ['BAD', 'UNKNOWN', 'UNKNOWN', 'UNKNOWN', 'UNKNOWN', 'UNKNOWN']);
  assert.deepEqual(told(['MULTIPLE_FACES']), ['GOOD', 'BAD', 'UNKNOWN', 'GOOD', 'UNKNOWN', 'UNKNOWN']);
  assert.deepEqual(told(['TOO_DARK', 'BLURRY']), ['GOOD', 'GOOD', 'BAD', 'BAD', 'UNKNOWN', 'UNKNOWN']);
  assert.deepEqual(told(['HEAD_CUT_OFF']), ['GOOD', 'GOOD', 'GOOD', 'GOOD', 'GOOD', 'BAD']);
  assert.deepEqual(told([], ['TOO_SMALL', 'BLURRY']), ['FAIR', 'GOOD', 'FAIR', 'GOOD', 'GOOD', 'GOOD']);
});

test('whoever asks again while the first one is at work, or will never answer, gets the selfie, and there is one of it', async () => {
  const guest = await accepted();
  const photo = await nobody();
  const { upload } = await guest.begin(photo.byteLength);
  assert.ok(upload && (await guest.put(upload.uploadUrl, photo)) === 204);
  const before = await filesKept();
  const first = Promise.withResolvers<void>();
  held = first;
  const slow = guest.add(upload.uploadId);
  await until(() => held === null);
  const { id } = selfieOf(await guest.add(upload.uploadId));
  first.resolve();
  assert.deepEqual([selfieOf(await slow).id, (await guest.see())?.selfies.length, await filesKept()], [id, 1, before + 1]);
});
