import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { onPostgres, until } from '../support/database.ts';
import { nobody, smallPortrait } from '../support/photos.ts';
import { type createTestClient, startTestPlatform } from '../support/platform.ts';
import { addClient, addPhoto, openBusiness, type TestSalon } from '../support/salon.ts';
import { startServer } from '../support/server.ts';
import { filesOf, findInDatabase, findInStore } from '../support/traces.ts';

const person = { email: 'Wilhelmina.Quist@example.org', name: 'Wilhelmina Quist', phone_number: '+46 70 555 01 99' };
const texts = [person.email, 'Quist', '70 555 01 99', '+46705550199'];
type Receipt = { success: boolean; data: { id: string; client_id: string; status: string; completed_at: string | null; removed: Record<string, { rows: number; files: number }> }; message: string };
type Server = ReturnType<typeof createTestClient>;

/** A client with a photo, a finished generation and one that is being made; links of all their pictures. */
async function advise(server: Server, salon: Pick<TestSalon, 'key' | 'at'>, photos = 1) {
  const id = await addClient(server, salon, person);
  for (let index = 0; index < photos; index++) assert.equal((await addPhoto(server, salon, id, await nobody(), `me${index}.jpg`)).status, 200);
  const { body: { data: photo } } = await server.upload(salon.key, await smallPortrait(300), 'client.jpg');
  const order = { mode: 'test', image_name: 'client.jpg', client_id: id };
  const { body } = await server.ended(salon.key, await server.generate(salon.key, { ...order, styles: ['817941', '462817'] }));
  const open = await server.generate(salon.key, { ...order, mode: 'live', styles: ['817941', '462817', '739205', '158634'] });
  const media = await server.rest<{ enterprise_clients_media: { file_url: string }[] }>(salon.at(`clients/${id}`), { key: salon.key });
  const urls = [...body.data.images, ...media.body.enterprise_clients_media.map(({ file_url }) => file_url)];
  const contents = await Promise.all(urls.map(async (url) => new Uint8Array(await (await server.send(new URL(url).pathname + new URL(url).search)).arrayBuffer())));
  // Another client's photo may have the same contents.
  return { id, open, names: [photo.url, ...urls].map((url) => new URL(url).pathname.split('/').at(-1) ?? ''), contents };
}

const completed = async (server: Server, { key, at }: Pick<TestSalon, 'key' | 'at'>, erasureId: string): Promise<Receipt> => until(async () => {
  const { status, body } = await server.rest<Receipt>(at(`erasures/${erasureId}`), { key });
  return status === 200 && body.data.status === 'completed' && body;
});

describe('a client that is erased', async () => {
  const platform = await startTestPlatform({ after });
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key);
  const { connection } = platform.platform;

  test('is gone from every table, event, job, log and file, with a receipt, and others are not', async () => {
    const other = await addClient(platform, salon, { email: 'other@example.com' });
    await addPhoto(platform, salon, other, await smallPortrait(300), 'other.jpg');
    const kept = filesOf(platform.dataDir);
    const { id, open, names, contents } = await advise(platform, salon);
    await platform.rest(salon.at(`clients/${encodeURIComponent(person.email)}`), { key: salon.key });
    assert.ok((await findInDatabase(connection, texts)).length > 0 && findInStore(platform.dataDir, { names, contents }).length > 0, 'what is looked for is there before');

    const { status, body, headers } = await platform.rest<Receipt>(salon.at(`clients/${id}`), { method: 'DELETE', key: salon.key });
    assert.deepEqual([status, body.success, body.message, body.data.client_id, headers.get('location')], [202, true, 'Client erasure started', id, salon.at(`erasures/${body.data.id}`)]);
    for (const [method, path] of [['GET', `clients/${id}`], ['DELETE', `clients/${id}`], ['GET', `clients/${id}/generations`]]) assert.equal((await platform.rest(salon.at(path ?? ''), { method: method ?? '', key: salon.key })).status, 404);
    const receipt = await completed(platform, salon, body.data.id);
    assert.ok(receipt.data.completed_at);
    const { enterprise, hairstyle, ...others } = receipt.data.removed;
    // Client and three media, of which one is a photo of its own; two generations with two pictures and their photo; and what the open one had made.
    const more = (hairstyle?.files ?? 0) - 3;
    assert.ok(more >= 0 && more <= 4, `${more} more pictures`);
    const nothing = { rows: 0, files: 0 };
    assert.deepEqual([enterprise, hairstyle, others], [{ rows: 4 + more, files: 1 }, { rows: 5 + more, files: 3 + more }, { headshot: nothing, skinshade: nothing }]);

    assert.deepEqual(await findInDatabase(connection, [...texts, ...names]), []);
    assert.deepEqual(findInStore(platform.dataDir, { names, contents }), []);
    assert.equal((await platform.rest(`/api/v1/generation/${open}`, { key: salon.key })).status, 404);
    await until(() => JSON.stringify(filesOf(platform.dataDir).filter((file) => file.startsWith('blobs'))) === JSON.stringify(kept.filter((file) => file.startsWith('blobs'))));
    const { viewer } = await platform.gql<{ viewer: unknown }>(salon.key, '{ viewer { account { credits { available reserved } } } }');
    const { available, reserved } = (viewer as { account: { credits: { available: number; reserved: number } } }).account.credits;
    assert.ok(reserved === 0 && (available === 20 || (more === 4 && available === 16)), `what was not made is not paid: ${available} left, ${reserved} held`);
    const { body: rest } = await platform.rest<{ clients: { id: string; enterprise_clients_media: unknown[] }[]; pagination: { total: number } }>(salon.at('clients'), { key: salon.key });
    assert.deepEqual(rest.clients.map((client) => [client.id, client.enterprise_clients_media.length]), [[other, 1]]);
    assert.equal(rest.pagination.total, 1);
  });

  test('takes along what was made of the same photo for nobody, and leaves what another client has', async () => {
    const [one, two] = [await addClient(platform, salon, { email: 'one@example.com' }), await addClient(platform, salon, { email: 'two@example.com' })];
    const make = async (image: string, client: string | null): Promise<string> => {
      const id = await platform.generate(salon.key, { mode: 'test', styles: ['817941'], image_name: image, ...client && { client_id: client } });
      return (await platform.ended(salon.key, id), id);
    };
    for (const name of ['shared.jpg', 'alone.jpg']) await platform.upload(salon.key, await smallPortrait(300), name);
    const made = { shared: await make('shared.jpg', one), others: await make('shared.jpg', two), alone: await make('alone.jpg', one), trial: await make('alone.jpg', null) };
    const { eraseClient } = await platform.gql<{ eraseClient: { erasure: { id: string } } }>(salon.key, 'mutation ($id: ID!) { eraseClient(id: $id) { erasure { id status } errors { message } } }', { id: one });
    await completed(platform, salon, eraseClient.erasure.id);
    const statuses = await Promise.all(Object.entries(made).map(async ([name, id]) => [name, (await platform.rest(`/api/v1/generation/${id}`, { key: salon.key })).status]));
    assert.deepEqual(Object.fromEntries(statuses), { shared: 404, others: 200, alone: 404, trial: 404 });
    assert.equal((await platform.rest('/api/v1/generation/hairstyle', { key: salon.key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'alone.jpg' } })).status, 404);
  });
});

