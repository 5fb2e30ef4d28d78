import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { openOrganization } from '../../support/organization.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { shapeOf } from '../../support/shape.ts';
import golden from './golden.json' with { type: 'json' };

const platform = await startTestPlatform({ after }, { workers: 0 });
const acme = await openOrganization(platform);
const accept = async (token: string, name: string) => platform.gql(null, 'mutation ($token: String!, $name: String!) { acceptInvite(token: $token, name: $name) { onboarding { name } errors { message } } }', { token, name });
type Invited = { success: true; link: string; id: string; teamId: string | null; message: string; input: object };
const invite = async (email: string, teamId?: string) => acme.ok<Invited>('POST', '/invites', { email, ...teamId && { teamId } });
const shaped = (body: object, name: keyof typeof golden) => assert.deepEqual(shapeOf(body), shapeOf(golden[name]), name);

describe('answers have the documented keys, types and literal messages', () => {
  let teamId = '';
  let jane: Invited;

  test('200 for teams that are created, listed, renamed and deleted', async () => {
    const created = await acme.ok<typeof golden['hs.org.200']>('POST', '/teams', { name: 'Marketing' });
    shaped(created, 'hs.org.200');
    teamId = created.organization.teams[0]?.id ?? '';
    shaped(await acme.ok('GET', '/teams'), 'hs.teams.list.200');
    const renamed = await acme.ok<typeof created>('PUT', `/teams/${teamId}`, { name: 'Sales' });
    assert.deepEqual(renamed.organization, { ...created.organization, teams: [{ id: teamId, name: 'Sales' }] });
    const second = await acme.ok<typeof created>('POST', '/teams', { name: 'Brief' });
    const gone = await acme.ok<typeof created>('DELETE', `/teams/${second.organization.teams.find(({ name }) => name === 'Brief')?.id}`);
    assert.deepEqual(gone, renamed);
  });

  test('200 GET /organization', async () => {
    const body = await acme.ok<typeof golden['hs.org.200']>('GET', '');
    shaped(body, 'hs.org.200');
    assert.match(body.organization.uid, /^org_[0-9a-f]{32}$/);
    assert.deepEqual([body.organization.name, body.organization.website, body.organization.teams], ['Acme Corporation', 'https://acme.com', [{ id: teamId, name: 'Sales' }]]);
  });

  test('200 POST /organization/invites, and one credit less', async () => {
    jane = await invite('jane@example.com', teamId);
    shaped(jane, 'hs.invites.create.200');
    assert.deepEqual([jane.message, jane.input, jane.teamId], ['Invite sent', { email: 'jane@example.com' }, teamId]);
    assert.equal(jane.link, `${platform.platform.env.publicUrl}/auth/signup?invite=${jane.id}`);
    assert.deepEqual(await acme.ok('GET', '/credits'), { success: true, credits: 99 });
    shaped(await acme.ok('GET', '/credits'), 'hs.credits.200');
  });

  test('200 for invites in a list and one by one; a pending one has no modelId', async () => {
    await invite('john@example.com');
    const [, documented] = golden['hs.invites.list.200'].invites;
    const pending = await acme.ok<{ invites: object[] }>('GET', '/invites');
    assert.deepEqual(shapeOf(pending.invites[0]), shapeOf(documented));
    await accept(jane.id, 'Jane Doe');
    const body = await acme.ok<typeof golden['hs.invites.list.200']>('GET', '/invites');
    assert.deepEqual(shapeOf(body.invites[1]), shapeOf(golden['hs.invites.list.200'].invites[0]));
    assert.match(body.invites[1]?.modelId ?? '', /^[0-9a-f]{24}$/);
    assert.deepEqual(body.invites.map(({ email, status, teamName }) => [email, status, teamName]), [['john@example.com', 'pending', null], ['jane@example.com', 'accepted', 'Sales']]);
    assert.deepEqual(await acme.ok('GET', '/invites/JANE%40example.com'), { success: true, invite: body.invites[1] });
  });

  test('200 for members, in pages and by status', async () => {
    const body = await acme.ok<typeof golden['hs.team.200']>('GET', '/team?limit=1&offset=1');
    shaped(body, 'hs.team.200');
    assert.deepEqual(body.pagination, { total: 2, limit: 1, offset: 1, hasMore: false });
    const { modelId, id, joinedAt, ...member } = body.members[0] ?? assert.fail();
    assert.deepEqual(member, { email: 'jane@example.com', name: 'Jane Doe', status: 'accepted', teamId, teamName: 'Sales', modelStatus: 'onboarding' });
    assert.ok([modelId, id].every((hex) => /^[0-9a-f]{24}$/.test(hex)) && Date.parse(joinedAt) > 0);
    const accepted = await acme.ok<typeof golden['hs.team.accepted.200']>('GET', '/team/accepted');
    const documented = golden['hs.team.accepted.200'];
    assert.deepEqual(shapeOf({ ...accepted, members: accepted.members.map((one) => ({ ...one, name: null })) }), shapeOf(documented));
    assert.equal(accepted.count, 1);
    const pending = await acme.ok<{ members: { email: string; modelId: null }[]; count: number }>('GET', '/team/pending');
    assert.deepEqual(pending.members.map(({ email, modelId: model }) => [email, model]), [['john@example.com', null]]);
    assert.deepEqual(await acme.ok('GET', '/team/finished'), { success: true, members: [], count: 0 });
    assert.equal((await acme.ok<{ pagination: { total: number } }>('GET', '/team?status=pending')).pagination.total, 1);
  });

  test('200 for members that are moved', async () => {
    assert.deepEqual(await acme.ok('POST', `/teams/${teamId}/members`, { emails: ['JOHN@example.com'] }), { success: true, message: 'Members added to team' });
    assert.equal((await acme.ok<{ invite: { teamId: string } }>('GET', '/invites/john@example.com')).invite.teamId, teamId);
  });

  test('200 POST /organization/invites/revoke returns the credit', async () => {
    const body = await acme.ok('POST', '/invites/revoke', { email: 'john@example.com' });
    shaped(body, 'hs.invites.revoke.200');
    assert.equal(body['message'], 'Invite revoked');
    assert.deepEqual(await acme.balance(), { available: 99, reserved: 1 });
    assert.equal((await acme.ok<{ invite: { status: string } }>('GET', '/invites/john@example.com')).invite.status, 'revoked');
  });
});

