import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { comeByLink, headshotsReady } from '../support/guest.ts';
import { openOrganization } from '../support/organization.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { filesOf } from '../support/traces.ts';
import { runNow } from '../support/upkeep.ts';

const platform = await startTestPlatform({ after });
const { connection, jobs } = platform.platformOf('headshot');
const acme = await openOrganization(platform);
const upkeep = async (): Promise<void> => runNow({ jobs, connection }, 'headshot.upkeep');

type Photo = { id: string; status: string; urls: Record<string, string | null>; expiresAt: string | null };
type Photos = { photos: Photo[]; pagination: { total: number } };
type Seen = { status: string; selfies: { url: string }[]; selfiesNeeded: number; selfiesKeptDays: number; keptUntil: string | null; photos: { id: string }[] };

/** Invites in development mode, where headshots are few. */
async function invite(email: string): Promise<string> {
  const { createInvite: { invite: made } } = await platform.gql<{ createInvite: { invite: { token: string } } }>(acme.key, 'mutation ($email: EmailAddress!) { createInvite(input: { email: $email, isDevelopment: true }) { invite { token } } }', { email });
  return made.token;
}
const see = async (token: string): Promise<Seen | null> => (await platform.gql<{ onboarding: Seen | null }>(null, 'query ($token: String!) { onboarding(token: $token) { status selfies { url } selfiesNeeded selfiesKeptDays keptUntil photos { id } } }', { token })).onboarding;
const modelOf = async (email: string) => (await acme.ok<{ invite: { status: string; modelId: string } }>('GET', `/invites/${email}`)).invite;
const statusAt = async (url: string): Promise<number> => (await platform.send(new URL(url).pathname + new URL(url).search)).status;
/** Lets time pass for what a person sent, or for what was made of it. */
const pass = async (modelId: string, hours: number, what: 'selfie' | 'model'): Promise<void> => void (await connection.execute(what === 'selfie'
  ? `update headshot.selfie set created_at = created_at - interval '${hours} hours' where model_id = $1` : `update headshot.model set finished_at = finished_at - interval '${hours} hours' where id = $1`, [modelId]));
const files = (): string[] => filesOf(platform.dataDir).filter((file) => file.startsWith('blobs'));

test('selfies are gone after 7 days and headshots after 30, with their files and addresses, and every answer says so', { timeout: 300_000 }, async () => {
  const before = files();
  const email = 'jane@example.com';
  const token = await invite(email);
  await comeByLink(platform, token, 'Jane Doe', [await portrait()]);
  const { modelId } = await modelOf(email);
  await headshotsReady(platform, token);
  const { selfies: [selfie], photos: shown, selfiesKeptDays } = await see(token) ?? assert.fail();
  const [favorite] = shown;
  await acme.ok('PUT', `/photos/${favorite?.id}/favorite`);
  const addresses = (await acme.ok<Photos>('GET', `/models/${modelId}/photos?include=all`)).photos.flatMap(({ urls }) => Object.values(urls).map(String));
  assert.deepEqual([shown.length, addresses.length, selfiesKeptDays], [4, 12, 7]);

  await pass(modelId, 7 * 24 - 1, 'selfie');
  await upkeep();
  assert.equal(await statusAt(selfie?.url ?? ''), 200, 'an hour before it is still there');
  await pass(modelId, 2, 'selfie');
  await upkeep();
  assert.deepEqual([await statusAt(selfie?.url ?? ''), (await see(token))?.selfies, (await see(token))?.status], [404, [], 'COMPLETED']);
  assert.deepEqual(new Set(await Promise.all(addresses.map(statusAt))), new Set([200]), 'the headshots stay');

  await pass(modelId, 30 * 24 - 1, 'model');
  await upkeep();
  const { model } = await acme.ok<{ model: { status: string; finishedAt: string } }>('GET', `/models/${modelId}`);
  assert.deepEqual([model.status, (await see(token))?.keptUntil], ['active', new Date(Date.parse(model.finishedAt) + 30 * 24 * 3_600_000).toISOString()]);
  await pass(modelId, 2, 'model');
  await upkeep();
  assert.deepEqual([new Set(await Promise.all(addresses.map(statusAt))), files()], [new Set([404]), before]);
  assert.equal((await acme.ok<{ model: { status: string } }>('GET', `/models/${modelId}`)).model.status, 'deleted');
  assert.deepEqual((await acme.ok<Photos>('GET', `/models/${modelId}/photos`)).photos, []);
  const deleted = (await acme.ok<Photos>('GET', `/models/${modelId}/photos?status=deleted&include=all`)).photos;
  assert.deepEqual(deleted.map(({ id, status, urls, expiresAt }) => [id, status, urls, expiresAt]), shown.map(({ id }) => [id, 'deleted', { main: null }, null]));
  assert.deepEqual(await acme.ok('GET', `/models/${modelId}/photos/favorite`), { success: true, photo: null, message: 'No favorite photo selected' });
  assert.deepEqual((await acme.ok<Photos>('GET', '/photos/favorites')).photos, []);
  assert.deepEqual(await acme.ok('POST', `/models/${modelId}/photos/download`, {}), { success: true, downloads: [], expiresAt: null });
  assert.deepEqual(await acme.refused('POST', `/models/${modelId}/photos/download`, { photoIds: [favorite?.id] }), [404, 'NOT_FOUND']);
  assert.deepEqual([await see(token), (await modelOf(email)).status], [null, 'deleted']);
  const [{ selfies } = {}] = await connection.execute('select count(*)::int as selfies from headshot.selfie where model_id = $1', [modelId]);
  assert.equal(selfies, 0);
  await invite(email);
  assert.equal((await modelOf(email)).status, 'pending', 'whose headshots are gone may be invited again');
});

