import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createStore } from '../../subgraphs/headshot/store.ts';
import { type ModelId, newPhotoId, parseModelId } from '../../subgraphs/ids.ts';
import { openOrganization } from '../support/organization.ts';
import { addMember, signIn } from '../support/people.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after }, { variables: { TRUSTED_PROXIES: '127.0.0.1, ::1' } });
const { blobs, connection, keys } = platform.platformOf('headshot');
const store = createStore(connection);
const acme = await openOrganization(platform);

type Call = readonly [method: string, path: string, json?: object];
type Row = { may: string; scopes: readonly string[]; rest: () => readonly Call[]; graph: () => readonly string[] };
const own = (selection: string): string => `{ viewer { account { ... on Organization { ${selection} } } } }`;
const jane = 'jane@example.com';
let [team, spare, model, other, photo] = ['', '', '', '', ''];

/** The document's table of what a key may be allowed, with everything that each row opens. */
const table: Record<string, Row> = {
  Organization: {
    may: 'Read organization details and credits', scopes: ['organization:read'],
    rest: () => [['GET', ''], ['GET', '/credits']],
    graph: () => [own('details { uid teams { name } }'), own('credits { available }'), own('users { user { email } }')],
  },
  Invites: {
    may: 'Create, list, and revoke invitations', scopes: ['invites:read', 'invites:write'],
    rest: () => [['GET', '/invites'], ['POST', '/invites', { email: 'new@example.com' }], ['GET', `/invites/${jane}`], ['POST', '/invites/revoke', { email: 'new@example.com' }]],
    graph: () => [
      own('invites { nodes { email status modelId link } }'), `{ invite(email: "${jane}") { email team { name } } }`, 'mutation { createInvite(input: { email: "more@example.com" }) { invite { email } } }',
      'mutation { createInvites(input: { emails: ["many@example.com"] }) { results { email } } }', 'mutation { revokeInvite(email: "more@example.com") { invite { email } } }', 'mutation { createInviteListUpload(byteLength: 1) { upload { uploadUrl } } }',
    ],
  },
  Teams: {
    may: 'Manage teams and team membership', scopes: ['teams:read', 'teams:write'],
    rest: () => [
      ['GET', '/team'], ['GET', '/team/accepted'], ['GET', '/team/pending'], ['GET', '/team/finished'], ['GET', '/teams'], ['POST', '/teams', { name: 'Fresh' }], ['PUT', `/teams/${spare}`, { name: 'Renamed' }],
      ['DELETE', `/teams/${spare}`], ['POST', `/teams/${team}/members`, { emails: [jane] }],
    ],
    graph: () => [
      own('teams { name createdAt members { nodes { email } } }'), own('members { nodes { email name modelId modelStatus } }'), 'mutation { createTeam(name: "Newest") { team { name } } }', `mutation { renameTeam(id: "${team}", name: "Sales") { team { name } } }`,
      `mutation { addTeamMembers(teamId: "${team}", emails: ["${jane}"]) { team { name members { nodes { email } } } } }`,
    ],
  },
  Models: {
    may: 'List and manage AI models', scopes: ['models:read', 'models:write'],
    rest: () => [['GET', '/models'], ['POST', '/models', { email: 'new@example.com', isDevelopment: true }], ['GET', `/models/${model}`], ['DELETE', `/models/${other}`]],
    graph: () => [
      own('models { nodes { title email team { name } } }'), `{ headshotModel(id: "${model}") { title progress { stage } } }`, 'mutation { createHeadshotModel(email: "graph@example.com", isDevelopment: true) { model { uid } signedUrl } }',
      `subscription { headshotProgress(id: "${model}") { seq model { title } } }`,
    ],
  },
  Photos: {
    may: 'Access generated headshots', scopes: ['photos:read', 'photos:write'],
    rest: () => [
      ['GET', `/models/${model}/photos`], ['GET', `/models/${model}/photos/favorite`], ['GET', `/models/${model}/photos/${photo}`], ['POST', `/models/${model}/photos/download`, {}], ['GET', '/photos/favorites'],
      ['PUT', `/photos/${photo}`, { likedStatus: 'loved' }], ['PUT', `/photos/${photo}/favorite`],
    ],
    graph: () => [
      own('favoritePhotos { nodes { urls { main } } }'), `{ headshotGallery(modelId: "${model}") { photos { nodes { urls { main } } } favorite { id } } }`, `{ headshotPhoto(id: "${photo}") { urls { main } modelId person { email name team { name } } } }`,
      `mutation { ratePhoto(id: "${photo}", liked: LOVED) { likedStatus } }`, `mutation { selectFavoritePhoto(id: "${photo}") { id } }`,
    ],
  },
};

