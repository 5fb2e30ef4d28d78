import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listDueModels } from '../../../subgraphs/headshot/due-store.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { until } from '../../support/database.ts';
import { codeOf, createGuest, giveSelfie, invitedGuest, type TestGuest } from './guests.ts';
import { createInvite, openStudio, type Refused, revokeInvite, wholeFile, type InvitePayload } from './studio.ts';

const studio = await openStudio(wholeFile, { work: false });
const { account, balance, get, store, platform: { blobs, connection, credits } } = studio;

const ledger = async (me: Caller, id: string) => (await credits.charges(me.accountId, id)).map(({ kind, amount }) => `${kind} ${amount}`);
const revoke = async (me: Caller, email = 'jane@example.com') => get<InvitePayload>(me, revokeInvite, { email });
const statusOf = async (me: Caller, email = 'jane@example.com') => (await store.findInviteByEmail(me.accountId, email))?.status;
const models = async (me: Caller) => (await store.listModels(me.accountId, {}, { first: 200, limit: 200, after: null })).map(({ status }) => status);
/** Jobs that make headshots for the account. */
const jobs = async ({ accountId }: Caller) => Number((await connection.execute("select count(*)::int as n from jobs.job where name = 'headshot.model' and data->>'accountId' = $1", [accountId]))[0]?.['n']);

/** Somebody who accepted and sent `usable` selfies that can be used. */
async function ready(me: Caller, { email = 'jane@example.com', usable = 1, ...more }: { email?: string; usable?: number; isDevelopment?: boolean } = {}) {
  const guest = await invitedGuest(studio, me, email, more);
  await guest.accept();
  const selfies = [];
  for (let count = 0; count < usable; count++) selfies.push(await giveSelfie(studio, me, email));
  return { ...guest, selfies };
}

test('the credit is spent and the headshots are in line, once, however often it is said', async () => {
  const me = await account(2);
  const guest = await ready(me);
  await giveSelfie(studio, me, 'jane@example.com', false);
  const { onboarding, errors } = await guest.complete();
  assert.deepEqual([errors, onboarding?.status, onboarding?.progress?.status], [[], 'GENERATING', 'QUEUED']);
  const again = await guest.complete();
  assert.deepEqual([again.errors, again.onboarding], [[], onboarding]);
  assert.deepEqual([await balance(me), await ledger(me, guest.inviteId), await models(me), await statusOf(me), await jobs(me)], [{ available: 1, reserved: 0 }, ['reserve 1', 'consume 1'], ['WAITING'], 'GENERATING', 1]);
  assert.deepEqual([codeOf(await guest.begin()), codeOf(await guest.remove(guest.selfies[0]?.id ?? '')), codeOf(await revoke(me))], ['VALIDATION', 'VALIDATION', 'VALIDATION'], 'nothing can be changed any more');
});

test('ten at once are one', async () => {
  const me = await account(1);
  const guest = await ready(me);
  const all = await Promise.all(Array.from({ length: 10 }, async () => guest.complete()));
  assert.deepEqual(new Set(all.map(codeOf)), new Set(['OK']));
  assert.deepEqual([await balance(me), await ledger(me, guest.inviteId), await jobs(me)], [{ available: 0, reserved: 0 }, ['reserve 1', 'consume 1'], 1]);
  const [{ events } = {}] = await connection.execute("select count(*)::int as events from headshot.event e join headshot.model m on e.stream = m.id where m.account_id = $1", [me.accountId]);
  assert.equal(events, 2, 'onboarding and waiting');
});

test('in development mode nothing is spent', async () => {
  const me = await account(0);
  const guest = await ready(me, { isDevelopment: true });
  assert.deepEqual([codeOf(await guest.complete()), (await guest.see())?.isDevelopment, await ledger(me, guest.inviteId), await balance(me), await jobs(me)], ['OK', true, [], { available: 0, reserved: 0 }, 1]);
});

test('without a selfie that can be used, or a name, nothing happens', async () => {
  const me = await account(1);
  const guest = await invitedGuest(studio, me);
  assert.equal(codeOf(await guest.complete()), 'VALIDATION');
  await guest.accept();
  assert.equal(codeOf(await guest.complete()), 'VALIDATION');
  await giveSelfie(studio, me, 'jane@example.com', false);
  assert.equal(codeOf(await guest.complete()), 'VALIDATION');
  assert.deepEqual([await balance(me), await ledger(me, guest.inviteId), await models(me), await jobs(me)], [{ available: 0, reserved: 1 }, ['reserve 1'], ['ONBOARDING'], 0]);
});