test('addresses that would outlive their headshot say when that ends', { timeout: 300_000 }, async () => {
  const email = 'john@example.com';
  const token = await invite(email);
  await comeByLink(platform, token, 'John', [await portrait()]);
  const { modelId } = await modelOf(email);
  await headshotsReady(platform, token);
  await connection.execute("update headshot.photo set created_at = created_at - interval '717 hours' where model_id = $1", [modelId]);
  const { photos } = await acme.ok<Photos>('GET', `/models/${modelId}/photos`);
  const hours = photos.map(({ expiresAt }) => (Date.parse(expiresAt ?? '') - Date.now()) / 3_600_000);
  assert.ok(hours.every((left) => left > 2 && left <= 3), hours.join(', '));
});

test('selfies that nobody completed are gone after 7 days too, and others can be sent', { timeout: 120_000 }, async () => {
  const email = 'slow@example.com';
  const token = await invite(email);
  const bytes = await portrait();
  const mutate = async <Payload>(query: string, variables: object = {}): Promise<Payload> => Object.values(await platform.gql<Record<string, Payload>>(null, query, { token, ...variables }))[0] ?? assert.fail();
  await mutate('mutation ($token: String!) { acceptInvite(token: $token, name: "Slow") { errors { code } } }');
  const send = async (): Promise<void> => {
    const { upload } = await mutate<{ upload: { uploadId: string; uploadUrl: string } }>('mutation ($token: String!, $byteLength: Int!) { createSelfieUpload(token: $token, byteLength: $byteLength) { upload { uploadId uploadUrl } } }', { byteLength: bytes.length });
    const { pathname, search } = new URL(upload.uploadUrl);
    assert.equal((await platform.send(pathname + search, { method: 'PUT', body: new Uint8Array(bytes) })).status, 204);
    const { errors } = await mutate<{ errors: object[] }>('mutation ($token: String!, $uploadId: ID!) { addSelfie(token: $token, uploadId: $uploadId) { errors { code message } } }', { uploadId: upload.uploadId });
    assert.deepEqual(errors, []);
  };
  await send();
  const [selfie] = (await see(token))?.selfies ?? [];
  await pass((await modelOf(email)).modelId, 7 * 24 + 1, 'selfie');
  await upkeep();
  const seen = await see(token) ?? assert.fail();
  assert.deepEqual([await statusAt(selfie?.url ?? ''), seen.status, seen.selfies, seen.selfiesNeeded], [404, 'ACCEPTED', [], 1]);
  const complete = async () => (await mutate<{ errors: { code: string }[] }>('mutation ($token: String!) { completeOnboarding(token: $token) { errors { code } } }')).errors.map(({ code }) => code);
  assert.deepEqual(await complete(), ['VALIDATION']);
  await send();
  assert.equal((await see(token))?.selfiesNeeded, 0);
});
