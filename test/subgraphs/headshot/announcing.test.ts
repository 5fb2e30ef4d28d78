import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { until } from '../../support/database.ts';
import { openReceiver, verified } from '../../support/receiver.ts';
import { addLook, type Begun, createModel, type Deleted, deleteModel, ended, photographer } from './photographer.ts';
import { openStudio } from './studio.ts';

type Told = { id: string; event: string; createdAt: string; objectType: string; object: Record<string, unknown> & { status: string } };

test('what becomes of a model is told in order, in the documented words, signed in both ways', async (t) => {
  const receiver = await openReceiver(t);
  const studio = await openStudio(t, { vision: photographer(), allow: [receiver.host] });
  const me = await studio.account(5);
  const bytes = Buffer.alloc(32, 7);
  const secret = `whsec_${bytes.toString('base64')}`;
  const events = ['model.created', 'model.status.updated', 'model.photos_ready', 'model.favorite_selected', 'model.deleted'];
  await studio.platform.connection.execute('insert into enterprise.webhook_endpoint (id, account_id, url, events, secret) values ($1, $2, $3, $4, $5)', ['endpoint_1', me.accountId, receiver.url('/hook'), JSON.stringify(events), secret]);

  const { model } = await studio.get<Begun>(me, createModel, { email: 'jane@example.com', fromGenerationImageId: await addLook(studio, me.accountId), isDevelopment: true });
  await ended(studio, me.accountId, model?.id ?? '');
  const { headshotModel } = await studio.get<{ photos: { nodes: { id: string }[] } }>(me, 'query ($id: ID!) { headshotModel(id: $id) { photos { nodes { id } } } }', { id: model?.id }).then((found) => ({ headshotModel: found }));
  const choose = 'mutation ($id: ID!) { selectFavoritePhoto(id: $id) { id } }';
  // Again changes nothing, and is not told.
  for (const _ of [1, 2]) await studio.get(me, choose, { id: headshotModel.photos.nodes[1]?.id });
  assert.deepEqual((await studio.get<Deleted>(me, deleteModel, { id: model?.id })).errors, []);

  const calls = await until(() => (receiver.at('/hook').length >= 8 ? receiver.at('/hook') : null));
  const told = calls.map((call) => verified<Told>(call, secret));
  assert.deepEqual(told.map(({ event, object: { status } }) => `${event} ${status}`), [
    'model.created onboarding', 'model.status.updated waiting', 'model.status.updated pending', 'model.status.updated generatingHeadshots', 'model.status.updated active', 'model.photos_ready active',
    'model.favorite_selected active', 'model.deleted deleted',
  ]);
  const [first] = told;
  assert.match(first?.id ?? '', /^evt_[0-9a-f-]{36}$/);
  assert.deepEqual([Object.keys(first ?? {}), first?.objectType, Object.keys(first?.object ?? {})], [
    ['id', 'event', 'createdAt', 'objectType', 'object'], 'model',
    ['_id', 'uid', 'title', 'status', 'trigger', 'createdAt', 'deletedAt', 'finishedAt', 'organization', 'isDevelopment', 'inviteExpiresAt'],
  ]);
  assert.deepEqual([first?.object['_id'], first?.object['uid'], first?.object['organization'], first?.object['isDevelopment']], [model?.id, model?.uid, `org_${me.accountId.replaceAll('-', '')}`, true]);
  for (const { headers, body } of calls) {
    const timestamp = String(headers['x-headshotpro-timestamp']);
    assert.equal(headers['x-headshotpro-signature'], `sha256=${createHmac('sha256', bytes.toString('hex')).update(`${timestamp}.${body}`).digest('hex')}`);
    assert.equal(timestamp, headers['webhook-timestamp']);
  }
});