/** What the ledger has of an invitation in the end. */
const books: Record<string, string[]> = { GENERATING: ['reserve 1', 'consume 1'], REVOKED: ['reserve 1', 'release 1'], EXPIRED: ['reserve 1', 'release 1'], ACCEPTED: ['reserve 1'], UPLOADING: ['reserve 1'] };

/** Twenty people at once, each of whom completes while something else happens, in either order. */
async function twenty(me: Caller, other: (guest: Awaited<ReturnType<typeof ready>> & { email: string }) => Promise<string>) {
  const guests = [];
  for (let index = 0; index < 20; index++) guests.push({ ...(await ready(me, { email: `p${index}@example.com` })), email: `p${index}@example.com` });
  const outcomes = await Promise.all(guests.map(async (guest, index) => {
    const completing = async () => codeOf(await guest.complete());
    const [completed, happened] = index % 2 === 0 ? await Promise.all([completing(), other(guest)]) : (await Promise.all([other(guest), completing()])).toReversed();
    return { guest, completed, happened };
  }));
  for (const { guest, completed } of outcomes) {
    const status = (await statusOf(me, guest.email)) ?? '';
    assert.deepEqual([status === 'GENERATING', await ledger(me, guest.inviteId)], [completed === 'OK', books[status]]);
  }
  const done = outcomes.filter(({ completed }) => completed === 'OK').length;
  assert.deepEqual([await jobs(me), (await models(me)).filter((status) => status === 'WAITING').length], [done, done]);
  return outcomes.map(({ completed, happened }) => `${completed} ${happened}`);
}

test('completed and revoked at once: the one or the other, and no credit too many or too few', async () => {
  const me = await account(20);
  const outcomes = await twenty(me, async ({ email }) => codeOf(await revoke(me, email)));
  assert.ok(outcomes.every((outcome) => outcome === 'OK VALIDATION' || outcome === 'NOT_FOUND OK'), outcomes.join(', '));
  const spent = outcomes.filter((outcome) => outcome.startsWith('OK')).length;
  assert.deepEqual(await balance(me), { available: 20 - spent, reserved: 0 });
});

test('completed and past its time at once: the same', async () => {
  const me = await account(20);
  const outcomes = await twenty(me, async ({ inviteId, token }) => {
    await connection.execute("update headshot.invite set expires_at = now() - interval '1 second' where id = $1", [inviteId]);
    return (await createGuest(studio, token).see())?.status ?? 'GONE';
  });
  assert.ok(outcomes.every((outcome) => outcome === 'OK GENERATING' || outcome === 'NOT_FOUND GONE'), outcomes.join(', '));
  const spent = outcomes.filter((outcome) => outcome.startsWith('OK')).length;
  await until(async () => (await balance(me)).reserved === 0);
  assert.deepEqual(await balance(me), { available: 20 - spent, reserved: 0 });
});

test('completed and its only selfie removed at once: there are never headshots of nothing', async () => {
  const me = await account(20);
  const outcomes = await twenty(me, async ({ remove, selfies: [selfie] }) => codeOf(await remove(selfie?.id ?? '')));
  assert.ok(outcomes.every((outcome) => outcome === 'OK VALIDATION' || outcome === 'VALIDATION OK'), outcomes.join(', '));
});

test('revoked with its selfies, nothing of them is left', async () => {
  const me = await account(1);
  const { selfies } = await ready(me, { usable: 3 });
  assert.equal(codeOf(await revoke(me)), 'OK');
  for (const { blobKey, modelId } of selfies) assert.deepEqual([await blobs.read(blobKey), await store.listSelfies(me.accountId, modelId)], [null, []]);
});

test('fifty invited at once with thirty credits: thirty complete, and the book is exact', async () => {
  const me = await account(30);
  const emails = Array.from({ length: 50 }, (_, index) => `p${index}@example.com`);
  const invited = await Promise.all(emails.map(async (email) => get<InvitePayload>(me, createInvite, { input: { email } })));
  const guests = invited.flatMap(({ invite }) => (invite ? [{ ...createGuest(studio, invite.token ?? ''), email: invite.email }] : []));
  assert.deepEqual([guests.length, invited.filter(({ errors }) => errors[0]?.code === 'INSUFFICIENT_CREDITS').length], [30, 20]);
  await Promise.all(guests.map(async (guest) => guest.accept()));
  for (const { email } of guests) await giveSelfie(studio, me, email);
  assert.deepEqual(new Set((await Promise.all(guests.map(async (guest) => guest.complete()))).map(codeOf)), new Set(['OK']));
  assert.deepEqual([await balance(me), await jobs(me), new Set(await models(me)), (await models(me)).length], [{ available: 0, reserved: 0 }, 30, new Set(['WAITING']), 30]);
});

