import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { until } from '../../support/database.ts';
import { acceptInvite, createInvite, type Invited, type InvitePayload, openStudio, type OnboardingPayload, revokeInvite, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile);
const { account, balance, get } = studio;
const { connection, credits } = studio.platform;

const invite = async (me: Caller, email: string, more: object = {}): Promise<InvitePayload> => get<InvitePayload>(me, createInvite, { input: { email, ...more } });
const invited = async (me: Caller, email: string, more: object = {}): Promise<Invited> => {
  const { invite: made, errors } = await invite(me, email, more);
  assert.deepEqual(errors, []);
  assert.ok(made);
  return made;
};
const accept = async (token: string | null, name = 'Jane Doe') => get<OnboardingPayload>(null, acceptInvite, { token, name });
const revoke = async (me: Caller, email: string) => get<InvitePayload>(me, revokeInvite, { email });
const statusOf = async (me: Caller, email: string) => (await get<{ status: string } | null>(me, 'query ($email: EmailAddress!) { invite(email: $email) { status } }', { email }))?.status ?? null;
const members = async (me: Caller) => (await studio.own<{ members: { nodes: { email: string; name: string | null; status: string }[] } }>(me, 'members { nodes { email name status } }'))?.members.nodes;
const backdate = async (id: string) => connection.execute("update headshot.invite set expires_at = now() - interval '1 second' where id = $1", [id]);
const ledger = async (me: Caller, id: string) => (await credits.charges(me.accountId, id)).map(({ kind, amount }) => `${kind} ${amount}`);

test('an invitation holds a credit, makes a member, and gives a link for 30 days', async () => {
  const me = await account(3);
  const made = await invited(me, 'Jane@Example.com');
  assert.deepEqual([made.email, made.status, made.team, made.isDevelopment], ['Jane@Example.com', 'PENDING', null, false]);
  assert.equal(made.link, `https://look.example/auth/signup?invite=${made.token}`);
  assert.equal(Date.parse(made.expiresAt) - Date.parse(made.createdAt) > 29.99 * 24 * 3_600_000, true);
  assert.deepEqual(await balance(me), { available: 2, reserved: 1 });
  assert.deepEqual(await members(me), [{ email: 'Jane@Example.com', name: null, status: 'PENDING' }]);
  assert.equal(await statusOf(me, 'JANE@example.com'), 'PENDING');
  assert.equal(await statusOf(me, 'nobody@example.com'), null);
});

test('in development mode it costs nothing', async () => {
  const me = await account(0);
  const made = await invited(me, 'jane@example.com', { isDevelopment: true });
  assert.deepEqual([made.isDevelopment, await balance(me), await ledger(me, made.id)], [true, { available: 0, reserved: 0 }, []]);
});

test('refusals name the field and leave nothing behind', async () => {
  const [me, salon] = [await account(1), await account(5, 'enterprise')];
  const first = await invited(me, 'jane@example.com');
  const again = (await invite(me, 'JANE@EXAMPLE.COM')).errors[0];
  assert.deepEqual([again?.type, again?.code, again?.existingId, again?.path], ['ConflictError', 'CONFLICT', first.id, ['email']]);
  const broke = (await invite(me, 'john@example.com')).errors[0];
  assert.deepEqual([broke?.type, broke?.code, broke?.message, broke?.required, broke?.available], ['InsufficientCreditsError', 'INSUFFICIENT_CREDITS', 'Insufficient credits', 1, 0]);
  const team = (await invite(me, 'john@example.com', { teamId: 'team_01ARZ3NDEKTSV4RRFFQ69G5FAV', isDevelopment: true })).errors[0];
  assert.deepEqual([team?.code, team?.path], ['NOT_FOUND', ['input', 'teamId']]);
  assert.equal((await invite(salon, 'john@example.com')).errors[0]?.code, 'FORBIDDEN');
  assert.equal(await statusOf(me, 'john@example.com'), null);
  assert.deepEqual([(await members(me))?.length, await balance(salon)], [1, { available: 5, reserved: 0 }]);
});

test('an idempotency key gives the first invitation again, also to ten at once, and refuses another request', async () => {
  const me = await account(10);
  const made = await Promise.all(Array.from({ length: 10 }, async () => invited(me, 'jane@example.com', { idempotencyKey: 'k' })));
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  assert.deepEqual(await balance(me), { available: 9, reserved: 1 });
  assert.equal((await invite(me, 'john@example.com', { idempotencyKey: 'k' })).errors[0]?.code, 'IDEMPOTENCY_CONFLICT');
  assert.equal((await invite(me, 'john@example.com', { idempotencyKey: '' })).errors[0]?.code, 'VALIDATION');
});

