import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteSelfieFiles } from '../../../subgraphs/headshot/selfie-files.ts';
import type { Store } from '../../../subgraphs/headshot/store.ts';
import { newClientId, newInviteId, newMemberId, newPhotoId, newSelfieId, newTeamId, parseInviteId, parseTeamId } from '../../../subgraphs/ids.ts';
import { acceptInvite, createInvite, openStudio, type InvitePayload, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile, { work: false });
const { store, get, account } = studio;
const [own, foreign] = [await account(), await account()];
const clientId = newClientId();
const page = { first: 10, limit: 11, after: null };

async function fill() {
  const { team } = await get<{ team: { id: string } }>(own, 'mutation { createTeam(name: "Sales") { team { id } errors { code } } }');
  const { invite } = await get<InvitePayload>(own, createInvite, { input: { email: 'jane@example.com', teamId: team.id, idempotencyKey: 'k' } });
  await get(null, acceptInvite, { token: invite?.token, name: 'Jane' });
  const row = await store.findInviteByEmail(own.accountId, 'jane@example.com');
  const [teamId, inviteId] = [parseTeamId(team.id), parseInviteId(invite?.id ?? '')];
  assert.ok(row?.modelId && row.memberId && teamId && inviteId);
  const blobKey = await studio.platform.blobs.put(Buffer.from('a selfie'), { contentType: 'image/jpeg' });
  const selfie = { id: newSelfieId(), modelId: row.modelId, name: 'me.jpg', blobKey, width: 1, height: 1, likeness: '00', isUsable: true, assessment: { issues: [], remarks: [], score: 1, framings: [] } };
  await store.insertSelfie(own.accountId, selfie);
  const file = async (name: string) => studio.platform.blobs.put(Buffer.from(name), { contentType: 'image/jpeg' });
  const photo = { id: newPhotoId(), modelId: row.modelId, position: 0, backdrop: 'studio-grey', framing: 'close', aspect: '4:5', width: 1, height: 1, blobKey: await file('main'), originalBlobKey: await file('original') } as const;
  await store.insertPhoto(own.accountId, photo);
  await store.setFavorite(own.accountId, row.modelId, photo.id);
  return { teamId, inviteId, modelId: row.modelId, memberId: row.memberId, selfie, photo };
}
const { teamId, inviteId, modelId, memberId, selfie, photo } = await fill();

const everything = async (): Promise<string> => JSON.stringify(await Promise.all(['team', 'member', 'invite', 'model', 'selfie', 'photo', 'setting'].map(async (table) =>
  studio.platform.connection.execute(`select to_jsonb(t) as row from headshot.${table} t where account_id = $1 order by 1`, [own.accountId]))));

/** Nothing of anybody: null, no rows, no number. */
const isNothing = (found: unknown): boolean => found === undefined || found === null || found === 0 || found === false || (Array.isArray(found) && found.length === 0);

