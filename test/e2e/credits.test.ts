import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { newGenerationId } from '../../subgraphs/ids.ts';

// Nobody works: what is accepted stays reserved.
const platform = await startTestPlatform({ after }, { workers: 0 });
const { credits } = platform.platform;
const request = { mode: 'live', gender: 'person', styles: ['817941'], image_name: 'me.jpg' };

test('of 200 requests at once over 50 credits exactly 50 are accepted, and the book says the same', async () => {
  const { key, accountId } = await platform.tenant({ amount: 50 });
  assert.equal((await platform.upload(key, await smallPortrait(300))).status, 200);
  const answers = await Promise.all(Array.from({ length: 200 }, async () => platform.rest('/api/v1/generation/hairstyle', { key, json: request })));
  assert.deepEqual([200, 402].map((status) => answers.filter((answer) => answer.status === status).length), [50, 150]);
  assert.deepEqual(await credits.balance(accountId), { available: 0, reserved: 50 });
  const lines = await credits.ledger(accountId, { first: 100, limit: 1000, after: null });
  const sum = (kind: string) => lines.filter((line) => line.kind === kind).reduce((total, { amount }) => total + amount, 0);
  assert.deepEqual([sum('grant') - sum('reserve'), sum('reserve')], [0, 50]);
});

test('402 says what is required and what is available, on REST and in the graph, and nothing is taken', async () => {
  const { key, accountId } = await platform.tenant({ amount: 1 });
  await platform.upload(key, await smallPortrait(300));
  const { status, body } = await platform.rest('/api/v1/generation/hairstyle', { key, json: { ...request, styles: ['817941', '462817', '739205'] } });
  assert.deepEqual([status, body], [402, { data: null, message: 'Insufficient credits: 3 required, 1 available', status: 'error' }]);
  const { generateHairstyle } = await platform.gql<{ generateHairstyle: object }>(key, `mutation { generateHairstyle(input: { gender: UNISEX, styleIds: ["817941", "462817"], imageName: "me.jpg" }) {
    generation { id } errors { code ... on InsufficientCreditsError { required available } } } }`);
  assert.deepEqual(generateHairstyle, { generation: null, errors: [{ code: 'INSUFFICIENT_CREDITS', required: 2, available: 1 }] });
  assert.deepEqual(await credits.balance(accountId), { available: 1, reserved: 0 });
});

test('what it would cost is known before anything is started', async () => {
  const { key, accountId } = await platform.tenant({ amount: 1 });
  const cost = async (mode: string, ids: string[]) => (await platform.gql<{ generationCost: object }>(key, `query ($ids: [ID!]!) { generationCost(mode: ${mode}, styleIds: $ids) { required available isCovered } }`, { ids })).generationCost;
  assert.deepEqual(await cost('LIVE', ['817941', '462817']), { required: 2, available: 1, isCovered: false });
  assert.deepEqual(await cost('LIVE', ['817941']), { required: 1, available: 1, isCovered: true });
  assert.deepEqual(await cost('TEST', ['817941', '462817']), { required: 0, available: 1, isCovered: true });
  const { body } = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { key, json: { query: '{ generationCost(styleIds: ["1"]) { required } }' } });
  assert.equal(body.errors[0]?.extensions.code, 'VALIDATION');
  assert.deepEqual(await credits.balance(accountId), { available: 1, reserved: 0 });
});

test('usage is told per day and key, also of a key that is gone', async () => {
  const { key, accountId, keyId } = await platform.tenant({ amount: 10 });
  const other = await platform.platform.keys.issue({ accountId, accountKind: 'personal', name: 'other', scopes: [], expiresAt: null });
  for (const [id, amount] of [[keyId, 2], [keyId, 3], [other.key.id, 1]] as const) {
    const job = newGenerationId();
    await credits.reserve(accountId, job, amount, 'pictures', id);
    await credits.consume(job);
  }
  const given = newGenerationId();
  await credits.reserve(accountId, given, 1, 'pictures', keyId);
  await credits.release(given);
  await platform.platform.connection.execute(`update enterprise.ledger set at = at - interval '2 days' where key_id = $1`, [other.key.id]);
  await platform.platform.keys.delete(accountId, other.key.id);
  const usage = async (args: string) => (await platform.gql<{ viewer: { account: { credits: { usage: object[] } } } }>(key, `{ viewer { account { credits { usage${args} { day keyId key { name } credits jobs } } } } }`)).viewer.account.credits.usage;
  const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  const today = { day: day(0), keyId, key: { name: 'Test' }, credits: 5, jobs: 2 };
  assert.deepEqual(await usage(''), [today, { day: day(2), keyId: other.key.id, key: null, credits: 1, jobs: 1 }]);
  assert.deepEqual(await usage('(days: 1)'), [today]);
});