/** What stands beside a row's own: the whole answer must not fail for it, and nothing of it may be in the answer. */
const across = (): readonly { row: string; query: string; refused: readonly string[]; opens: string }[] => [
  { row: 'Invites', query: `{ invite(email: "${jane}") { status model { title } team { createdAt } } }`, refused: ['invite.model', 'invite.team.createdAt'], opens: 'Models and Teams' },
  { row: 'Teams', query: own('members(status: ACCEPTED) { nodes { status model { title photos { nodes { urls { main } } } } } }'), refused: ['viewer.account.members.nodes.0.model'], opens: 'Models and Photos' },
  { row: 'Models', query: `{ headshotModel(id: "${model}") { status favorite { urls { main } } team { createdAt } } }`, refused: ['headshotModel.favorite', 'headshotModel.team.createdAt'], opens: 'Photos and Teams' },
  { row: 'Photos', query: `{ headshotPhoto(id: "${photo}") { status model { title } } }`, refused: ['headshotPhoto.model'], opens: 'Models' },
];

type Answer = { data: unknown; errors?: { path: (string | number)[]; extensions: { code: string } }[] };
async function ask(key: string, query: string): Promise<Answer> {
  const headers = { accept: query.startsWith('subscription') ? 'text/event-stream' : 'application/json' };
  const response = await platform.send('/graphql', { key, json: { query }, headers });
  if (!/event-stream/.test(response.headers.get('content-type') ?? '')) return await response.json() as Answer;
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ;) {
    const { value = '', done } = await reader?.read() ?? { done: true };
    text += value;
    const [, event] = /^data: ?(\{.*\})$/m.exec(text) ?? [];
    if (event === undefined && !done) continue;
    await reader?.cancel();
    return JSON.parse(event ?? '{}') as Answer;
  }
}
const keyWith = async (scopes: readonly string[]): Promise<string> => (await keys.issue({ accountId: acme.accountId, accountKind: 'organization', name: 'k', scopes, expiresAt: null })).secret;
const codes = ({ errors = [] }: Answer): string[] => [...new Set(errors.map(({ extensions }) => extensions.code))];

async function addPhoto(modelId: ModelId): Promise<string> {
  const [id, blobKey, originalBlobKey] = [newPhotoId(), await blobs.put(Buffer.from('main'), { contentType: 'image/jpeg' }), await blobs.put(Buffer.from('original'), { contentType: 'image/jpeg' })];
  await store.insertPhoto(acme.accountId, { id, modelId, position: 0, backdrop: 'studio-grey', framing: 'close', aspect: '4:5', width: 819, height: 1024, blobKey, originalBlobKey });
  return id;
}

before(async () => {
  await store.setWhitelabel(acme.accountId, true);
  for (const name of ['Marketing', 'Spare']) await acme.ok('POST', '/teams', { name });
  const { teams } = await acme.ok<{ teams: { id: string; name: string }[] }>('GET', '/teams');
  [team, spare] = [teams.find(({ name }) => name === 'Marketing')?.id ?? '', teams.find(({ name }) => name === 'Spare')?.id ?? ''];
  const { id: token } = await acme.ok<{ id: string }>('POST', '/invites', { email: jane, teamId: team });
  await platform.gql(null, 'mutation ($token: String!) { acceptInvite(token: $token, name: "Jane Doe") { errors { code } } }', { token });
  model = (await acme.ok<{ invite: { modelId: string } }>('GET', `/invites/${jane}`)).invite.modelId;
  other = (await acme.ok<{ modelId: string }>('POST', '/models', { email: 'other@example.com', isDevelopment: true })).modelId;
  photo = await addPhoto(parseModelId(model) ?? assert.fail());
});

