import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Demo } from '../../gateway/demo-data.ts';
import { createTestDatabase, onPostgres, openAnother, until } from '../support/database.ts';
import { importables } from '../support/lifted.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient } from '../support/platform.ts';
import { organizations, photoForm, type RepeatablePost, repeatablePosts } from '../support/posts.ts';
import { freePort, startProcess } from '../support/process.ts';
import { addClient } from '../support/salon.ts';

/** By which an answer is kept; who claims a key, or says that it is still at work, is not held. */
const keeping = 'update enterprise.kept_answer set status';
/** PostgreSQL holds whoever comes to one of these places until it is let go: the process is killed there and nowhere else. `waiting`: whoever is there, or behind somebody who is. */
const places: Record<string, { waiting: string; at: string[]; trigger: (table: string) => string }> = {
  'before the commit': { waiting: 'true', at: ['enterprise.request_key', 'headshot.selfie'], trigger: (table: string) => `create constraint trigger hold after insert on ${table} deferrable initially deferred for each row execute function public.hold()` },
  'between the commit and the answer': { waiting: `query like '${keeping}%'`, at: ['enterprise.kept_answer'], trigger: (table: string) => `create trigger hold before update of status on ${table} for each statement execute function public.hold()` },
};
const tables = [
  'hairstyle.generation', 'hairstyle.image', 'hairstyle.style', 'enterprise.client', 'enterprise.client_media', 'enterprise.api_key', 'enterprise.account', 'enterprise.webhook_endpoint', 'headshot.invite', 'headshot.model', 'headshot.team', 'headshot.selfie',
  'skinshade.reading', 'jobs.job',
];

