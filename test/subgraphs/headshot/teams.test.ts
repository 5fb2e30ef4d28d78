import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newTeamId } from '../../../subgraphs/ids.ts';
import { createInvite, openStudio, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile, { work: false });
const { ask, store, account } = studio;

const create = 'mutation ($name: String!) { createTeam(name: $name) { team { id name createdAt } errors { type: __typename code message path ... on ConflictError { existingId } } } }';
const rename = 'mutation ($id: ID!, $name: String!) { renameTeam(id: $id, name: $name) { team { id name } errors { type: __typename code path ... on ConflictError { existingId } } } }';
const remove = 'mutation ($id: ID!) { deleteTeam(id: $id) { deletedId errors { type: __typename code } } }';
const entities = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Organization { id teams { name } } ... on Team { name } } }';
type Payload = { team: { id: string; name: string } | null; deletedId?: string | null; errors: { type: string; code: string; path?: string[] | null; existingId?: string }[] };
const payloadOf = ({ data, errors }: { data?: object | null; errors?: readonly unknown[] }): Payload => {
  assert.equal(errors, undefined);
  return JSON.parse(JSON.stringify(Object.values(data ?? {})[0])) as Payload;
};

test('a team is created, listed by name, renamed and deleted', async () => {
  const me = await account();
  const created = payloadOf(await ask(me, create, { name: '  Sales ' }));
  assert.deepEqual([created.team?.name, created.errors], ['Sales', []]);
  payloadOf(await ask(me, create, { name: 'engineering' }));
  const list = async () => (await ask(me, entities, { of: [{ __typename: 'Organization', id: me.accountId }] })).data;
  assert.deepEqual(JSON.parse(JSON.stringify(await list())), { _entities: [{ id: me.accountId, teams: [{ name: 'engineering' }, { name: 'Sales' }] }] });
  const id = created.team?.id;
  assert.equal(payloadOf(await ask(me, rename, { id, name: 'SALES' })).team?.name, 'SALES');
  assert.equal(payloadOf(await ask(me, remove, { id })).deletedId, id);
  assert.equal(payloadOf(await ask(me, remove, { id })).errors[0]?.code, 'NOT_FOUND');
});

test('names are unique within an organization, whatever their case', async () => {
  const [me, other] = [await account(), await account()];
  const first = payloadOf(await ask(me, create, { name: 'Sales' })).team;
  const again = payloadOf(await ask(me, create, { name: 'sALES' }));
  assert.deepEqual([again.team, again.errors[0]?.type, again.errors[0]?.code, again.errors[0]?.path, again.errors[0]?.existingId], [null, 'ConflictError', 'CONFLICT', ['name'], first?.id]);
  assert.deepEqual(payloadOf(await ask(other, create, { name: 'Sales' })).errors, []);
  const second = payloadOf(await ask(me, create, { name: 'Support' })).team;
  assert.equal(payloadOf(await ask(me, rename, { id: second?.id, name: 'SALES' })).errors[0]?.existingId, first?.id);
});

test('of ten that create the same name at once one succeeds', async () => {
  const me = await account();
  const payloads = await Promise.all(Array.from({ length: 10 }, async () => payloadOf(await ask(me, create, { name: 'Sales' }))));
  assert.equal(payloads.filter(({ team }) => team).length, 1);
  assert.ok(payloads.every(({ team, errors }) => team || errors[0]?.code === 'CONFLICT'));
});

test('a name has 1 to 100 characters', async () => {
  const me = await account();
  for (const name of ['', '   ', 'x'.repeat(101)]) assert.equal(payloadOf(await ask(me, create, { name })).errors[0]?.code, 'VALIDATION', name);
  assert.deepEqual(payloadOf(await ask(me, create, { name: '😀'.repeat(100) })).errors, []);
});

test('only organizations have teams', async () => {
  for (const kind of ['personal', 'enterprise', 'partner'] as const) {
    const error = payloadOf(await ask(await account(0, kind), create, { name: 'Sales' })).errors[0];
    assert.deepEqual([error?.type, error?.code], ['ValidationError', 'FORBIDDEN']);
  }
});

test('the 201st team is refused', async () => {
  const me = await account();
  for (let index = 0; index < 199; index += 1) await store.insertTeam(me.accountId, { id: newTeamId(), name: `Team ${index}` });
  const payloads = await Promise.all(['a', 'b'].map(async (name) => payloadOf(await ask(me, create, { name }))));
  assert.deepEqual(payloads.map(({ errors }) => errors[0]?.code ?? 'OK').sort(), ['OK', 'VALIDATION']);
});

test('members are moved into a team, all or none', async () => {
  const me = await account();
  const team = payloadOf(await ask(me, create, { name: 'Sales' })).team;
  for (const email of ['a@example.com', 'B@example.com']) await studio.get(me, createInvite, { input: { email } });
  const move = async (emails: string[], teamId = team?.id) => payloadOf(await ask(me, 'mutation ($id: ID!, $emails: [EmailAddress!]!) { addTeamMembers(teamId: $id, emails: $emails) { team { id members { totalCount nodes { email team { name } } } } errors { code path message } } }', { id: teamId, emails }));
  assert.deepEqual((await move(['a@example.com', 'c@example.com'])).errors, [{ code: 'NOT_FOUND', path: ['emails', '1'], message: 'No member has the e-mail address c@example.com' }]);
  assert.deepEqual((await studio.own<{ members: { nodes: unknown[] } }>(me, 'members { nodes { team { name } } }'))?.members.nodes, [{ team: null }, { team: null }]);
  const moved = await move(['A@EXAMPLE.com', 'b@example.com']);
  assert.deepEqual(moved.team, { id: team?.id, members: { totalCount: 2, nodes: [{ email: 'B@example.com', team: { name: 'Sales' } }, { email: 'a@example.com', team: { name: 'Sales' } }] } });
  assert.equal((await studio.own<{ invites: { nodes: { team: { name: string } }[] } }>(me, 'invites { nodes { team { name } } }'))?.invites.nodes[0]?.team.name, 'Sales');
  assert.equal((await move(['a@example.com'], 'team_01ARZ3NDEKTSV4RRFFQ69G5FAV')).errors[0]?.code, 'NOT_FOUND');
  assert.equal((await move([])).errors[0]?.code, 'VALIDATION');
  const other = await account();
  assert.equal(payloadOf(await ask(other, 'mutation ($id: ID!) { addTeamMembers(teamId: $id, emails: ["a@example.com"]) { errors { code } } }', { id: team?.id })).errors[0]?.code, 'NOT_FOUND');
});

test('the members of a deleted team stay in the organization', async () => {
  const me = await account();
  const team = payloadOf(await ask(me, create, { name: 'Sales' })).team;
  await studio.get(me, createInvite, { input: { email: 'a@example.com', teamId: team?.id } });
  payloadOf(await ask(me, remove, { id: team?.id }));
  assert.deepEqual(await studio.own(me, 'members { nodes { email team { name } } } invites { nodes { team { name } } }'), { members: { nodes: [{ email: 'a@example.com', team: null }] }, invites: { nodes: [{ team: null }] } });
});
