import { nobody } from './photos.ts';
import type { Answer, TestPlatform } from './platform.ts';

/** What each route of the Enterprise API is asked with, so that nothing but what a test changes is wrong with it. */
export const enterpriseRequests = {
  'GET /api/v1/enterprise/:slug/clients': {},
  'POST /api/v1/enterprise/:slug/clients': { json: { email: 'asked@example.com' } },
  'GET /api/v1/enterprise/:slug/clients/:id': { of: 'client' },
  'DELETE /api/v1/enterprise/:slug/clients/:id': { of: 'client' },
  'GET /api/v1/enterprise/:slug/clients/:id/generations': { of: 'client' },
  'POST /api/v1/enterprise/:slug/clients/:id/media': { of: 'client', photo: true },
  'GET /api/v1/enterprise/:slug/erasures/:id': { of: 'erasure' },
  'GET /api/v1/enterprise/:slug/api-keys': {},
  'POST /api/v1/enterprise/:slug/api-keys': { json: { name: 'asked' } },
  'DELETE /api/v1/enterprise/:slug/api-keys/:id': { of: 'key' },
} as const satisfies Record<string, { of?: Kind; json?: object; photo?: boolean }>;

type Kind = 'client' | 'erasure' | 'key';
export type EnterpriseRoute = keyof typeof enterpriseRequests;
export const enterpriseRouteNames = Object.keys(enterpriseRequests) as EnterpriseRoute[];
export const unknownIds = { client: 'client_01ARZ3NDEKTSV4RRFFQ69G5FAV', erasure: 'erasure_01ARZ3NDEKTSV4RRFFQ69G5FAV', key: 'key_01ARZ3NDEKTSV4RRFFQ69G5FAV' } as const satisfies Record<Kind, string>;

/** Asks a route of the business with that slug, about what `ids` names and else about nobody's. */
export async function askEnterprise(platform: Pick<TestPlatform, 'rest'>, name: EnterpriseRoute, { slug, key, ids = {} }: { slug: string; key: string | null; ids?: Partial<Record<Kind, string>> }): Promise<Pick<Answer, 'status' | 'body'>> {
  const request: { of?: Kind; json?: object; photo?: boolean } = enterpriseRequests[name];
  const [method = '', path = ''] = name.split(' ');
  const id = request.of ? { ...unknownIds, ...ids }[request.of] : '';
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(await nobody())]), 'a.jpg');
  const { status, body } = await platform.rest(path.replace(':slug', slug).replace(':id', id), { method, key, ...request.json && { json: request.json }, ...request.photo && { body: form } });
  return { status, body };
}
