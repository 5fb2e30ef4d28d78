import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { until } from '../../support/database.ts';
import { runNow } from '../../support/upkeep.ts';
import { codeOf, createGuest, giveSelfie, invitedGuest } from './guests.ts';
import { gate, photographer } from './photographer.ts';
import { openStudio, type Refused, wholeFile } from './studio.ts';

// Whatever is begun here stands at the door until the file ends.
const door = gate();
const studio = await openStudio(wholeFile, { vision: photographer((_, __, { signal }) => door.pass(signal)) });
after(() => door.open());
const { account, balance, get, store, platform: { blobs, connection, credits, jobs } } = studio;
const upkeep = async (): Promise<void> => runNow({ jobs, connection }, 'headshot.upkeep');
const one = [{ framing: 'portrait', aspect: '4:5' }] as const;
const age = async (modelId: string): Promise<void> => void (await connection.execute("update headshot.selfie set created_at = created_at - interval '8 days' where model_id = $1", [modelId]));
const ledger = async (me: Caller, id: string) => (await credits.charges(me.accountId, id)).map(({ kind, amount }) => `${kind} ${amount}`);

test('a selfie of which headshots are being made stays, however old it is', async () => {
  const me = await account(1);
  const guest = await invitedGuest(studio, me);
  await guest.accept();
  const { modelId, blobKey } = await giveSelfie(studio, me, 'jane@example.com', true, [...one]);
  assert.equal(codeOf(await guest.complete()), 'OK');
  await until(async () => (await store.findModel(me.accountId, modelId))?.status === 'GENERATING_HEADSHOTS');
  await age(modelId);
  await upkeep();
  assert.deepEqual([(await store.listSelfies(me.accountId, modelId)).length, (await blobs.read(blobKey)) !== null], [1, true]);
});

test('completed while its only selfie gets too old: headshots of it, or neither headshots nor selfie nor a spent credit', async () => {
  const me = await account(10);
  const guests = [];
  for (let index = 0; index < 10; index++) {
    const email = `p${index}@example.com`;
    const guest = await invitedGuest(studio, me, email);
    await guest.accept();
    const selfie = await giveSelfie(studio, me, email, true, [...one]);
    await age(selfie.modelId);
    guests.push({ ...guest, selfie });
  }
  const [completed] = await Promise.all([Promise.all(guests.map(async (guest) => codeOf(await guest.complete()))), upkeep()]);
  await upkeep();
  for (const [index, { inviteId, selfie }] of guests.entries()) {
    const [isMade, present, file] = [completed[index] === 'OK', (await store.listSelfies(me.accountId, selfie.modelId)).length, await blobs.read(selfie.blobKey)];
    assert.deepEqual([completed[index], present, file !== null, await ledger(me, inviteId)], isMade ? ['OK', 1, true, ['reserve 1', 'consume 1']] : ['VALIDATION', 0, false, ['reserve 1']]);
  }
});

/** People whose headshots an organization started without an invitation. */
async function unannounced(me: Caller, count: number) {
  await store.setWhitelabel(me.accountId, true);
  return Promise.all(Array.from({ length: count }, async (_, index) => {
    const email = `w${index}@example.com`;
    const { model, signedUrl, errors } = await get<{ model: { id: string } | null; signedUrl: string | null; errors: Refused[] }>(me, 'mutation ($email: EmailAddress!) { createHeadshotModel(email: $email) { model { id } signedUrl errors { code message } } }', { email });
    assert.deepEqual(errors, []);
    return { ...createGuest(studio, new URL(signedUrl ?? '').searchParams.get('token') ?? ''), email, modelId: model?.id ?? '' };
  }));
}
const expireNow = async (id: string): Promise<void> => void (await connection.execute("update headshot.model set expires_at = now() - interval '1 second' where id = $1", [id]));
const statuses = async (me: Caller) => new Map((await store.listModels(me.accountId, { status: null }, { first: 100, limit: 100, after: null })).map(({ id, status }) => [String(id), status]));

test('unused whitelabel links end with their time, also those that are accepted in that moment, and each credit is back once', async () => {
  const me = await account(20);
  const guests = await unannounced(me, 20);
  assert.deepEqual(await balance(me), { available: 0, reserved: 20 });
  const accepting = guests.map(async (guest, index) => {
    const answering = async () => codeOf(await guest.accept('W'));
    // The upkeep finds it, and so does whoever looks.
    const ending = async () => expireNow(guest.modelId).then(async () => guest.see());
    const earlier = index % 2 === 0 ? null : ending();
    const [accepted] = await Promise.all([answering(), earlier ?? ending()]);
    return accepted;
  });
  const [outcomes] = await Promise.all([Promise.all(accepting), upkeep(), upkeep()]);
  assert.ok(outcomes.every((outcome) => outcome === 'OK' || outcome === 'NOT_FOUND'), outcomes.join(', '));
  await upkeep();
  assert.deepEqual([await balance(me), await statuses(me)], [{ available: 20, reserved: 0 }, new Map()]);
  for (const { modelId, see } of guests) assert.deepEqual([await ledger(me, modelId), await see()], [['reserve 1', 'release 1'], null]);
});

test('completed in the moment in which a whitelabel link ends: headshots and a spent credit, or neither', async () => {
  const me = await account(20);
  const guests = await unannounced(me, 20);
  for (const { accept, email } of guests) {
    await accept('W');
    await giveSelfie(studio, me, email, true, [...one]);
  }
  const outcomes = await Promise.all(guests.map(async (guest, index) => {
    const completing = async () => codeOf(await guest.complete());
    const ending = async () => expireNow(guest.modelId).then(async () => guest.see());
    const earlier = index % 2 === 0 ? null : ending();
    const [completed] = await Promise.all([completing(), earlier ?? ending()]);
    return completed;
  }));
  await upkeep();
  const known = await statuses(me);
  for (const [index, { modelId }] of guests.entries()) {
    const isMade = outcomes[index] === 'OK';
    assert.deepEqual([outcomes[index], known.has(modelId), await ledger(me, modelId)], isMade ? ['OK', true, ['reserve 1', 'consume 1']] : ['NOT_FOUND', false, ['reserve 1', 'release 1']]);
  }
  const spent = outcomes.filter((outcome) => outcome === 'OK').length;
  assert.deepEqual(await balance(me), { available: 20 - spent, reserved: 0 });
});