test('whoever has the link accepts with a name, and again with another', async () => {
  const me = await account();
  const { token } = await invited(me, 'jane@example.com');
  const { onboarding, errors } = await accept(token, '  Jane Doe ');
  assert.deepEqual([onboarding?.email, onboarding?.name, errors], ['jane@example.com', 'Jane Doe', []]);
  assert.equal((await accept(token, 'Jane D.')).onboarding?.name, 'Jane D.');
  assert.deepEqual([await members(me), await statusOf(me, 'jane@example.com'), await balance(me)], [[{ email: 'jane@example.com', name: 'Jane D.', status: 'ACCEPTED' }], 'ACCEPTED', { available: 99, reserved: 1 }]);
  assert.equal((await accept(token, ' ')).errors[0]?.code, 'VALIDATION');
  const [{ models } = {}] = await connection.execute('select count(*)::int as models from headshot.model where account_id = $1', [me.accountId]);
  assert.equal(models, 1);
});

test('a link that was not made here, or was changed in a letter, is nobody\'s', async () => {
  const { token } = await invited(await account(), 'jane@example.com');
  const other = await invited(await account(), 'john@example.com');
  const [id, account_, signature] = token?.split('.') ?? [];
  const changed = [`${other.id}.${account_}.${signature}`, `${id}.${other.token?.split('.')[1]}.${signature}`, `${id}.${account_}.${signature?.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))}`, `${id}.${account_}`, `${token}.x`, '', id];
  for (const forged of changed) assert.deepEqual([(await accept(forged ?? '')).errors[0]?.code], ['NOT_FOUND'], forged);
});

test('revoked before and after acceptance, it gives the credit back once, and the link is dead', async () => {
  for (const isAccepted of [false, true]) {
    const me = await account(1);
    const { id, token } = await invited(me, 'jane@example.com');
    if (isAccepted) await accept(token);
    const revoked = await revoke(me, 'jane@EXAMPLE.com');
    assert.deepEqual([revoked.invite?.id, revoked.invite?.status, revoked.invite?.link], [id, 'REVOKED', null]);
    assert.deepEqual([await balance(me), await ledger(me, id), await members(me)], [{ available: 1, reserved: 0 }, ['reserve 1', 'release 1'], []]);
    assert.equal((await accept(token)).errors[0]?.code, 'NOT_FOUND');
    assert.equal((await revoke(me, 'jane@example.com')).errors[0]?.code, 'ALREADY_DELETED');
    const [model] = await connection.execute('select status, ended_at is null as is_open from headshot.model where account_id = $1', [me.accountId]);
    assert.deepEqual(model, isAccepted ? { status: 'DELETED', is_open: false } : undefined);
    assert.equal((await invited(me, 'jane@example.com')).status, 'PENDING', 'it can be invited anew');
  }
  assert.equal((await revoke(await account(), 'jane@example.com')).errors[0]?.code, 'NOT_FOUND');
});

test('accepted and revoked at once, twenty times: either both, or the revocation alone, and never a credit too many', async () => {
  const me = await account(20);
  const emails = Array.from({ length: 20 }, (_, index) => `p${index}@example.com`);
  const made = await Promise.all(emails.map(async (email) => invited(me, email)));
  const outcomes = await Promise.all(made.map(async ({ email, token }, index) => {
    const [first, second] = index % 2 === 0 ? [accept(token), revoke(me, email)] : [revoke(me, email), accept(token)];
    const [a, b] = await Promise.all([first, second]);
    const [accepted, revoked] = (index % 2 === 0 ? [a, b] : [b, a]) as [OnboardingPayload, InvitePayload];
    return { accepted: accepted.errors[0]?.code ?? 'OK', revoked: revoked.errors[0]?.code ?? 'OK' };
  }));
  assert.ok(outcomes.every(({ accepted, revoked }) => revoked === 'OK' && (accepted === 'OK' || accepted === 'NOT_FOUND')), JSON.stringify(outcomes));
  assert.deepEqual([await balance(me), await members(me)], [{ available: 20, reserved: 0 }, []]);
  for (const { id } of made) assert.deepEqual(await ledger(me, id), ['reserve 1', 'release 1']);
  const [{ open } = {}] = await connection.execute('select count(*)::int as open from headshot.model where account_id = $1 and ended_at is null', [me.accountId]);
  assert.equal(open, 0);
});

