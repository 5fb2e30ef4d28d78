import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from '../../subgraphs/database.ts';
import { onPostgres } from '../support/database.ts';
import { nobody, smallPortrait } from '../support/photos.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';
import { askEnterprise, enterpriseRouteNames } from '../support/enterprise-routes.ts';
import { addClient, addPhoto, openBusiness, type TestSalon } from '../support/salon.ts';

let statements = 0;
const counting = (connection: Connection): Connection => ({
  ...connection,
  execute: async (...statement) => {
    // Jobs, the log of requests and what keys have spent are written and read at moments of their own.
    if (/\b(enterprise|hairstyle)\./.test(statement[0]) && !/api_log|spending/.test(statement[0])) statements++;
    return connection.execute(...statement);
  },
  store: <Tables>(schema: string) => {
    const store = connection.store<Tables>(schema);
    return () => (statements++, store());
  },
});
const platform = await startTestPlatform({ after }, { wrap: counting });
let partner: Tenant;
let salon: TestSalon;
let rival: TestSalon;
let client: string;
let job: string;

before(async () => {
  partner = await platform.tenant({ kind: 'partner' });
  [salon, rival] = [await openBusiness(platform, partner.key), await openBusiness(platform, partner.key)];
  client = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane' });
  await platform.upload(salon.key, await smallPortrait(300));
  job = await platform.generate(salon.key, { styles: ['817941'], image_name: 'me.jpg', client_id: client });
  assert.equal((await platform.ended(salon.key, job)).body.data.status, 'completed');
});

test('from partner to history over REST alone, paid with the credits that came with the business', async () => {
  const { status, body } = await platform.rest<{ generations: { id: string; images: string[] }[] }>(salon.at(`clients/${client}/generations`), { key: salon.key });
  assert.deepEqual([status, body.generations.map(({ id, images }) => [id, images.length])], [200, [[job.replace('job_', 'gen_'), 1]]]);
  const { viewer } = await platform.gql<{ viewer: unknown }>(salon.key, '{ viewer { account { credits { available reserved } } } }');
  assert.deepEqual(viewer, { account: { credits: { available: 19, reserved: 0 } } });
});

test('the same in the graph, one operation each', async () => {
  type Made = { createEnterprise: { secret: string; enterprise: { slug: string; id: string }; errors: unknown[] } };
  const { createEnterprise: { secret, enterprise } } = await platform.gql<Made>(partner.key, `mutation { createEnterprise(input: { businessName: "Graph Salon", businessType: BARBER, ownerEmail: "g@example.com" }) {
    enterprise { id slug links { widgetEmbed } } widget { id enabled } secret errors { message } } }`);
  const { createClient } = await platform.gql<{ createClient: { client: { id: string } } }>(secret, `mutation { createClient(enterprise: "${enterprise.slug}", input: { email: "joe@example.com" }) { client { id } errors { message } } }`);
  const photo = await smallPortrait(300);
  type Upload = { createImageUpload: { uploadId: string; uploadUrl: string; method: string; headers: { name: string; value: string }[] } };
  const { createImageUpload: { uploadId, uploadUrl, method, headers } } = await platform.gql<Upload>(secret, `mutation { createImageUpload(contentType: "image/jpeg", byteLength: ${photo.length}) { uploadId uploadUrl method headers { name value } } }`);
  await (await fetch(uploadUrl, { method, headers: headers.map(({ name, value }): [string, string] => [name, value]), body: new Uint8Array(photo) })).arrayBuffer();
  await platform.gql(secret, 'mutation ($uploadId: ID!) { createImage(input: { uploadId: $uploadId, name: "me.jpg" }) { image { id } errors { message } } }', { uploadId });
  const { generateHairstyle } = await platform.gql<{ generateHairstyle: { generation: { id: string; client: { id: string; email: string } } } }>(secret, `mutation ($client: ID!) {
    generateHairstyle(input: { mode: TEST, gender: UNISEX, styleIds: ["817941"], imageName: "me.jpg", clientId: $client }) { generation { id client { id email } } errors { message } } }`, { client: createClient.client.id });
  const { id } = generateHairstyle.generation;
  assert.deepEqual(generateHairstyle.generation.client, { id: createClient.client.id, email: 'joe@example.com' });
  const stream = await platform.send('/graphql', { key: secret, json: { query: 'subscription ($id: ID!) { generationProgress(id: $id, afterSeq: 0) { kind } }', variables: { id } }, headers: { accept: 'text/event-stream' } });
  assert.match(await stream.text(), /"kind":"COMPLETED"/);
  const { enterprise: seen } = await platform.gql<{ enterprise: object }>(secret, `{ enterprise(slug: "${enterprise.slug}") { id clients { nodes { email generations { totalCount nodes { id images { url } } } media { totalCount } } } } }`);
  assert.match(JSON.stringify(seen), new RegExp(`"id":"${enterprise.id}".*"email":"joe@example.com".*"totalCount":1.*"${id}".*"totalCount":1`));
});

