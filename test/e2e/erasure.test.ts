import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { advise, completedErasure, eraseOverRest, person, tracesOf } from '../support/advised.ts';
import { until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, addPhoto, openBusiness } from '../support/salon.ts';
import { filesOf, findInDatabase, findInStore } from '../support/traces.ts';

describe('a client that is erased', async () => {
  const platform = await startTestPlatform({ after });
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key);
  const { connection } = platform.platform;

  test('is gone from every table, event, job, log and file, with a receipt, and others are not', async () => {
    const other = await addClient(platform, salon, { email: 'other@example.com' });
    await addPhoto(platform, salon, other, await smallPortrait(300), 'other.jpg');
    const kept = filesOf(platform.dataDir);
    const she = await advise(platform, salon);
    await platform.rest(salon.at(`clients/${encodeURIComponent(person.email)}`), { key: salon.key });
    assert.ok((await findInDatabase(connection, tracesOf(she))).length > 0 && findInStore(platform.dataDir, she).length > 0, 'what is looked for is there before');

    const erasureId = await eraseOverRest(platform, salon, she.id);
    for (const [method, path] of [['GET', `clients/${she.id}`], ['DELETE', `clients/${she.id}`], ['GET', `clients/${she.id}/generations`]]) assert.equal((await platform.rest(salon.at(path ?? ''), { method: method ?? '', key: salon.key })).status, 404);
    const { data: { completed_at, removed } } = await completedErasure(platform, salon, erasureId);
    assert.ok(completed_at);
    // And what the open one had made.
    const more = (removed['hairstyle']?.files ?? 0) - she.kept(0).hairstyle.files;
    assert.ok(more >= 0 && more <= 4, `${more} more pictures`);
    assert.deepEqual(removed, she.kept(more));

    assert.deepEqual(await findInDatabase(connection, tracesOf(she)), []);
    assert.deepEqual(findInStore(platform.dataDir, she), []);
    assert.equal((await platform.rest(`/api/v1/generation/${she.open}`, { key: salon.key })).status, 404);
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
    await completedErasure(platform, salon, eraseClient.erasure.id);
    const statuses = await Promise.all(Object.entries(made).map(async ([name, id]) => [name, (await platform.rest(`/api/v1/generation/${id}`, { key: salon.key })).status]));
    assert.deepEqual(Object.fromEntries(statuses), { shared: 404, others: 200, alone: 404, trial: 404 });
    assert.equal((await platform.rest('/api/v1/generation/hairstyle', { key: salon.key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'alone.jpg' } })).status, 404);
  });
});