describe('refusals are worded as documented', () => {
  test('401 without a key and with a wrong one', async () => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${acme.key}` }]) {
      const { status, body } = await platform.rest('/api/v2/organization', { headers });
      assert.deepEqual([status, body], [401, golden['headshot.error.401']]);
    }
  });

  test('403 for a key of no organization', async () => {
    const { key } = await platform.tenant();
    for (const path of ['', '/credits', '/invites', '/team', '/team/pending', '/teams']) assert.deepEqual(await acme.refused('GET', path, undefined, key), [403, 'FORBIDDEN'], path);
    assert.deepEqual(await acme.refused('POST', '/teams', { name: 'x' }, key), [403, 'FORBIDDEN']);
    assert.deepEqual(await acme.refused('POST', '/invites', { email: 'x@example.com' }, key), [403, 'FORBIDDEN']);
  });

  test('400 INVALID_EMAIL and INVALID_REQUEST', async () => {
    for (const [method, path, json] of [['POST', '/invites', { email: 'nobody' }], ['POST', '/invites/revoke', { email: 'a@b' }], ['GET', '/invites/nobody', undefined], ['POST', '/teams/x/members', { emails: ['nobody'] }]] as const) {
      assert.deepEqual(await acme.refused(method, path, json), [400, 'INVALID_EMAIL'], path);
    }
    for (const [method, path, json] of [
      ['POST', '/invites', {}], ['POST', '/invites', { email: 5 }], ['POST', '/teams', {}], ['POST', '/teams', { name: '' }], ['POST', '/teams/x/members', { emails: [] }],
      ['GET', '/team?limit=0', undefined], ['GET', '/team?offset=-1', undefined], ['GET', '/team?limit=x', undefined], ['GET', '/team?status=lost', undefined],
    ] as const) assert.ok(['INVALID_REQUEST', 'INVALID_EMAIL'].includes((await acme.refused(method, path, json))[1]), `${method} ${path}`);
    assert.deepEqual((await acme.call('POST', '/invites', [])).status, 400);
  });

  test('404 NOT_FOUND', async () => {
    for (const [method, path, json] of [
      ['GET', '/invites/nobody@example.com', undefined], ['POST', '/invites/revoke', { email: 'nobody@example.com' }], ['PUT', '/teams/none', { name: 'x' }], ['DELETE', '/teams/none', undefined],
      ['POST', '/teams/none/members', { emails: ['jane@example.com'] }], ['POST', '/invites', { email: 'new@example.com', teamId: 'none' }], ['GET', '/nothing', undefined],
    ] as const) assert.deepEqual(await acme.refused(method, path, json), [404, 'NOT_FOUND'], `${method} ${path}`);
  });

  test('400 ALREADY_EXISTS for a person, INVALID_REQUEST for the name of a team, ALREADY_DELETED for what is revoked', async () => {
    assert.deepEqual(await acme.refused('POST', '/invites', { email: 'Jane@Example.com' }), [400, 'ALREADY_EXISTS']);
    assert.deepEqual(await acme.refused('POST', '/teams', { name: 'sales' }), [400, 'INVALID_REQUEST']);
    assert.deepEqual(await acme.refused('POST', '/invites/revoke', { email: 'john@example.com' }), [400, 'ALREADY_DELETED']);
  });

  test('402 INSUFFICIENT_CREDITS, 429 INVITE_LIMIT_EXCEEDED', async () => {
    const poor = await openOrganization(platform, { amount: 0 });
    const { status, body } = await poor.call('POST', '/invites', { email: 'a@example.com' });
    assert.deepEqual([status, body], [402, golden['hs.credits.402']]);
    const full = await openOrganization(platform, { amount: 1100 });
    for (const from of [0, 500]) {
      const emails = Array.from({ length: 500 }, (_, index) => `p${from + index}@example.com`);
      await platform.gql(full.key, 'mutation ($input: CreateInvitesInput!) { createInvites(input: $input) { errors { message } } }', { input: { emails } });
    }
    assert.deepEqual(await full.refused('POST', '/invites', { email: 'one@example.com' }), [429, 'INVITE_LIMIT_EXCEEDED']);
    assert.equal((await full.ok<{ invites: unknown[] }>('GET', '/invites')).invites.length, 1000, 'the list is whole');
  });

  test('405 with Allow, 415 for a form', async () => {
    const { status, headers } = await acme.call('PATCH', '/teams/x', {});
    assert.deepEqual([status, headers.get('allow')], [405, 'PUT, DELETE, OPTIONS']);
    const form = await platform.rest('/api/v2/organization/invites', { method: 'POST', body: 'email=x', headers: { authorization: `Bearer ${acme.key}`, 'content-type': 'application/x-www-form-urlencoded' } });
    assert.deepEqual([form.status, form.body['code']], [415, 'INVALID_REQUEST']);
  });
});

test('a repeated POST with an Idempotency-Key invites once', async () => {
  const headers = { authorization: `Bearer ${acme.key}`, 'idempotency-key': 'once' };
  const send = async (email: string) => platform.rest('/api/v2/organization/invites', { headers, json: { email } });
  const [first, again] = [await send('once@example.com'), await send('once@example.com')];
  assert.deepEqual([first.status, again.status, again.body], [200, 200, first.body]);
  assert.equal((await send('twice@example.com')).status, 422);
});

test('429 after 300 requests in a minute, with the moment when it is over', async () => {
  const busy = await openOrganization(platform);
  const storm = async () => Promise.all(Array.from({ length: 310 }, async () => busy.call('GET', '/credits')));
  const resets = (answers: Awaited<ReturnType<typeof storm>>) => new Set(answers.map(({ headers }) => headers.get('x-ratelimit-reset')));
  let answers = await storm();
  // The minute turned over in the middle: the next one is whole.
  if (resets(answers).size > 1) answers = await storm();
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 10 && resets(answers).size === 1, `${refused.length} refused`);
  assert.deepEqual(refused[0]?.body, golden['hs.rate.429']);
  const reset = refused[0]?.headers.get('x-ratelimit-reset') ?? '';
  assert.equal(new Date(reset).toISOString(), reset);
  assert.ok(Number(refused[0]?.headers.get('retry-after')) <= 60 && Number(refused[0]?.headers.get('retry-after')) > 0);
  assert.deepEqual([answers.filter(({ headers }) => headers.get('x-ratelimit-limit') === '300').length, refused[0]?.headers.get('x-ratelimit-remaining')], [310, '0']);
  assert.equal((await acme.call('GET', '/credits')).status, 200, "another key's minute is its own");
});

test('the documented Node example runs as it is printed, but for the host', async () => {
  const example = `const response = await fetch('https://server.headshotpro.com/api/v2/organization', {
method: 'GET',
headers: {
'Authorization': \`Bearer \${process.env.HEADSHOTPRO_API_KEY}\`,
'Content-Type': 'application/json'
}
});
const data = await response.json();`;
  const source = `${example.replace('https://server.headshotpro.com', platform.url)}\nexport default data;`;
  process.env['HEADSHOTPRO_API_KEY'] = acme.key;
  const { default: data } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as { default: unknown };
  delete process.env['HEADSHOTPRO_API_KEY'];
  shaped(data as object, 'hs.org.200');
});

test('the documented Python example runs as it is printed, but for the host', async (t) => {
  const run = async (source: string) => promisify(execFile)('python3', ['-c', source], { env: { ...process.env, HEADSHOTPRO_API_KEY: acme.key }, timeout: 30_000 });
  const isThere = await run('import requests').then(() => true, () => false);
  if (!isThere) return t.skip('there is no Python with requests here');
  const example = `import requests
headers = {
'Authorization': f'Bearer {os.environ["HEADSHOTPRO_API_KEY"]}',
'Content-Type': 'application/json'
}
response = requests.get(
'https://server.headshotpro.com/api/v2/organization',
headers=headers
)`;
  // It reads the environment and leaves the import to whoever pastes it.
  const { stdout } = await run(`import os\n${example.replace('https://server.headshotpro.com', platform.url)}\nprint(response.text)`);
  shaped(JSON.parse(stdout) as object, 'hs.org.200');
});
