import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createEndpointStore, type EndpointStore } from '../../../subgraphs/enterprise/endpoint-store.ts';
import { createAccounts, enterpriseMigrations } from '../../../subgraphs/enterprise/index.ts';
import { newDeliveryId, newEndpointId } from '../../../subgraphs/ids.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { createWebhookStore } from '../../../subgraphs/webhooks-store.ts';
import { openTestConnection } from '../../support/database.ts';

const connection = await openTestConnection({ after });
await migrate(connection, 'enterprise', enterpriseMigrations);
const store = createEndpointStore(connection);
const page = { first: 10, limit: 11, after: null };

test('a foreign tenant gets nothing and changes nothing, by every function of the endpoint store', async () => {
  const [owner, foreign] = [await createAccounts(connection).createAccount({ kind: 'personal', name: 'Owner' }), await createAccounts(connection).createAccount({ kind: 'personal', name: 'Foreign' })];
  const [id, deliveryId, now] = [newEndpointId(), newDeliveryId(), new Date()];
  await store.insertEndpoint(owner, { id, url: 'https://example.com/', events: ['*'], secret: 'whsec_own' });
  await store.getCallbackSecret(owner, 'whsec_callback');
  await createWebhookStore(connection).insertDeliveries([{ id: deliveryId, account_id: owner, source: 's', event: 'e', event_id: 'evt_1', subject_id: 'gen_1', data: 1, endpoint_id: id, url: 'u', line: 'l', next_attempt_at: null, claimed_until: null, status: null, error: null, delivered_at: null, created_at: now }]);
  await connection.execute("insert into enterprise.webhook_attempt values ($1, 1, now(), 1, 200, null, 'u', '{}', 'body')", [deliveryId]);
  const everything = async () => connection.execute('select (select jsonb_agg(e) from enterprise.webhook_endpoint e) as e, (select jsonb_agg(d) from enterprise.webhook_delivery d) as d, (select jsonb_agg(c) from enterprise.callback_secret c where account_id = $1) as c', [owner]);
  const before = await everything();
  const walk: { [Name in keyof EndpointStore]: () => Promise<unknown> } = {
    lockEndpoints: () => store.lockEndpoints(foreign),
    insertEndpoint: async () => null,
    listEndpoints: () => store.listEndpoints(foreign),
    findEndpoint: () => store.findEndpoint(foreign, id),
    updateEndpoint: () => store.updateEndpoint(foreign, id, { url: 'https://stolen.example/', events: [] }),
    enableEndpoint: () => store.enableEndpoint(foreign, id, now),
    disableEndpoint: () => store.disableEndpoint(foreign, id, now),
    deleteEndpoint: () => store.deleteEndpoint(foreign, id),
    rotateEndpointSecret: () => store.rotateEndpointSecret(foreign, id, { secret: 'whsec_stolen', until: now }),
    getCallbackSecret: async () => ((await store.getCallbackSecret(foreign, 'whsec_foreign')) === 'whsec_foreign' ? null : 'leaked'),
    rotateCallbackSecret: async () => (await store.rotateCallbackSecret(foreign, { secret: 'whsec_new', until: now })) ?? null,
    listDeliveries: () => store.listDeliveries(foreign, { endpointId: id, subjectIds: ['gen_1'] }, page),
    findDelivery: () => store.findDelivery(foreign, deliveryId),
    listAttempts: () => store.listAttempts(foreign, [deliveryId]),
    replayDelivery: () => store.replayDelivery(foreign, deliveryId, now),
  };
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(store).sort());
  for (const [name, call] of Object.entries(walk)) {
    const found = await call();
    assert.ok(found === null || found === false || found === 0 || (Array.isArray(found) && found.length === 0), `${name} gave ${JSON.stringify(found)}`);
  }
  assert.deepEqual(await everything(), before);
});
