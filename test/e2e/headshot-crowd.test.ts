import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openOrganization } from '../support/organization.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });

test('50 invited at once with 30 credits, and all that were accepted at once: 30 models, 20 times 402, exact books', async () => {
  const acme = await openOrganization(platform, { amount: 30 });
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, index) => acme.call<{ id: string }>('POST', '/invites', { email: `p${index}@example.com` })));
  const invited = answers.filter(({ status }) => status === 200);
  assert.deepEqual([invited.length, answers.filter(({ status }) => status === 402).length, await acme.balance()], [30, 20, { available: 0, reserved: 30 }]);
  const accept = 'mutation ($token: String!) { acceptInvite(token: $token, name: "P") { onboarding { name } errors { code } } }';
  // Each accepts twice, as with two fast taps.
  await Promise.all([...invited, ...invited].map(async ({ body: { id: token } }) => platform.gql(null, accept, { token })));
  const { models, pagination } = await acme.ok<{ models: { status: string }[]; pagination: { total: number } }>('GET', '/models?limit=200');
  assert.deepEqual([pagination.total, new Set(models.map(({ status }) => status)), await acme.balance()], [30, new Set(['onboarding']), { available: 0, reserved: 30 }]);
  const lines = await platform.platform.credits.ledger(acme.accountId, { first: 100, limit: 100, after: null });
  assert.deepEqual(lines.map(({ kind, amount }) => `${kind} ${amount}`).toSorted(), ['grant 30', ...Array.from({ length: 30 }, () => 'reserve 1')]);
});