async function openSite() {
  const dataDir = await mkdtemp(join(tmpdir(), 'killed-posts-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = await createTestDatabase({ after: (drop) => drops.push(drop) });
  const [port, adminUrl] = [await freePort(), new URL(databaseUrl)];
  adminUrl.searchParams.set('application_name', 'test');
  const connection = await openAnother({ after: (close) => drops.unshift(close) }, adminUrl.href);
  const env = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, DATABASE_POOL: '40', NODE_ENV: 'development', LOG_LEVEL: 'info', WORKERS: '0', RENDER_WORKERS: '1', PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` };
  const start = async () => startProcess({ args: ['gateway/main.ts'], env, ready: 'Lookgraph is ready' });
  let process = await start();
  after(async () => {
    await process.end('SIGKILL');
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const others = "from pg_stat_activity where datname = current_database() and application_name <> 'test'";
  return {
    ...createTestClient(env.PUBLIC_URL), connection, demo: JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo,
    /** Kills the process when `count` statements wait at that place, lets nothing of them happen any more, and starts it again. */
    async killAt(waiting: string, count: number, check: () => void): Promise<void> {
      await until(async () => {
        check();
        return Number((await connection.execute(`select count(*)::int as n ${others} and wait_event_type = 'Lock' and ${waiting}`))[0]?.['n']) >= count;
      });
      await process.end('SIGKILL');
      await connection.execute(`select pg_terminate_backend(pid) ${others}`);
      await until(async () => (await connection.execute(`select 1 ${others}`)).length === 0);
    },
    restart: async () => void (process = await start()),
  };
}

type Site = Awaited<ReturnType<typeof openSite>>;

const graph = (key: string, query: string, variables: object = {}): RepeatablePost => ({ at: '/graphql', headers: { 'x-api-key': key }, send: () => ({ json: { query, variables } }), other: () => ({}), counted: null });

/** Every POST that creates, bills or pays back, over REST and, by the header alone, over the graph. */
async function openPosts({ rest, gql, connection, upload, demo }: Site): Promise<Record<string, RepeatablePost>> {
  const { personalKey: person, enterprise, partnerKey: partner, organizationKey: organization } = demo;
  const salon = { key: enterprise.key, at: (path: string) => `/api/v1/enterprise/${enterprise.slug}/${path}` };
  const photos = [await smallPortrait(300), await smallPortrait(320)] as const;
  await upload(person, photos[0]);
  const clientId = await addClient({ rest }, salon, { email: 'media@example.com' });
  await connection.execute("insert into headshot.setting (account_id, is_whitelabel) select id, true from enterprise.account where kind = 'organization' on conflict (account_id) do update set is_whitelabel = true");
  const { createTeam: { team } } = await gql<{ createTeam: { team: { id: string } } }>(organization, 'mutation { createTeam(name: "Sales") { team { id } } }');
  for (const email of ['a@acme.com', 'b@acme.com', 'c@acme.com', 'd@acme.com']) assert.equal((await rest(`${organizations}/invites`, { headers: { authorization: `Bearer ${organization}` }, json: { email } })).status, 200);
  const staged = async (key: string): Promise<string> => {
    const { createImageUpload: { uploadId, uploadUrl } } = await gql<{ createImageUpload: { uploadId: string; uploadUrl: string } }>(key, `mutation { createImageUpload(contentType: "image/jpeg", byteLength: ${photos[1].length}) { uploadId uploadUrl } }`);
    assert.equal((await rest(new URL(uploadUrl).pathname + new URL(uploadUrl).search, { method: 'PUT', body: new Blob([new Uint8Array(photos[1])]) })).status, 204);
    return uploadId;
  };
  const { short: face } = await importables();
  const form = (bytes: Uint8Array) => ({ body: photoForm(bytes) });
  const { [`${organizations}/teams/:teamId/members`]: _, ...documented } = repeatablePosts({ person, partner, organization, salon, clientId, teamId: team.id, photos });
  return {
    ...documented,
    '/api/v1/styles/import': { headers: { 'x-api-key': person }, send: () => form(face), other: () => form(photos[0]), counted: 'hairstyle.style' },
    generateHairstyle: graph(person, 'mutation { generateHairstyle(input: { gender: UNISEX, styleIds: ["817941"], imageName: "me.jpg" }) { generation { id } errors { code message } } }'),
    createImage: graph(person, 'mutation ($id: ID!) { createImage(input: { uploadId: $id }) { image { id url } errors { code message } } }', { id: await staged(person) }),
    detectSkinShade: graph(person, 'mutation ($id: ID!) { detectSkinShade(input: { uploadId: $id }) { reading { id } usage { remaining } errors { code message } } }', { id: await staged(person) }),
    addClientMedia: graph(salon.key, 'mutation ($client: ID!, $id: ID!) { addClientMedia(clientId: $client, input: { uploadId: $id }) { media { id } errors { code message } } }', { client: clientId, id: await staged(salon.key) }),
    createWebhookEndpoint: graph(salon.key, 'mutation { createWebhookEndpoint(input: { url: "https://example.com/hook", events: ["*"] }) { endpoint { id } secret errors { code message } } }'),
    rotateCallbackSecret: graph(salon.key, 'mutation { rotateCallbackSecret(input: {}) { secret errors { code message } } }'),
    addMember: graph(salon.key, 'mutation { addMember(email: "new@salon.example", role: STAFF) { member { user { id } } errors { code message } } }'),
    'createInvites and createTeam': graph(organization, 'mutation { a: createTeam(name: "A") { team { id } errors { code } } b: createTeam(name: "B") { team { id } errors { code } } createInvites(input: { emails: ["many@acme.com", "a@acme.com"] }) { results { email invite { id } errors { code } } errors { code } } }'),
  };
}

/** What an invited person asks for when a selfie was sent: without any key, for the upload itself makes it safe to ask again. */
async function openGuest({ gql, rest, demo }: Site): Promise<() => Promise<string>> {
  const photo = await smallPortrait(340);
  const { createInvite: { invite: { token } } } = await gql<{ createInvite: { invite: { token: string } } }>(demo.organizationKey, 'mutation { createInvite(input: { email: "guest@acme.com" }) { invite { token } } }');
  await gql(null, 'mutation ($token: String!) { acceptInvite(token: $token, name: "Jane") { errors { message } } }', { token });
  type Begun = { createSelfieUpload: { upload: { uploadId: string; uploadUrl: string } } };
  const { createSelfieUpload: { upload: { uploadId, uploadUrl } } } = await gql<Begun>(null, 'mutation ($token: String!, $n: Int!) { createSelfieUpload(token: $token, byteLength: $n) { upload { uploadId uploadUrl } } }', { token, n: photo.length });
  assert.equal((await rest(new URL(uploadUrl).pathname + new URL(uploadUrl).search, { method: 'PUT', body: new Blob([new Uint8Array(photo)]) })).status, 204);
  const query = 'mutation ($token: String!, $id: ID!) { addSelfie(token: $token, uploadId: $id) { selfie { id } errors { code message } } }';
  return async () => (await rest('/graphql', { json: { query, variables: { token, id: uploadId } } })).text;
}

/** How many rows there are, and what all accounts have of credits, free and held. */
async function booksOf({ connection }: Site): Promise<Record<string, number>> {
  const counts = await Promise.all(tables.map(async (table) => [table, Number((await connection.execute(`select count(*)::int as n from ${table}`))[0]?.['n'])] as const));
  const [credits] = await connection.execute('select sum(available)::int as available, sum(reserved)::int as reserved from enterprise.balance');
  const [shades] = await connection.execute("select coalesce(sum(used), 0)::int as used from enterprise.quota where name = 'skin-shades'");
  return { ...Object.fromEntries(counts), available: Number(credits?.['available']), reserved: Number(credits?.['reserved']), shades: Number(shades?.['used']) };
}

test('killed in the middle of every POST and asked again with the same key, it does each once, gives one answer and bills nothing twice', { timeout: 300_000, skip: !onPostgres && 'only PostgreSQL outlives the process' }, async () => {
  const site = await openSite();
  const posts = await openPosts(site);
  const addSelfie = await openGuest(site);
  const { connection, rest } = site;
  const post = async ([path, { at = path, headers, send }]: [string, RepeatablePost]) => rest(at, { method: 'POST', headers: { ...headers, 'idempotency-key': `once ${path}` }, ...send() });
  // Whoever was killed still has the key for some seconds: 409, come again.
  const settled = async (each: [string, RepeatablePost]) => until(async () => {
    const answer = await post(each);
    return answer.status === 409 && answer.headers.has('retry-after') ? null : answer;
  });
  await connection.execute(`create function public.hold() returns trigger language plpgsql as $$ begin if tg_level = 'ROW' or current_query() like '${keeping}%' then perform pg_advisory_xact_lock(4711); end if; return new; end $$`);
  const before = await booksOf(site);
  const all = Object.entries(posts);
  for (const [place, { at, trigger, waiting }] of Object.entries(places)) {
    for (const table of at) await connection.execute(trigger(table));
    const [holder, holds] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const held = connection.transaction(async () => {
      await connection.execute('select pg_advisory_xact_lock(4711)');
      holds.resolve();
      await holder.promise;
    });
    await holds.promise;
    const answered: string[] = [];
    const guests = at.includes('headshot.selfie') ? [addSelfie] : [];
    const lost = Promise.allSettled([...all.map(async (each) => settled(each).then(({ text }) => answered.push(`${each[0]}: ${text}`))), ...guests.map(async (add) => add().then((text) => answered.push(`addSelfie: ${text}`)))]);
    await site.killAt(waiting, all.length + guests.length, () => assert.deepEqual(answered, [], 'nobody is answered')).finally(() => holder.resolve());
    await held;
    for (const { status } of await lost) assert.equal(status, 'rejected', place);
    for (const table of at) await connection.execute(`drop trigger hold on ${table}`);
    if (place === 'before the commit') assert.deepEqual(await booksOf(site), before, 'nothing of it happened');
    await site.restart();
  }
  const answers = await Promise.all(all.map(settled));
  const again = await Promise.all(all.map(post));
  for (const [index, [path]] of all.entries()) {
    const [first, second] = [answers[index], again[index]];
    assert.ok(first && (first.status === 200 || first.status === 201) && !/"errors":\[\{(?!"code":"CONFLICT")/.test(first.text), `${path}: ${first?.text}`);
    assert.deepEqual([second?.status, second?.text, second?.headers.get('idempotency-replayed')], [first.status, first.text, 'true'], path);
  }
  const selfies = [await addSelfie(), await addSelfie()];
  assert.match(selfies[0] ?? '', /"selfie":\{"id":/);
  assert.equal(selfies[1], selfies[0]);
  const grown = Object.fromEntries(Object.entries(await booksOf(site)).map(([name, count]) => [name, count - (before[name] ?? 0)]));
  assert.deepEqual(grown, {
    'hairstyle.generation': 2, 'hairstyle.image': 2, 'hairstyle.style': 1, 'enterprise.client': 1, 'enterprise.client_media': 2, 'enterprise.api_key': 2, 'enterprise.account': 1, 'enterprise.webhook_endpoint': 1,
    'headshot.invite': 2, 'headshot.model': 1, 'headshot.team': 3, 'headshot.selfie': 1, 'skinshade.reading': 2, shades: 2,
    'jobs.job': grown['jobs.job'] ?? 0,
    // Two generations, two invitations and a model are paid for, an invitation is paid back, and the new business has what it may try everything with.
    available: 20 - 4, reserved: 4,
  });
});
