import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import { giveSelfie, invitedGuest, type TestGuest } from './guests.ts';
import { photographer } from './photographer.ts';
import { openStudio, revokeInvite, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile, { vision: photographer() });
const { account, get, headshot, listen } = studio;

type Event = { seq: number; kind: string; terminal: boolean; gap: boolean; progress: { status: string; percent: number }; photo: { id: string; urls: { main: string } | null } | null; failure: object | null };
const source = `subscription ($token: String!, $afterSeq: Int) { onboardingProgress(token: $token, afterSeq: $afterSeq) {
  seq kind terminal gap progress { status percent } photo { id urls { main } } failure { code } } }`;
const follow = async ({ token }: TestGuest, afterSeq: number | null = null, limit = Infinity) => listen<Event>(null, source, { token, afterSeq }, limit);
const refusedWith = async (token: string): Promise<unknown> => {
  const answer = await headshot.subscribe({ document: parse(source), variables: { token }, request: { caller: null, requestId: 'test' } });
  return 'errors' in answer ? answer.errors?.[0]?.extensions['code'] : 'OK';
};
const photosOf = async ({ token }: TestGuest) => get<{ photos: { id: string }[] } | null>(null, 'query ($token: String!) { onboarding(token: $token) { photos { id } } }', { token });

test('the person follows their headshots without a key, takes up where they left, and sees them all in the end', async () => {
  const me = await account();
  const guest = await invitedGuest(studio, me, 'jane@example.com', { isDevelopment: true });
  await guest.accept();
  await giveSelfie(studio, me, 'jane@example.com');
  await studio.platform.connection.execute(`update headshot.selfie set assessment = '{"issues":[],"remarks":[],"score":1,"framings":[{"framing":"portrait","aspect":"4:5"},{"framing":"close","aspect":"1:1"}]}' where account_id = $1`, [me.accountId]);
  await guest.complete();
  const events = await follow(guest, 0);
  assert.deepEqual([events.map(({ seq }) => seq), events.filter(({ terminal }) => terminal).map(({ kind, progress }) => `${kind} ${progress.status} ${progress.percent}`)], [events.map((_, index) => index + 1), ['COMPLETED COMPLETED 100']]);
  const pictures = events.flatMap(({ photo }) => photo ?? []);
  assert.ok(pictures.length > 0 && pictures.every(({ urls }) => urls?.main.startsWith('https://look.example/files/')));
  assert.deepEqual((await photosOf(guest))?.photos.map(({ id }) => id).toSorted(), pictures.map(({ id }) => id).toSorted());
  const left = Math.floor(events.length / 2);
  assert.deepEqual((await follow(guest, left)).map(({ seq }) => seq), events.slice(left).map(({ seq }) => seq));
  assert.deepEqual((await follow(guest)).map(({ kind, terminal }) => [kind, terminal]), [['SNAPSHOT', true]]);
});

test('a withdrawn link ends what was being followed, and opens nothing any more', async () => {
  const me = await account();
  const guest = await invitedGuest(studio, me);
  assert.equal(await refusedWith(guest.token), 'VALIDATION');
  await guest.accept();
  const stream = await headshot.subscribe({ document: parse(source), variables: { token: guest.token }, request: { caller: null, requestId: 'test' } });
  assert.ok(Symbol.asyncIterator in stream);
  const kindOf = async () => JSON.parse(JSON.stringify((await stream.next()).value ?? null)) as { data: { onboardingProgress: Event } } | null;
  assert.equal((await kindOf())?.data.onboardingProgress.kind, 'SNAPSHOT');
  await get(me, revokeInvite, { email: 'jane@example.com' });
  const last = (await kindOf())?.data.onboardingProgress;
  assert.deepEqual([last?.kind, last?.terminal, await kindOf()], ['CANCELED', true, null]);
  assert.deepEqual([await refusedWith(guest.token), await photosOf(guest)], ['NOT_FOUND', null]);
  assert.equal(await refusedWith(guest.token.replace(/.$/, (character) => (character === 'A' ? 'B' : 'A'))), 'NOT_FOUND');
});

test('a link opens nothing else of the organization', async () => {
  const me = await account();
  const guest = await invitedGuest(studio, me, 'jane@example.com', { isDevelopment: true });
  await guest.accept();
  const other = await invitedGuest(studio, me, 'john@example.com');
  await other.accept('John');
  const foreign = await giveSelfie(studio, me, 'john@example.com');
  assert.equal((await guest.remove(foreign.id)).errors[0]?.code, 'NOT_FOUND');
  assert.deepEqual([(await guest.see())?.selfies, (await other.see())?.selfies.length], [[], 1]);
  for (const query of ['{ invite(email: "john@example.com") { id } }', '{ headshotModel(id: "000000000000000000000000") { id } }']) {
    const { data, errors } = await studio.ask(null, query);
    assert.ok(errors !== undefined || Object.values(data ?? {}).every((value) => value === null), query);
  }
});