describe('a second business sees none of it', () => {
  test('403 for a slug that is not its own, existing or not, by every route and every kind of key', async () => {
    const personal = await platform.tenant();
    for (const name of enterpriseRouteNames) {
      for (const key of [rival.key, personal.key, partner.key]) {
        const [theirs, nobodys] = [await askEnterprise(platform, name, { slug: salon.slug, key, ids: { client } }), await askEnterprise(platform, name, { slug: 'no-such-salon-1', key, ids: { client } })];
        assert.equal(theirs.status, 403, name);
        assert.deepEqual(theirs, nobodys);
      }
    }
  });
  test('404 for a client to make pictures for that is not its own, as for nobody', async () => {
    const used = await platform.rest('/api/v1/generation/hairstyle', { key: rival.key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_url: 'http://127.0.0.1:1/x.jpg', client_id: client } });
    assert.deepEqual([used.status, used.body['message']], [404, 'No such client']);
  });
  test('FORBIDDEN and null in the graph', async () => {
    const { body } = await platform.rest<{ errors: { extensions: { code: string } }[] }>('/graphql', { key: rival.key, json: { query: `{ enterprise(slug: "${salon.slug}") { id } }` } });
    assert.deepEqual(body.errors.map(({ extensions }) => extensions.code), ['FORBIDDEN']);
    const { viewer } = await platform.gql<{ viewer: unknown }>(rival.key, `{ viewer { account { ... on Enterprise { client(id: "${client}") { id } } } } }`);
    assert.deepEqual(viewer, { account: { client: null } });
  });
});

test('a page of clients with media and generations is at most 5 statements, however many clients', async () => {
  const shop = await openBusiness(platform, partner.key);
  const portrait = await nobody();
  const once = async (pictures: string): Promise<number> => {
    statements = 0;
    const { enterprise } = await platform.gql<{ enterprise: { clients: { nodes: unknown[] } } }>(shop.key, `{ enterprise(slug: "${shop.slug}") { clients(first: 50, page: 1) { totalCount nodes {
      id email media(first: 5) { totalCount nodes { id fileUrl } } generations(first: 5) { totalCount nodes { id progress { status } ${pictures} } } } } } }`);
    assert.ok(enterprise.clients.nodes.length > 0);
    return statements;
  };
  // So is when a key was last used.
  const least = async (pictures: string): Promise<number> => Math.min(await once(pictures), await once(pictures), await once(pictures), await once(pictures), await once(pictures));
  const cost = async (): Promise<number[]> => [await least(''), await least('images { url }')];
  await platform.upload(shop.key, await smallPortrait(300));
  const grow = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const id = await addClient(platform, shop, { email: `c${index}-${count}@example.com` });
      assert.equal((await addPhoto(platform, shop, id, portrait)).status, 200);
      await platform.ended(shop.key, await platform.generate(shop.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg', client_id: id }));
    }
  };
  await grow(1);
  const one = await cost();
  await grow(4);
  assert.deepEqual(await cost(), one);
  // Whose the key is, where others may delete it; the business, its clients, their media, their generations, and the pictures of those.
  assert.deepEqual(one, onPostgres ? [5, 6] : [4, 5]);
});
