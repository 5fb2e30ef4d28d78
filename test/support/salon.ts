import assert from 'node:assert/strict';
import type { Answer, TestPlatform } from './platform.ts';

/** A business as a partner's platform gets it, by REST alone. */
export type TestSalon = { id: string; slug: string; key: string; widgetId: number; ownerEmail: string; at: (rest: string) => string };

let businesses = 0;

/** Creates a business through the partner API; `key` is the partner's. */
export async function openBusiness(platform: Pick<TestPlatform, 'rest'>, key: string, ownerEmail = `owner${++businesses}@hairsalon.example`): Promise<TestSalon> {
  const json = { businessName: 'Hair Salon & Spa', businessType: 'salon', ownerEmail };
  const answer: Answer<{ data: { enterprise_id: string; enterprise_name: string; api_key: string; widget_id: number } }> = await platform.rest('/api/v1/admin/enterprise', { headers: { 'x-partner-api-key': key }, json });
  assert.equal(answer.status, 201, answer.text);
  const { enterprise_id: id, enterprise_name: slug, api_key, widget_id: widgetId } = answer.body.data;
  return { id, slug, key: api_key, widgetId, ownerEmail, at: (rest) => `/api/v1/enterprise/${slug}/${rest}` };
}

/** Adds a client; its id. */
export async function addClient(platform: Pick<TestPlatform, 'rest'>, { key, at }: Pick<TestSalon, 'key' | 'at'>, json: object): Promise<string> {
  const answer = await platform.rest<{ client: { id: string } }>(at('clients'), { key, json });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.client.id;
}

/** Adds a photo to a client's media. */
export async function addPhoto(platform: Pick<TestPlatform, 'rest'>, { key, at }: Pick<TestSalon, 'key' | 'at'>, clientId: string, bytes: Uint8Array, name = 'photo.jpg') {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(bytes)]), name);
  return platform.rest<{ data: { id: string; file_url: string; file_name: string; metadata: { source: string } } }>(at(`clients/${clientId}/media`), { key, body: form });
}
