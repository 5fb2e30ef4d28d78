import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { browser, openPage } from '../support/browser.ts';
import { until } from '../support/database.ts';
import { readEventStream } from '../support/event-stream.ts';
import { lettersTo } from '../support/people.ts';
import { nobody, portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

/** Strangers' operations are not let in here: the page must do without. */
const trusted = await mkdtemp(join(tmpdir(), 'trusted-'));
after(() => rm(trusted, { recursive: true, force: true }));
const createInvite = 'mutation Invite($input: CreateInviteInput!) { createInvite(input: $input) { invite { link } errors { code } } }';
await writeFile(join(trusted, 'invite.graphql'), createInvite);
const platform = await startTestPlatform({ after }, { variables: { TRUSTED_DOCUMENTS: trusted, TRUSTED_ONLY: 'true' } });
const { accountId, key } = await platform.tenant({ kind: 'organization', amount: 1 });

type Photo = { id: string; width: number; height: number; urls: { main: string; thumbnail: string } };
type Selfie = { id: string; name: string; isUsable: boolean; advice: string | null; url: string };
type Seen = { organizationName: string; email: string; name: string | null; status: string; selfies: Selfie[]; selfiesNeeded: number; photos: Photo[]; progress: { status: string; percent: number; seq: number } | null };
type Event = { seq: number; kind: string; terminal: boolean; progress: { percent: number }; photo: Photo | null };
type Refused = { code: string; message: string };

const step = async <Body>(name: string, json: object, headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' }) => platform.rest<Body>(`/onboarding/${name}`, { json, headers });
async function done<Body>(name: string, json: object): Promise<Body> {
  const { status, text, body } = await step<Body>(name, json);
  assert.equal(status, 200, text);
  return body;
}
const documentId = `sha256:${createHash('sha256').update(createInvite).digest('hex')}`;
async function invited(email: string): Promise<{ link: URL; token: string }> {
  const { body, text } = await platform.rest<{ data: { createInvite: { invite: { link: string } } } }>('/graphql', { key, json: { documentId, variables: { input: { email, isDevelopment: true } } } });
  assert.ok(body.data, text);
  const link = new URL(body.data.createInvite.invite.link);
  return { link, token: link.searchParams.get('invite') ?? '' };
}
async function send(token: string, bytes: Uint8Array, name: string): Promise<{ selfie: Selfie }> {
  const { uploadId, uploadUrl } = await done<{ uploadId: string; uploadUrl: string }>('upload', { token, byteLength: bytes.byteLength });
  assert.equal((await fetch(uploadUrl, { method: 'PUT', body: new Uint8Array(bytes) })).status, 204);
  return done('add', { token, uploadId, name });
}

test('from the letter to the finished headshots by the page alone, without a key', async () => {
  const { link, token } = await invited('jane@example.com');
  const [letter] = await until(async () => { const letters = await lettersTo(platform, 'jane@example.com'); return letters.length > 0 ? letters : null; });
  assert.ok(letter?.text.includes(link.href), letter?.text);
  assert.equal((await platform.rest(link.pathname + link.search)).status, 200);
  const before = await done<Seen>('see', { token });
  assert.deepEqual([before.organizationName, before.email, before.name, before.status, before.photos], ['Test', 'jane@example.com', null, 'PENDING', []]);
  assert.deepEqual(await done('accept', { token, name: 'Jane Doe' }), { status: 'ACCEPTED' });
  const useless = await send(token, await nobody(), 'wall.jpg');
  assert.deepEqual([useless.selfie.isUsable, useless.selfie.name], [false, 'wall.jpg']);
  assert.deepEqual(await done('remove', { token, id: useless.selfie.id }), { status: 'ACCEPTED', selfiesNeeded: 1, selfiesAllowed: 20 });
  const { selfie } = await send(token, await portrait(), 'me.jpg');
  assert.deepEqual([selfie.isUsable, (await fetch(selfie.url)).headers.get('content-type')], [true, 'image/jpeg']);
  assert.deepEqual(await done('complete', { token }), { status: 'GENERATING' });

  const events: Event[] = [];
  const stream = await platform.send('/onboarding/events', { json: { token, afterSeq: 0 }, headers: { 'sec-fetch-site': 'same-origin' } });
  assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/);
  for await (const { data } of readEventStream<Event>(stream)) events.push(data);
  assert.deepEqual([events.map(({ seq }) => seq), events.at(-1)?.kind, events.at(-1)?.progress.percent], [events.map((_, index) => index + 1), 'COMPLETED', 100]);
  const finished = await done<Seen>('see', { token });
  assert.deepEqual([finished.status, finished.photos.length, finished.photos.map(({ id }) => id).toSorted()], ['COMPLETED', 4, events.flatMap(({ photo }) => photo?.id ?? []).toSorted()]);
  for (const { urls, width, height } of finished.photos) {
    const file = await fetch(urls.main);
    const found = await sharp(Buffer.from(await file.arrayBuffer())).metadata();
    assert.deepEqual([found.format, found.width, found.height], ['jpeg', width, height]);
  }
  const late = await platform.send('/onboarding/events', { json: { token, afterSeq: events.length }, headers: { 'sec-fetch-site': 'same-origin' } });
  for await (const { event } of readEventStream(late)) assert.fail(`what has ended tells of ${event}`);
  assert.deepEqual(await platform.platform.credits.balance(accountId), { available: 1, reserved: 0 });
});

test('both kinds of links lead to the same page, which asks nobody else for anything', async () => {
  const [one, other] = [await platform.rest('/auth/signup?invite=x'), await platform.rest('/auth/social?token=x&anonymous=1')];
  assert.deepEqual([one.status, one.text === other.text], [200, true]);
  const policy = one.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.deepEqual([one.headers.get('referrer-policy'), one.headers.get('cache-control')], ['no-referrer', 'no-store'], 'the token is in the address');
  assert.doesNotMatch(one.text, /https?:|<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
  const assets = [...one.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
  const scripts = await Promise.all(assets.filter((path) => path.endsWith('.js')).map(async (path) => (await platform.rest(path)).text));
  for (const path of [...assets, ...scripts.flatMap((text) => [...text.matchAll(/from '\.(\/[^']+)'/g)].map(([, module]) => module ?? ''))]) {
    const { status, headers, text } = await platform.rest(path);
    assert.deepEqual([status, headers.get('content-type')], [200, path.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'], path);
    assert.doesNotMatch(text, /https?:\/\//, path);
  }
});

test('refusals have a code and a sentence', async () => {
  const { token } = await invited('john@example.com');
  const forged = token.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
  const refused = async (name: string, json: object, headers?: Record<string, string>) => {
    const { status, body } = await step<Refused>(name, json, headers);
    assert.deepEqual(Object.keys(body), ['code', 'message']);
    return `${status} ${body.code}`;
  };
  for (const [name, more] of [['see', {}], ['accept', { name: 'X' }], ['upload', { byteLength: 1 }], ['add', { uploadId: 'x' }], ['remove', { id: 'x' }], ['complete', {}], ['events', {}]] as const) assert.equal(await refused(name, { token: forged, ...more }), '404 NOT_FOUND', name);
  assert.equal(await refused('complete', { token }), '400 VALIDATION');
  assert.equal(await refused('events', { token }), '400 VALIDATION');
  assert.equal(await refused('see', {}), '400 VALIDATION');
  assert.equal(await refused('accept', { token, name: ' ' }), '400 VALIDATION');
  assert.equal(await refused('see', { token }, { 'sec-fetch-site': 'cross-site' }), '403 FORBIDDEN');
});

test('in a browser: a photo whose first answer is lost is asked about again, and is there once', { skip: browser === null && 'no browser is on this machine' }, async (t) => {
  const { link, token } = await invited('jo@example.com');
  const page = await openPage(t);
  await page.open(link.href);
  const shown = async (id: string) => page.value<boolean>(`document.getElementById("${id}")?.hidden === false`);
  await until(() => shown('welcome'));
  await page.value('(document.getElementById("name").value = "Jo", document.querySelector("#name-form button").click())');
  await until(() => shown('photos'));
  // The server has done it by the time when the connection breaks.
  await page.value(`void (window.real = fetch, window.lost = 0, window.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (asked[0] === '/onboarding/add' && lost++ === 0) throw new TypeError('cut');
    return answer;
  })`);
  const file = `new File([Uint8Array.from(atob('${Buffer.from(await portrait()).toString('base64')}'), (letter) => letter.charCodeAt(0))], 'me.jpg', { type: 'image/jpeg' })`;
  await page.value(`{ const data = new DataTransfer(); data.items.add(${file}); Object.assign(document.getElementById('files'), { files: data.files }).dispatchEvent(new Event('change')); }`);
  await until(async () => (await page.value<string>('document.getElementById("count").textContent')) === '1 of 1 can be used');
  assert.deepEqual([await page.value('lost'), (await done<Seen>('see', { token })).selfies.map(({ name }) => name), page.complaints], [2, ['me.jpg'], []]);
});
