import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parse } from 'graphql';
import { teams } from '../../../subgraphs/headshot/migrations/001-teams.ts';
import { createLoaders } from '../../../subgraphs/headshot/loaders.ts';
import type { Context } from '../../../subgraphs/headshot/models.ts';
import { resolvers } from '../../../subgraphs/headshot/resolvers.ts';
import { createStore, type Store } from '../../../subgraphs/headshot/store.ts';
import { createTeams } from '../../../subgraphs/headshot/team.ts';
import { type AccountId, newAccountId, newKeyId, newTeamId, parseTeamId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { buildSubgraph } from '../../../subgraphs/schema.ts';
import type { AccountKind, Caller } from '../../../subgraphs/subgraph.ts';
import { openTestConnection } from '../../support/database.ts';

async function open(t: TestContext) {
  const connection = await openTestConnection(t);
  await migrate(connection, 'headshot', { '001_teams': teams });
  const store = createStore(connection);
  const subgraph = buildSubgraph<Context>('headshot', resolvers, (request) => ({ ...request, teams: createTeams(connection, store), loaders: createLoaders(store, request) }));
  const ask = async (caller: Caller | null, source: string, variables: Record<string, unknown> = {}) =>
    subgraph.execute({ document: parse(source), variables, request: { caller, requestId: 'test' } });
  return { store, ask };
}

const caller = (accountKind: AccountKind = 'organization', accountId: AccountId = newAccountId()): Caller => ({ accountId, accountKind, keyId: newKeyId(), scopes: new Set() });
const create = 'mutation ($name: String!) { createTeam(name: $name) { team { id name createdAt } errors { type: __typename code message path ... on ConflictError { existingId } } } }';
const rename = 'mutation ($id: ID!, $name: String!) { renameTeam(id: $id, name: $name) { team { id name } errors { type: __typename code path ... on ConflictError { existingId } } } }';
const remove = 'mutation ($id: ID!) { deleteTeam(id: $id) { deletedId errors { type: __typename code } } }';
const entities = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Organization { id teams { name } } ... on Team { name } } }';
type Payload = { team: { id: string; name: string } | null; deletedId?: string | null; errors: { type: string; code: string; path?: string[] | null; existingId?: string }[] };
const payloadOf = ({ data, errors }: { data?: object | null; errors?: readonly unknown[] }): Payload => {
  assert.equal(errors, undefined);
  return Object.values(data ?? {})[0] as Payload;
};

test('a team is created, listed by name, renamed and deleted', async (t) => {
  const { ask } = await open(t);
  const me = caller();
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

test('names are unique within an organization, whatever their case', async (t) => {
  const { ask } = await open(t);
  const [me, other] = [caller(), caller()];
  const first = payloadOf(await ask(me, create, { name: 'Sales' })).team;
  const again = payloadOf(await ask(me, create, { name: 'sALES' }));
  assert.deepEqual([again.team, again.errors[0]?.type, again.errors[0]?.code, again.errors[0]?.path, again.errors[0]?.existingId], [null, 'ConflictError', 'CONFLICT', ['name'], first?.id]);
  assert.deepEqual(payloadOf(await ask(other, create, { name: 'Sales' })).errors, []);
  const second = payloadOf(await ask(me, create, { name: 'Support' })).team;
  assert.equal(payloadOf(await ask(me, rename, { id: second?.id, name: 'SALES' })).errors[0]?.existingId, first?.id);
});

test('of ten that create the same name at once one succeeds', async (t) => {
  const { ask } = await open(t);
  const me = caller();
  const payloads = await Promise.all(Array.from({ length: 10 }, async () => payloadOf(await ask(me, create, { name: 'Sales' }))));
  assert.equal(payloads.filter(({ team }) => team).length, 1);
  assert.ok(payloads.every(({ team, errors }) => team || errors[0]?.code === 'CONFLICT'));
});

test('a name has 1 to 100 characters', async (t) => {
  const { ask } = await open(t);
  const me = caller();
  for (const name of ['', '   ', 'x'.repeat(101)]) assert.equal(payloadOf(await ask(me, create, { name })).errors[0]?.code, 'VALIDATION', name);
  assert.deepEqual(payloadOf(await ask(me, create, { name: '😀'.repeat(100) })).errors, []);
});

test('only organizations have teams', async (t) => {
  const { ask } = await open(t);
  for (const kind of ['personal', 'enterprise', 'partner'] as const) {
    const error = payloadOf(await ask(caller(kind), create, { name: 'Sales' })).errors[0];
    assert.deepEqual([error?.type, error?.code], ['ValidationError', 'FORBIDDEN']);
  }
});

test('the 201st team is refused', async (t) => {
  const { store, ask } = await open(t);
  const me = caller();
  for (let index = 0; index < 199; index += 1) await store.insertTeam(me.accountId, { id: newTeamId(), name: `Team ${index}` });
  const payloads = await Promise.all(['a', 'b'].map(async (name) => payloadOf(await ask(me, create, { name }))));
  assert.deepEqual(payloads.map(({ errors }) => errors[0]?.code ?? 'OK').sort(), ['OK', 'VALIDATION']);
});

test('another tenant gets nothing and changes nothing', async (t) => {
  const { store, ask } = await open(t);
  const [me, foreign] = [caller(), caller()];
  const team = payloadOf(await ask(me, create, { name: 'Sales' })).team;
  assert.ok(team);
  const of = [{ __typename: 'Organization', id: me.accountId }, { __typename: 'Team', id: team.id }];
  for (const asking of [foreign, null]) assert.deepEqual({ ...(await ask(asking, entities, { of })).data }, { _entities: [null, null] });
  assert.equal(payloadOf(await ask(foreign, rename, { id: team.id, name: 'Mine' })).errors[0]?.code, 'NOT_FOUND');
  assert.equal(payloadOf(await ask(foreign, remove, { id: team.id })).errors[0]?.code, 'NOT_FOUND');
  const id = parseTeamId(team.id) ?? assert.fail();
  const walk: { [Name in keyof Store]: () => Promise<unknown> } = {
    listTeams: () => store.listTeams(foreign.accountId, 10),
    findTeams: async () => store.findTeams(foreign.accountId, [id]),
    findTeamByName: () => store.findTeamByName(foreign.accountId, 'Sales'),
    lockTeams: () => store.lockTeams(foreign.accountId),
    countTeams: () => store.countTeams(foreign.accountId),
    insertTeam: async () => null,
    renameTeam: () => store.renameTeam(foreign.accountId, id, 'Mine'),
    deleteTeam: () => store.deleteTeam(foreign.accountId, id),
  };
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(store).sort());
  for (const [name, call] of Object.entries(walk)) {
    const found = await call();
    assert.ok(!found || (Array.isArray(found) && found.length === 0), name);
  }
  assert.equal(await store.countTeams(me.accountId), 1);
});