test('a foreign tenant gets nothing and changes nothing, by every function of the store', async () => {
  const before = await everything();
  const me = foreign.accountId;
  const refused = (call: () => Promise<unknown>) => async () => assert.rejects(call);
  const walk: { [Name in keyof Store]: () => Promise<unknown> } = {
    isWhitelabel: () => store.isWhitelabel(me),
    setWhitelabel: () => store.setWhitelabel(me, false),
    lockAccount: () => store.lockAccount(me),
    listTeams: () => store.listTeams(me, 10),
    findTeams: () => store.findTeams(me, [teamId]),
    holdTeam: () => store.holdTeam(me, teamId),
    findTeamByName: () => store.findTeamByName(me, 'Sales'),
    countTeams: () => store.countTeams(me),
    insertTeam: async () => assert.ok(await store.insertTeam(me, { id: newTeamId(), name: 'Sales' }), 'names are unique within one account'),
    renameTeam: () => store.renameTeam(me, teamId, 'Mine'),
    deleteTeam: () => store.deleteTeam(me, teamId),
    findMembers: () => store.findMembers(me, [memberId]),
    findMembersByEmail: () => store.findMembersByEmail(me, ['jane@example.com']),
    listMembers: () => store.listMembers(me, {}, page),
    countMembers: () => store.countMembers(me, {}),
    listMembersOfTeams: () => store.listMembersOfTeams(me, [teamId], page),
    upsertMembers: async () => assert.notEqual((await store.upsertMembers(me, [{ id: newMemberId(), email: 'jane@example.com', emailKey: 'jane@example.com', teamId: null }]))[0]?.id, memberId),
    changeMember: () => store.changeMember(me, memberId, { name: 'Mine' }),
    moveMembers: () => store.moveMembers(me, [memberId], teamId),
    deleteIdleMember: () => store.deleteIdleMember(me, memberId),
    insertInvites: async () => assert.equal((await store.insertInvites(me, [{ id: newInviteId(), email: 'jane@example.com', emailKey: 'jane@example.com', memberId: null, teamId: null, modelId: null, isDevelopment: true, status: 'REVOKED', expiresAt: new Date() }])).length, 1),
    findInvites: () => store.findInvites(me, [inviteId]),
    findInvite: () => store.findInvite(me, inviteId),
    lockInvite: () => store.lockInvite(me, inviteId),
    lockInviteOfModel: () => store.lockInviteOfModel(me, modelId),
    findInviteByEmail: () => store.findInviteByEmail(me, 'jane@example.com'),
    findInvitesInUse: () => store.findInvitesInUse(me, ['jane@example.com']),
    listInvites: () => store.listInvites(me, {}, page),
    countInvites: () => store.countInvites(me, { status: 'ACCEPTED' }),
    changeInvite: refused(() => store.changeInvite(me, inviteId, { status: 'DELETED' })),
    insertModel: async () => null,
    findModel: () => store.findModel(me, modelId),
    findModels: () => store.findModels(me, [modelId]),
    findModelsOfMembers: () => store.findModelsOfMembers(me, [memberId]),
    listModels: () => store.listModels(me, {}, page),
    countModels: () => store.countModels(me, {}),
    countModelRows: () => store.countModelRows(me, [modelId]),
    listModelsOf: () => store.listModelsOf(me, 'team_id', [teamId], page),
    markModelDeleted: () => store.markModelDeleted(me, modelId),
    lockModel: () => store.lockModel(me, modelId),
    renameModel: refused(() => store.renameModel(me, modelId, 'Mine')),
    advanceModel: () => store.advanceModel(me, modelId, { status: 'DELETED' }),
    insertSelfie: refused(() => store.insertSelfie(me, { ...selfie, id: newSelfieId() })),
    listSelfies: () => store.listSelfies(me, modelId),
    findSelfie: () => store.findSelfie(me, modelId, selfie.id),
    countSelfies: async () => Object.values(await store.countSelfies(me, modelId)).filter((count) => count > 0),
    deleteSelfie: () => store.deleteSelfie(me, modelId, selfie.id),
    deleteOldSelfies: () => store.deleteOldSelfies(me, modelId, new Date(Date.now() + 1000)),
    deleteSelfies: () => store.deleteSelfies(me, modelId),
    insertPhoto: refused(() => store.insertPhoto(me, { ...photo, id: newPhotoId(), position: 1 })),
    listPositions: () => store.listPositions(me, modelId),
    findPhotos: () => store.findPhotos(me, [photo.id]),
    lockPhoto: () => store.lockPhoto(me, photo.id),
    listPhotosOf: () => store.listPhotosOf(me, [modelId], { status: 'ACTIVE' }, page),
    ratePhoto: refused(() => store.ratePhoto(me, photo.id, 'LOVED')),
    setFavorite: () => store.setFavorite(me, modelId, null),
    listFavorites: () => store.listFavorites(me, {}, page),
    countFavorites: () => store.countFavorites(me, {}),
    markPhotosDeleted: () => store.markPhotosDeleted(me, modelId),
    listDeletedFiles: () => store.listDeletedFiles(me, modelId),
    forgetFiles: () => store.forgetFiles(me, modelId),
    listModelsOfClient: () => store.listModelsOfClient(me, clientId),
    listUnnamed: () => store.listUnnamed(me, null, 10),
    listFilesOf: () => store.listFilesOf(me, [modelId]),
    deleteModels: () => store.deleteModels(me, [modelId]),
  };
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(store).sort());
  // Those that read come first: the others give the stranger rows of its own.
  const names = (Object.keys(walk) as (keyof Store)[]).sort((a, b) => Number(/^(insert|upsert)/.test(a)) - Number(/^(insert|upsert)/.test(b)));
  for (const name of names) assert.ok(isNothing(await walk[name]()), name);
  assert.equal(await everything(), before);
});

test('the files of the selfies of a model are deleted for its own account alone, and again without harm', async () => {
  const { blobs } = studio.platform;
  assert.equal(await deleteSelfieFiles({ blobs, store }, foreign.accountId, modelId), 0);
  assert.ok(await blobs.read(selfie.blobKey));
  for (const round of [1, 2]) assert.equal(await deleteSelfieFiles({ blobs, store }, own.accountId, modelId), 1, `round ${round}`);
  assert.deepEqual([await blobs.read(selfie.blobKey), await store.countSelfies(own.accountId, modelId)], [null, { all: 1, usable: 1 }]);
  assert.deepEqual([(await store.deleteSelfies(own.accountId, modelId)).length, await store.listSelfies(own.accountId, modelId)], [1, []]);
});

test('references to what is another organization\'s are null, and so are all of them without a caller', async () => {
  const of = [{ __typename: 'Organization', id: own.accountId }, { __typename: 'Team', id: teamId }, { __typename: 'TeamMember', id: memberId }, { __typename: 'Invite', id: inviteId }, { __typename: 'HeadshotModel', id: modelId }, { __typename: 'HeadshotPhoto', id: photo.id }];
  const source = 'query ($of: [_Any!]!) { _entities(representations: $of) { __typename ... on Organization { id } ... on Team { id } ... on TeamMember { id } ... on Invite { id } ... on HeadshotModel { id } ... on HeadshotPhoto { id } } }';
  for (const caller of [foreign, null]) assert.deepEqual({ ...(await studio.ask(caller, source, { of })).data }, { _entities: of.map(() => null) });
  const { data } = await studio.ask(own, source, { of });
  assert.ok(Array.isArray(data?.['_entities']) && data['_entities'].filter(Boolean).length === 6, JSON.stringify(data));
});

test("another organization's addresses are unknown", async () => {
  for (const [source, code] of [['mutation { revokeInvite(email: "jane@example.com") { errors { code } } }', 'NOT_FOUND']] as const) {
    const { errors } = await get<{ errors: { code: string }[] }>(await account(), source);
    assert.deepEqual(errors, [{ code }]);
  }
  assert.equal(await get(await account(), 'query { invite(email: "jane@example.com") { id } }'), null);
});
