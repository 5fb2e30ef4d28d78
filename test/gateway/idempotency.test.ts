import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { buildSchema, getNamedType, isInputObjectType } from 'graphql';
import { apiSdl } from '../../schema/sdl.ts';
import { openOrganization } from '../support/organization.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const acme = await openOrganization(platform);
const { connection } = platform.platform;

const [again, once, gone, nothing] = ['the second time changes nothing', 'the upload is used up by the first time', 'what is gone is gone', 'an address that nothing was sent to yet'];
/** Mutations without an idempotencyKey of their own, and why they need none. The header serves these as well. */
const repeatable: Record<string, string> = {
  acceptInvite: again, addMember: again, addSelfie: once, addTeamMembers: again, cancelGeneration: again, completeOnboarding: again, createImageUpload: nothing,
  createInviteListUpload: nothing, createSelfieUpload: nothing, createSkinShadeKey: 'one a month', deleteApiKey: gone, deleteHeadshotModel: gone,
  deletePhoto: gone, deleteStyle: gone, deleteTeam: gone,
  deleteWebhookEndpoint: gone, disableWebhookEndpoint: again, enableWebhookEndpoint: again, eraseClient: gone, openSession: 'a session ends by itself', ratePhoto: again, removeMember: gone, removeSelfie: gone, renameTeam: again,
  replayWebhookDelivery: 'sends it again, as is asked for', requestSignInLink: 'a link works once, and few are sent', revokeInvite: gone, selectFavoritePhoto: again, signIn: 'a link works once', signOut: gone, signOutEverywhere: gone, updateWebhookEndpoint: again,
};

test('every mutation that creates or bills takes an idempotencyKey, which is written down with what it does', () => {
  const mutations = Object.values(buildSchema(apiSdl()).getMutationType()?.getFields() ?? {});
  assert.ok(mutations.length > 30, `${mutations.length}`);
  const without = mutations.filter(({ args }) => !args.some(({ name, type }) => {
    const input = getNamedType(type);
    return name === 'idempotencyKey' || isInputObjectType(input) && 'idempotencyKey' in input.getFields();
  }));
  assert.deepEqual(without.map(({ name }) => name).sort(), Object.keys(repeatable).sort());
});

type Made = { data: { createTeam: { team: { id: string } | null; errors: { code: string }[] } } | null; errors?: { message: string; extensions: { code: string } }[] };
const create = async (name: string, key: string, { by = acme.key, query = 'mutation ($name: String!) { createTeam(name: $name) { team { id } errors { code } } }' } = {}) =>
  platform.rest<Made>('/graphql', { key: by, json: { query, variables: { name } }, headers: { 'idempotency-key': key } });
const count = async () => Number((await connection.execute('select count(*)::int as n from headshot.team'))[0]?.['n']);

test('any mutation with the header Idempotency-Key is done once: the same answer, 422 for another body, 409 while the first one runs', async () => {
  const before = await count();
  const first = await create('Once', 'k');
  assert.ok(first.body.data?.createTeam.team, first.text);
  const second = await create('Once', 'k');
  assert.deepEqual([second.status, second.text, second.headers.get('idempotency-replayed'), await count()], [first.status, first.text, 'true', before + 1]);
  const other = await create('Other', 'k');
  assert.deepEqual([other.status, other.body.errors?.[0]?.extensions.code], [422, 'IDEMPOTENCY_CONFLICT']);
  await connection.execute("update enterprise.kept_answer set status = null, sealed = null where operation = 'POST /graphql'");
  const early = await create('Once', 'k');
  assert.deepEqual([early.status, early.body.errors?.[0]?.extensions.code, /^[1-5]$/.test(early.headers.get('retry-after') ?? '')], [409, 'CONFLICT', true]);
  assert.equal((await create('Once', 'x'.repeat(256))).status, 400);
});

test('of twenty at once one is done', async () => {
  const before = await count();
  const answers = await Promise.all(Array.from({ length: 20 }, async () => create('Crowd', 'crowd')));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].filter((status) => status !== 200 && status !== 409), []);
  assert.deepEqual([answers.filter(({ status, headers }) => status === 200 && headers.get('idempotency-replayed') === null).length, await count()], [1, before + 1]);
  assert.equal((await create('Crowd', 'crowd')).headers.get('idempotency-replayed'), 'true');
});

test('what was refused is not kept, and neither is a fault of the request', async () => {
  assert.deepEqual((await create('Once', 'refused')).body.data?.createTeam.errors.map(({ code }) => code), ['CONFLICT']);
  assert.ok((await create('Free', 'refused')).body.data?.createTeam.team);
  assert.equal((await create('x', 'invalid', { query: '{ nothing }' })).status, 400);
  assert.ok((await create('Valid', 'invalid')).body.data?.createTeam.team);
});

test('a stream with the header streams', async () => {
  const response = await platform.send('/graphql', { key: acme.key, json: { query: `subscription { inviteUpdated(organization: "${acme.accountId}") { id } }` }, headers: { accept: 'text/event-stream', 'idempotency-key': 's' } });
  assert.deepEqual([response.status, response.headers.get('content-type')?.split(';')[0]], [200, 'text/event-stream']);
  await response.body?.cancel();
});