test('ten that invite one address at once make one invitation and hold one credit', async () => {
  const me = await account(10);
  const codes = await Promise.all(Array.from({ length: 10 }, async () => (await invite(me, 'jane@example.com')).errors[0]?.code ?? 'OK'));
  assert.deepEqual([codes.filter((code) => code === 'OK').length, codes.filter((code) => code === 'CONFLICT').length], [1, 9]);
  assert.deepEqual(await balance(me), { available: 9, reserved: 1 });
});

test('fifty at once with thirty credits: thirty are invited, twenty refused, and the book is exact', async () => {
  const me = await account(30);
  const payloads = await Promise.all(Array.from({ length: 50 }, async (_, index) => invite(me, `p${index}@example.com`)));
  const codes = payloads.map(({ errors }) => errors[0]?.code ?? 'OK');
  assert.deepEqual([codes.filter((code) => code === 'OK').length, codes.filter((code) => code === 'INSUFFICIENT_CREDITS').length], [30, 20]);
  assert.deepEqual(await balance(me), { available: 0, reserved: 30 });
  const accepted = await Promise.all(payloads.flatMap(({ invite: made }) => (made ? [accept(made.token)] : [])));
  assert.ok(accepted.every(({ errors }) => errors.length === 0));
  const [{ models } = {}] = await connection.execute("select count(*)::int as models from headshot.model where account_id = $1 and status = 'ONBOARDING'", [me.accountId]);
  assert.deepEqual([models, await balance(me)], [30, { available: 0, reserved: 30 }]);
});

test('past its time it is of no use to anybody, and the credit is back', async () => {
  const me = await account(3);
  const [seen, unseen, used] = [await invited(me, 'seen@example.com'), await invited(me, 'unseen@example.com'), await invited(me, 'used@example.com')];
  await accept(unseen.token);
  for (const { id } of [seen, unseen]) await backdate(id);
  assert.equal((await accept(seen.token)).errors[0]?.code, 'NOT_FOUND');
  assert.deepEqual([await statusOf(me, 'seen@example.com'), await balance(me)], ['EXPIRED', { available: 1, reserved: 2 }]);
  await studio.platform.jobs.enqueue('headshot.upkeep', {});
  await until(async () => (await statusOf(me, 'unseen@example.com')) === 'EXPIRED');
  assert.deepEqual([await statusOf(me, 'unseen@example.com'), await statusOf(me, 'used@example.com'), await balance(me)], ['EXPIRED', 'PENDING', { available: 2, reserved: 1 }]);
  for (const { id } of [seen, unseen]) assert.deepEqual(await ledger(me, id), ['reserve 1', 'release 1']);
  assert.deepEqual((await members(me))?.map(({ email }) => email), ['used@example.com']);
  assert.equal((await revoke(me, 'seen@example.com')).errors[0]?.code, 'ALREADY_DELETED');
  assert.equal((await accept(used.token)).errors.length, 0);
});

test('the organization hears of every change, and of no other organization\'s', async () => {
  const [me, other] = [await account(), await account()];
  const source = 'subscription ($id: ID!) { inviteUpdated(organization: $id) { email status } }';
  const stream = await studio.headshot.subscribe({ document: parse(source), variables: { id: me.accountId }, request: { caller: me, requestId: 'test' } });
  assert.ok(Symbol.asyncIterator in stream, JSON.stringify(stream));
  await invited(other, 'theirs@example.com');
  const heard: unknown[] = [];
  const next = async () => heard.push(JSON.parse(JSON.stringify((await stream.next()).value))?.data.inviteUpdated);
  const { token } = await invited(me, 'jane@example.com');
  await next();
  await accept(token);
  await next();
  await revoke(me, 'jane@example.com');
  await next();
  await stream.return?.();
  assert.deepEqual(heard, ['PENDING', 'ACCEPTED', 'REVOKED'].map((status) => ({ email: 'jane@example.com', status })));
  const refused = await studio.headshot.subscribe({ document: parse(source), variables: { id: other.accountId }, request: { caller: me, requestId: 'test' } });
  assert.ok('errors' in refused && refused.errors?.[0]?.extensions['code'] === 'NOT_FOUND');
});
