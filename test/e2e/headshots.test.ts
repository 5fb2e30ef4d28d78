import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import sharp from 'sharp';
import { WebSocket } from 'ws';
import { until } from '../support/database.ts';
import { comeByLink } from '../support/guest.ts';
import { identityDistance } from '../support/identity.ts';
import { openOrganization } from '../support/organization.ts';
import { nobody, portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';
import { filesOf } from '../support/traces.ts';

const platform = await startTestPlatform({ after });
const pause = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 500));
type Photo = { id: string; likedStatus: string; urls: Record<string, string> };
type Event = { seq: number; kind: string; terminal: boolean; progress: { percent: number }; photo: { id: string } | null; model: { status: string } };

const bytesAt = async (url: string): Promise<Uint8Array> => {
  const { pathname, search } = new URL(url);
  const response = await platform.send(pathname + search);
  assert.equal(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
};

/** All events of a model from its first to its last. */
async function follow(key: string, id: string): Promise<Event[]> {
  const client = createClient({ url: `${platform.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
  const query = 'subscription ($id: ID!) { headshotProgress(id: $id, afterSeq: 0) { seq kind terminal progress { percent } photo { id } model { status } } }';
  const events: Event[] = [];
  try {
    for await (const { data, errors } of client.iterate<{ headshotProgress: Event }>({ query, variables: { id } })) events.push(data?.headshotProgress ?? assert.fail(JSON.stringify(errors)));
  } finally {
    await client.dispose();
  }
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1));
  return events;
}

test('over REST: organization, team, invite, accept, selfies, photos, favorite, download', { timeout: 300_000 }, async () => {
  const acme = await openOrganization(platform, { amount: 2 });
  const { organization: { teams: [team] } } = await acme.ok<{ organization: { teams: { id: string }[] } }>('POST', '/teams', { name: 'Sales' });
  const { id: token } = await acme.ok<{ id: string }>('POST', '/invites', { email: 'jane@example.com', teamId: team?.id });
  const selfie = await portrait();
  assert.deepEqual(await comeByLink(platform, token, 'Jane Doe', [await nobody(), selfie]), [{ isUsable: false, issues: ['NO_FACE'] }, { isUsable: true, issues: [] }]);
  const statusOf = async () => (await acme.ok<{ invite: { status: string; modelId: string } }>('GET', '/invites/jane@example.com')).invite;
  const { modelId } = await statusOf();
  assert.deepEqual(await acme.balance(), { available: 1, reserved: 0 }, 'the selfies spend the credit');
  // As often as a client may ask.
  for (let status = ''; status !== 'active'; await pause()) status = (await acme.ok<{ model: { status: string } }>('GET', `/models/${modelId}`)).model.status;
  assert.equal((await statusOf()).status, 'completed');
  const { members } = await acme.ok<{ members: { email: string; status: string; modelStatus: string; name: string }[] }>('GET', '/team/finished');
  assert.deepEqual(members.map(({ email, name, modelStatus }) => [email, name, modelStatus]), [['jane@example.com', 'Jane Doe', 'active']]);

  const { photos, pagination } = await acme.ok<{ photos: Photo[]; pagination: { total: number } }>('GET', `/models/${modelId}/photos?include=all`);
  assert.ok(pagination.total >= 12 && photos.length === pagination.total, `${pagination.total} photos`);
  await acme.ok('PUT', `/photos/${photos[3]?.id}/favorite`);
  assert.equal((await acme.ok<{ photo: Photo }>('GET', `/models/${modelId}/photos/favorite`)).photo.id, photos[3]?.id);
  const favorites = await acme.ok<{ photos: { id: string; name: string; teamName: string }[] }>('GET', '/photos/favorites');
  assert.deepEqual(favorites.photos.map(({ id, name, teamName }) => [id, name, teamName]), [[photos[3]?.id, 'Jane Doe', 'Sales']]);

  const { downloads } = await acme.ok<{ downloads: Photo[] }>('POST', `/models/${modelId}/photos/download`, { photoIds: [photos[3]?.id], include: 'all' });
  const [main, thumbnail, original] = await Promise.all(['main', 'thumbnail', 'original'].map(async (size) => bytesAt(downloads[0]?.urls[size] ?? '')));
  const { width, height, format } = await sharp(main).metadata();
  assert.ok(format === 'jpeg' && width <= 1024 && height <= 1280, `${width} x ${height}`);
  assert.deepEqual([(await sharp(thumbnail).metadata()).width, (original?.length ?? 0) > (main?.length ?? 0)], [320, true]);
  assert.ok(main && (await identityDistance(selfie, main)) < 0.4, 'it is the same person');

  await acme.ok('DELETE', `/models/${modelId}`);
  assert.equal((await platform.send(new URL(downloads[0]?.urls['main'] ?? '').pathname + new URL(downloads[0]?.urls['main'] ?? '').search)).status, 404);
  assert.deepEqual([(await statusOf()).status, await acme.balance()], ['deleted', { available: 1, reserved: 0 }]);
});

type Told = { email: string; status: string; modelId: string | null };

/** What is told of an organization's invitations from now on, and how to wait for one of it. */
async function watchInvites(key: string, organization: string, touch: () => Promise<unknown>) {
  const client = createClient({ url: `${platform.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
  const told: Told[] = [];
  const listening = (async () => {
    for await (const { data } of client.iterate<{ inviteUpdated: Told }>({ query: 'subscription ($id: ID!) { inviteUpdated(organization: $id) { email status modelId } }', variables: { id: organization } })) if (data) told.push(data.inviteUpdated);
  })();
  // Nothing says that it listens: something is changed until it is heard.
  for (; told.length === 0; await pause()) await touch();
  return {
    hear: async (email: string, status: string) => until(async () => told.find((one) => one.email === email && one.status === status) ?? null, 180_000),
    statuses: (email: string) => told.flatMap((one) => (one.email === email ? one.status : [])),
    end: async () => {
      await client.dispose();
      await listening.catch(() => undefined);
    },
  };
}

test('over the graph: organization, team, invite, accept, selfies, photos, favorite, download, each step when a subscription tells of the one before', { timeout: 300_000 }, async () => {
  const acme = await openOrganization(platform);
  const mutate = async <Payload>(query: string, variables: object = {}): Promise<Payload> => Object.values(await platform.gql<Record<string, Payload>>(acme.key, query, variables))[0] ?? assert.fail();
  const { team } = await mutate<{ team: { id: string } }>('mutation { createTeam(name: "Sales") { team { id } errors { code } } }');
  const invite = async (email: string) => mutate<{ invite: { token: string } | null }>('mutation ($email: EmailAddress!, $team: ID) { createInvite(input: { email: $email, teamId: $team, isDevelopment: true }) { invite { token } errors { code } } }', { email, team: team.id });
  let others = 0;
  const invites = await watchInvites(acme.key, acme.accountId, async () => invite(`other${++others}@example.com`));
  const email = 'jane@example.com';
  const { invite: made } = await invite(email);
  await invites.hear(email, 'PENDING');
  const selfie = await portrait();
  await comeByLink(platform, made?.token ?? '', 'Jane Doe', [selfie]);
  const { modelId } = await invites.hear(email, 'GENERATING');
  const events = await follow(acme.key, modelId ?? '');
  assert.deepEqual([events.at(-1)?.kind, events.at(-1)?.model.status], ['COMPLETED', 'ACTIVE']);
  const shown = events.flatMap(({ photo }) => photo?.id ?? []);
  await invites.hear(email, 'COMPLETED');
  assert.deepEqual(invites.statuses(email), ['PENDING', 'ACCEPTED', 'UPLOADING', 'GENERATING', 'COMPLETED']);
  await invites.end();
  await mutate('mutation ($id: ID!) { selectFavoritePhoto(id: $id) { id } }', { id: shown.at(-1) });

  type Seen = { viewer: { account: { teams: { members: { nodes: { email: string; status: string; model: { photos: { totalCount: number } } | null }[] } }[]; favoritePhotos: { nodes: { id: string; urls: Record<string, string>; person: object; model: object }[] } } } };
  const { viewer: { account } } = await platform.gql<Seen>(acme.key, `{ viewer { account { ... on Organization { teams { members { nodes { email status model { photos { totalCount } } } } }
    favoritePhotos { nodes { id urls { main thumbnail original } person { email name team { name } } model { title } } } } } } }`);
  assert.deepEqual(account.teams.map(({ members }) => members.nodes.find((member) => member.email === email)), [{ email, status: 'FINISHED', model: { photos: { totalCount: shown.length } } }]);
  const [favorite] = account.favoritePhotos.nodes;
  assert.deepEqual([favorite?.id, favorite?.person, favorite?.model], [shown.at(-1), { email, name: 'Jane Doe', team: { name: 'Sales' } }, { title: 'Jane Doe' }]);
  const [main] = await Promise.all(['main', 'thumbnail', 'original'].map(async (size) => bytesAt(favorite?.urls[size] ?? '')));
  assert.equal((await sharp(main).metadata()).format, 'jpeg');
  assert.deepEqual(await acme.balance(), { available: 100, reserved: 0 }, 'development mode costs nothing');
});

test('over the graph: a salon\'s look becomes headshots of its client, and goes with the client', { timeout: 300_000 }, async () => {
  const salon = await openBusiness(platform, (await platform.tenant({ kind: 'partner' })).key);
  const before = filesOf(platform.dataDir).filter((file) => file.startsWith('blobs'));
  const clientId = await addClient(platform, salon, { email: 'wilma@example.org', name: 'Wilma' });
  await platform.upload(salon.key, await portrait());
  const job = await platform.generate(salon.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg', client_id: clientId });
  await platform.ended(salon.key, job);
  const { hairstyleGeneration: { images: [look] } } = await platform.gql<{ hairstyleGeneration: { images: { id: string }[] } }>(salon.key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { id } } }', { id: job });
  const begin = 'mutation ($look: ID!) { createHeadshotModel(email: "wilma@example.org", fromGenerationImageId: $look, isDevelopment: true) { model { id status } signedUrl errors { code message } } }';
  const { createHeadshotModel: { model, errors, signedUrl } } = await platform.gql<{ createHeadshotModel: { model: { id: string } | null; signedUrl: string | null; errors: object[] } }>(salon.key, begin, { look: look?.id });
  assert.deepEqual([errors, signedUrl], [[], null]);
  const events = await follow(salon.key, model?.id ?? '');
  assert.deepEqual([events.at(-1)?.kind, events.at(-1)?.progress.percent, events.at(-1)?.model.status], ['COMPLETED', 100, 'ACTIVE']);
  assert.equal(new Set(events.flatMap(({ kind, photo }) => (kind === 'IMAGE_READY' ? [photo?.id] : []))).size, 4);

  type Across = { hairstyleGeneration: { client: { headshots: { totalCount: number; nodes: { id: string; startedFrom: { id: string; style: { id: string } }; client: { name: string }; photos: { nodes: { background: string; urls: { main: string } }[] } }[] } }; images: { headshots: { id: string }[] }[] } };
  const across = await platform.gql<Across>(salon.key, `query ($id: ID!) { hairstyleGeneration(id: $id) { images { headshots { id } } client { headshots { totalCount nodes {
    id startedFrom { id style { id } } client { name } photos { nodes { background urls { main } } } } } } } }`, { id: job });
  const { client: { headshots }, images: [image] } = across.hairstyleGeneration;
  const [headshot] = headshots.nodes;
  assert.deepEqual([headshots.totalCount, headshot?.id, headshot?.startedFrom, headshot?.client.name, image?.headshots], [1, model?.id, { id: look?.id, style: { id: '817941' } }, 'Wilma', [{ id: model?.id }]]);
  await Promise.all(headshot?.photos.nodes.map(async ({ urls }) => bytesAt(urls.main)) ?? []);

  const { eraseClient: { erasure } } = await platform.gql<{ eraseClient: { erasure: { id: string } } }>(salon.key, 'mutation ($id: ID!) { eraseClient(id: $id) { erasure { id } errors { message } } }', { id: clientId });
  const receipt = await until(async () => {
    const { body } = await platform.rest<{ data: { status: string; removed: Record<string, { rows: number; files: number }> } }>(salon.at(`erasures/${erasure.id}`), { key: salon.key });
    return body.data.status === 'completed' && body.data;
  });
  // A model with one selfie and four photos of two files each.
  assert.deepEqual(receipt.removed['headshot'], { rows: 6, files: 9 });
  const { headshotModel } = await platform.gql<{ headshotModel: object | null }>(salon.key, 'query ($id: ID!) { headshotModel(id: $id) { id } }', { id: model?.id });
  assert.equal(headshotModel, null);
  await until(() => JSON.stringify(filesOf(platform.dataDir).filter((file) => file.startsWith('blobs'))) === JSON.stringify(before));
});