/** The server's own database while the server is not running. */
async function inDatabase<Result>({ databaseUrl, dataDir }: { databaseUrl: string; dataDir: string }, work: (connection: Connection) => Promise<Result>): Promise<Result> {
  const connection = await openConnection({ databaseUrl, dataDir: onPostgres ? null : dataDir });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

const column = async (connection: Connection, statement: string): Promise<unknown[]> => (await connection.execute(statement)).map((row) => Object.values(row)[0]);

test('killed in the middle of it, it is finished after the restart', async (t) => {
  const server = await startServer(t);
  const { enterprise: { slug, key } } = await server.demo();
  const salon = { key, at: (rest: string) => `/api/v1/enterprise/${slug}/${rest}` };
  const { id, open, names, contents } = await advise(server, salon, 12);
  await server.ended(key, open);
  await server.end('SIGTERM');
  // The last of all statements comes to no end: behind it the first subgraph is done, and the second has lost its files but not its rows.
  await inDatabase(server, (connection) => connection.execute(`create function hairstyle.stall() returns trigger language plpgsql as $$ begin perform pg_sleep(3600); return old; end $$;
    create trigger stall before delete on hairstyle.image for each row execute function hairstyle.stall()`));
  await server.start();
  const { status, body } = await server.rest<Receipt>(salon.at(`clients/${id}`), { method: 'DELETE', key });
  assert.equal(status, 202);
  await until(() => !filesOf(server.dataDir).some((file) => names.some((name) => file.includes(name))));
  await server.end('SIGKILL');

  await inDatabase(server, async (connection) => {
    await connection.execute(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`);
    assert.deepEqual(await column(connection, `select state::text from jobs.job where name = 'hairstyle.erasure'`), ['active'], 'it was running when it was killed');
    assert.deepEqual(await column(connection, 'select completed_at from enterprise.erasure'), [null]);
    assert.deepEqual(await column(connection, 'select count(*)::int from enterprise.client_media'), [0]);
    assert.deepEqual(await column(connection, `select count(*)::int from hairstyle.generation where client_id is not null`), [2], 'and not through');
    assert.notDeepEqual(await findInDatabase(connection, names), []);
    await connection.execute('drop trigger stall on hairstyle.image');
  });
  await server.start();
  const { data } = await completed(server, salon, body.data.id);
  assert.deepEqual(data.removed, { enterprise: { rows: 19, files: 12 }, hairstyle: { rows: 9, files: 7 }, headshot: { rows: 0, files: 0 }, skinshade: { rows: 0, files: 0 } });
  assert.deepEqual(findInStore(server.dataDir, { names, contents }), []);
  const output = server.output();
  await server.end('SIGTERM');
  assert.deepEqual(texts.filter((text) => output.includes(text)), []);
  assert.deepEqual(await inDatabase(server, (connection) => findInDatabase(connection, [...texts, ...names])), []);
});