describe('each row of the document\'s table opens what it names and nothing else, on REST and in the graph', () => {
  for (const [name, { may, scopes }] of Object.entries(table)) {
    test(`${name}: ${may}`, async () => {
      const key = await keyWith(scopes);
      for (const [row, { rest, graph }] of Object.entries(table)) {
        for (const [method, path, json] of rest()) {
          const { status, body, text } = await acme.call<{ code?: string }>(method, path, json, key);
          if (row === name) assert.equal(status, 200, `${method} ${path}: ${text}`);
          else assert.deepEqual([status, body.code], [403, 'FORBIDDEN'], `${method} ${path}`);
        }
        for (const query of graph()) {
          const answer = await ask(key, query);
          if (row === name) assert.equal(answer.errors, undefined, `${query}: ${JSON.stringify(answer)}`);
          else assert.deepEqual(codes(answer), ['FORBIDDEN'], query);
          if (row !== name) assert.doesNotMatch(JSON.stringify(answer.data ?? null), /@|Jane|files|"uid"|Marketing|Sales/, query);
        }
      }
    });
  }

  test('a link from one row to another opens with both', async () => {
    for (const { row, query, refused, opens } of across()) {
      const { scopes } = table[row] ?? assert.fail();
      const closed = await ask(await keyWith(scopes), query);
      assert.deepEqual([closed.errors?.map(({ path }) => path.join('.')).sort(), codes(closed)], [refused, ['FORBIDDEN']], query);
      assert.match(JSON.stringify(closed.data), /"status":/, 'the row itself is answered');
      assert.doesNotMatch(JSON.stringify(closed.data), /Jane|files/);
      const both = await keyWith([...scopes, ...opens.split(' and ').flatMap((with_) => table[with_]?.scopes ?? [])]);
      assert.equal((await ask(both, query)).errors, undefined, query);
    }
  });
});

describe('keys are of the organization', () => {
  test('a key opens nothing of another organization, with every scope', async () => {
    const rival = await openOrganization(platform);
    for (const path of [`/invites/${jane}`, `/models/${model}`, `/models/${model}/photos`, `/models/${model}/photos/${photo}`]) assert.deepEqual(await rival.refused('GET', path), [404, 'NOT_FOUND'], path);
    const found = await ask(rival.key, `{ invite(email: "${jane}") { email } headshotModel(id: "${model}") { title } headshotPhoto(id: "${photo}") { id } headshotGallery(modelId: "${model}") { favorite { id } } }`);
    assert.deepEqual(found, { data: { invite: null, headshotModel: null, headshotPhoto: null, headshotGallery: null } });
  });

  test('owner and admin make and delete them, who leads a team does not; a deleted one is over at once', async () => {
    const create = 'mutation { createApiKey(input: { name: "New" }) { secret apiKey { id } errors { code } } }';
    for (const [email, role] of [['admin@acme.example', 'ADMIN'], ['lead@acme.example', 'STAFF']] as const) assert.deepEqual((await addMember(platform, acme.key, email, role)).errors, []);
    const [admin, lead] = [await signIn(platform, 'admin@acme.example', acme.accountId), await signIn(platform, 'lead@acme.example', acme.accountId)];
    const { createApiKey: { secret, apiKey } } = await platform.gql<{ createApiKey: { secret: string; apiKey: { id: string } } }>(admin.secret, create);
    assert.equal((await acme.call('GET', '', undefined, secret)).status, 200);
    assert.deepEqual(codes(await ask(lead.secret, create)), ['FORBIDDEN']);
    assert.deepEqual(codes(await ask(lead.secret, own('apiKeys { id }'))), ['FORBIDDEN']);
    await platform.gql(admin.secret, 'mutation ($id: ID!) { deleteApiKey(id: $id) { deletedId } }', { id: apiKey.id });
    assert.deepEqual(await acme.refused('GET', '', undefined, secret), [401, 'UNAUTHORIZED']);
    // Sees the teams, the models and the photos, chooses among these, and neither spends credits nor changes who is in which team.
    for (const path of ['', '/credits', '/team', '/teams', '/models', `/models/${model}/photos`]) assert.equal((await acme.call('GET', path, undefined, lead.secret)).status, 200, path);
    assert.equal((await acme.call('PUT', `/photos/${photo}/favorite`, undefined, lead.secret)).status, 200);
    for (const [method, path, json] of [['GET', '/invites'], ['POST', '/invites', { email: 'x@example.com' }], ['POST', '/teams', { name: 'x' }], ['POST', '/models', { email: 'x@example.com' }], ['DELETE', `/models/${model}`]] as const) {
      assert.deepEqual(await acme.refused(method, path, json, lead.secret), [403, 'FORBIDDEN'], path);
    }
  });
});
