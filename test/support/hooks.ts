import assert from 'node:assert/strict';
import type { createTestClient } from './platform.ts';

type Asking = Pick<ReturnType<typeof createTestClient>, 'rest'>;
export type Endpoint = { id: string; url: string; events: string[]; enabled: boolean; disabledReason: string | null; formerSecretUntil: string | null };
export type Delivery = {
  id: string; event: string; eventId: string; subjectId: string; endpoint: { id: string } | null; url: string; state: string; attempts: number; status: number | null; error: string | null;
  nextAttemptAt: string | null; log: { number: number; status: number | null; error: string | null; url: string; body: string; headers: { name: string; value: string }[] }[];
};
type Errors = { errors: { code: string; message: string }[] };
export type Secret = { endpoint: Endpoint | null; secret: string | null; hexSecret: string | null } & Errors;

const endpointFields = 'id url events enabled disabledReason formerSecretUntil';
const deliveryFields = 'id event eventId subjectId endpoint { id } url state attempts status error nextAttemptAt log { number status error url body headers { name value } }';

/** What an account does with its webhooks, in the graph. */
export function hooksOf({ rest }: Asking, key: string) {
  const mutate = async <Payload extends Errors>(field: string, variables: Record<string, unknown>, types: string, selection: string): Promise<Payload> => {
    const names = Object.keys(variables);
    const query = `mutation Do(${types}) { ${field}(${names.map((name) => `${name}: $${name}`).join(', ')}) { ${selection} errors { code message } } }`;
    const { body } = await rest<{ data: Record<string, Payload> | null; errors?: { message: string; extensions: { code: string } }[] }>('/graphql', { key, json: { query, variables } });
    return body.data?.[field] ?? { errors: (body.errors ?? []).map(({ message, extensions: { code } }) => ({ code, message })) } as Payload;
  };
  const ofAccount = async <Value>(selection: string): Promise<Value> => {
    const { body } = await rest<{ data: { viewer: { account: Value } } }>('/graphql', { key, json: { query: `{ viewer { account { ${selection} } } }` } });
    assert.ok(body.data, JSON.stringify(body));
    return body.data.viewer.account;
  };
  const one = (name: string) => (id: string) => mutate<{ endpoint: Endpoint | null } & Errors>(name, { id }, '$id: ID!', `endpoint { ${endpointFields} }`);
  return {
    create: (input: object) => mutate<Secret>('createWebhookEndpoint', { input }, '$input: CreateWebhookEndpointInput!', `endpoint { ${endpointFields} } secret hexSecret`),
    update: (id: string, input: object) => mutate<{ endpoint: Endpoint | null } & Errors>('updateWebhookEndpoint', { id, input }, '$id: ID!, $input: UpdateWebhookEndpointInput!', `endpoint { ${endpointFields} }`),
    enable: one('enableWebhookEndpoint'),
    disable: one('disableWebhookEndpoint'),
    delete: (id: string) => mutate<{ deletedId: string | null } & Errors>('deleteWebhookEndpoint', { id }, '$id: ID!', 'deletedId'),
    rotate: (id: string, input: object = {}) => mutate<Secret>('rotateWebhookSecret', { id, input }, '$id: ID!, $input: RotateSecretInput!', `endpoint { ${endpointFields} } secret hexSecret`),
    rotateCallback: (input: object = {}) => mutate<Secret>('rotateCallbackSecret', { input }, '$input: RotateSecretInput!', 'secret hexSecret'),
    replay: (id: string) => mutate<{ delivery: Delivery | null } & Errors>('replayWebhookDelivery', { id }, '$id: ID!', `delivery { ${deliveryFields} }`),
    endpoints: async () => (await ofAccount<{ webhookEndpoints: Endpoint[] }>(`webhookEndpoints { ${endpointFields} }`)).webhookEndpoints,
    deliveries: async (filter = '') => (await ofAccount<{ webhookDeliveries: { nodes: Delivery[] } }>(`webhookDeliveries(first: 100${filter}) { nodes { ${deliveryFields} } }`)).webhookDeliveries.nodes,
    callbackSecret: async () => (await ofAccount<{ callbackSecret: string }>('callbackSecret')).callbackSecret,
  };
}