test('completed and deleted at once: the credit comes back once, whichever was first', async () => {
  const me = await account(20);
  const guests = [];
  for (let index = 0; index < 20; index++) guests.push({ ...(await ready(me, { email: `p${index}@example.com` })), email: `p${index}@example.com` });
  const outcomes = await Promise.all(guests.map(async (guest, index) => {
    const deleting = async () => codeOf(await get<{ errors: Refused[] }>(me, 'mutation ($id: ID!) { deleteHeadshotModel(id: $id) { deletedId errors { code message } } }', { id: guest.selfies[0]?.modelId }));
    const completing = async () => codeOf(await guest.complete());
    return (index % 2 === 0 ? await Promise.all([completing(), deleting()]) : (await Promise.all([deleting(), completing()])).toReversed()).join(' ');
  }));
  assert.ok(outcomes.every((outcome) => outcome === 'OK OK' || outcome === 'NOT_FOUND OK'), outcomes.join(', '));
  assert.deepEqual([await balance(me), await models(me), new Set(await Promise.all(guests.map(async ({ email }) => statusOf(me, email))))], [{ available: 20, reserved: 0 }, [], new Set(['DELETED'])]);
  const [{ running } = {}] = await connection.execute("select count(*)::int as running from jobs.job where name = 'headshot.model' and data->>'accountId' = $1 and state < 'completed'", [me.accountId]);
  assert.equal(running, 0);
  for (const { see, selfies: [selfie] } of guests) assert.deepEqual([await see(), selfie && (await blobs.read(selfie.blobKey))], [null, null]);
});

/** Somebody whose headshots an organization started without an invitation, by the whitelabel link. */
async function unannounced(me: Caller): Promise<TestGuest & { modelId: string }> {
  await store.setWhitelabel(me.accountId, true);
  const { model, signedUrl, errors } = await get<{ model: { id: string } | null; signedUrl: string | null; errors: Refused[] }>(me, 'mutation { createHeadshotModel(email: "jane@example.com") { model { id } signedUrl errors { code message } } }');
  assert.deepEqual(errors, []);
  return { ...createGuest(studio, new URL(signedUrl ?? '').searchParams.get('token') ?? ''), modelId: model?.id ?? '' };
}

test('somebody without an invitation does the same by the whitelabel link', async () => {
  const me = await account(1);
  const guest = await unannounced(me);
  assert.deepEqual([(await guest.see())?.status, codeOf(await guest.begin())], ['PENDING', 'VALIDATION']);
  assert.equal((await guest.accept('Jane')).errors.length, 0);
  assert.equal((await guest.see())?.status, 'ACCEPTED');
  await giveSelfie(studio, me, 'jane@example.com');
  assert.deepEqual([(await guest.see())?.status, codeOf(await guest.complete()), codeOf(await guest.complete()), (await guest.see())?.status], ['UPLOADING', 'OK', 'OK', 'GENERATING']);
  assert.deepEqual([await balance(me), await models(me), await jobs(me)], [{ available: 0, reserved: 0 }, ['WAITING'], 1]);
});

test('past its time a whitelabel link is of no use, and the credit is back, looked at or not', async () => {
  const me = await account(3);
  const [seen, unseen, used] = [await unannounced(me), await unannounced(me), await unannounced(me)];
  await seen.accept('Jane');
  const late = async (id: string) => connection.execute("update headshot.model set expires_at = now() - interval '1 second' where id = $1", [id]);
  for (const { modelId } of [seen, unseen]) await late(modelId);
  assert.deepEqual([codeOf(await seen.complete()), await seen.see(), await seen.see(), await balance(me)], ['NOT_FOUND', null, null, { available: 1, reserved: 2 }]);
  const due = await listDueModels(connection, new Date(), 1000);
  assert.deepEqual(due.filter(({ accountId }) => accountId === me.accountId).map(({ id }) => id), [unseen.modelId]);
  assert.equal((await used.see())?.status, 'PENDING');
});
