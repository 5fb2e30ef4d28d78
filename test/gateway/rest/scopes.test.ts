import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { aihairstylesRoutes } from '../../../gateway/rest/aihairstyles.ts';
import { enterpriseRoutes } from '../../../gateway/rest/enterprise.ts';
import { headshotModelRoutes } from '../../../gateway/rest/headshotpro-models.ts';
import { headshotproRoutes } from '../../../gateway/rest/headshotpro.ts';
import { skinshadeRoutes } from '../../../gateway/rest/skinshade.ts';
import { partnerRoutes } from '../../../gateway/rest/partner.ts';
import { allScopes } from '../../../subgraphs/keys.ts';
import { nobody } from '../../support/photos.ts';
import { createStore } from '../../../subgraphs/headshot/store.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { addClient, openBusiness } from '../../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const partner = await platform.tenant({ kind: 'partner' });
const organization = await platform.tenant({ kind: 'organization' });
const salon = await openBusiness(platform, partner.key);
let clients = 0;
const photo = await nobody();

type Need = { scopes: readonly string[]; body?: 'photo' | object; refused?: number };
/** What each documented request takes: nothing else may be needed, and nothing less may do. */
const needs: Record<string, Need> = {
  'GET /api/generatekey': { scopes: [] },
  'POST /api/skinshade': { scopes: ['skinshade:write'], body: 'photo' },
  'GET /api/skinshade-health': { scopes: [] },
  'GET /api/v1/styles': { scopes: [] },
  'GET /api/v1/colors': { scopes: [] },
  'POST /api/v1/generation/hairstyle': { scopes: ['generations:write'], body: { gender: 'person', styles: ['817941'], image_name: 'none.jpg' } },
  'GET /api/v1/generation/:id': { scopes: ['generations:read'] },
  'EVENTS /api/v1/generation/:id/events': { scopes: ['generations:read'] },
  'DELETE /api/v1/generation/:id': { scopes: ['generations:write'] },
  'POST /api/v1/styles/import': { scopes: ['generations:write'], body: 'photo' },
  'DELETE /api/v1/styles/:id': { scopes: ['generations:write'] },
  'POST /api/v1/images': { scopes: ['generations:write'], body: 'photo' },
  'GET /api/v1/enterprise/:slug/clients': { scopes: ['clients:read'] },
  'POST /api/v1/enterprise/:slug/clients': { scopes: ['clients:write'], body: { email: 'a@example.com' } },
  'GET /api/v1/enterprise/:slug/clients/:id': { scopes: ['clients:read'] },
  'DELETE /api/v1/enterprise/:slug/clients/:id': { scopes: ['clients:write'] },
  'GET /api/v1/enterprise/:slug/erasures/:id': { scopes: ['clients:read'] },
  'GET /api/v1/enterprise/:slug/clients/:id/generations': { scopes: ['clients:read', 'generations:read'] },
  'POST /api/v1/enterprise/:slug/clients/:id/media': { scopes: ['clients:write'], body: 'photo' },
  'GET /api/v1/enterprise/:slug/api-keys': { scopes: ['keys:read'] },
  'POST /api/v1/enterprise/:slug/api-keys': { scopes: ['keys:write'], body: { name: 'k' } },
  'DELETE /api/v1/enterprise/:slug/api-keys/:id': { scopes: ['keys:write'] },
  // A key that may not create businesses is no partner's key.
  'POST /api/v1/admin/enterprise': { scopes: ['partner:admin'], body: { businessName: 'Scoped', businessType: 'salon', ownerEmail: 'a@example.com' }, refused: 401 },
  'GET /api/v2/organization': { scopes: ['organization:read'] },
  'GET /api/v2/organization/credits': { scopes: ['organization:read'] },
  'GET /api/v2/organization/invites': { scopes: ['invites:read'] },
  'POST /api/v2/organization/invites': { scopes: ['invites:write'], body: { email: 'a@example.com' } },
  'GET /api/v2/organization/invites/:email': { scopes: ['invites:read'] },
  'POST /api/v2/organization/invites/revoke': { scopes: ['invites:write'], body: { email: 'a@example.com' } },
  'GET /api/v2/organization/team': { scopes: ['teams:read'] },
  'GET /api/v2/organization/team/accepted': { scopes: ['teams:read'] },
  'GET /api/v2/organization/team/pending': { scopes: ['teams:read'] },
  'GET /api/v2/organization/team/finished': { scopes: ['teams:read'] },
  'GET /api/v2/organization/teams': { scopes: ['teams:read'] },
  'POST /api/v2/organization/teams': { scopes: ['teams:write'], body: { name: 'k' } },
  'PUT /api/v2/organization/teams/:teamId': { scopes: ['teams:write'], body: { name: 'k' } },
  'DELETE /api/v2/organization/teams/:teamId': { scopes: ['teams:write'] },
  'POST /api/v2/organization/teams/:teamId/members': { scopes: ['teams:write'], body: { emails: ['a@example.com'] } },
  'GET /api/v2/organization/models': { scopes: ['models:read'] },
  'POST /api/v2/organization/models': { scopes: ['models:write'], body: { email: 'a@example.com' } },
  'GET /api/v2/organization/models/:modelId': { scopes: ['models:read'] },
  'DELETE /api/v2/organization/models/:modelId': { scopes: ['models:write'] },
  'GET /api/v2/organization/models/:modelId/photos': { scopes: ['photos:read'] },
  'GET /api/v2/organization/models/:modelId/photos/favorite': { scopes: ['photos:read'] },
  'GET /api/v2/organization/models/:modelId/photos/:photoId': { scopes: ['photos:read'] },
  'POST /api/v2/organization/models/:modelId/photos/download': { scopes: ['photos:read'], body: {} },
  'GET /api/v2/organization/photos/favorites': { scopes: ['photos:read'] },
  'PUT /api/v2/organization/photos/:photoId': { scopes: ['photos:write'], body: { likedStatus: 'loved' } },
  'PUT /api/v2/organization/photos/:photoId/favorite': { scopes: ['photos:write'] },
};

// Without it nobody may begin models, whatever the key.
await createStore(platform.platform.connection).setWhitelabel(organization.accountId, true);

type Kind = 'partner' | 'enterprise' | 'organization';
const keyWith = async (scopes: readonly string[], accountKind: Kind): Promise<string> => {
  const others = { partner: partner.accountId, organization: organization.accountId };
  const [{ id } = {}] = accountKind !== 'enterprise' ? [{ id: others[accountKind] }] : await platform.platform.connection.execute('select id from enterprise.account where slug = $1', [salon.slug]);
  return (await platform.platform.keys.issue({ accountId: id as typeof partner.accountId, accountKind, name: 'k', scopes, expiresAt: null })).secret;
};

async function statusOf(route: { method: string; path: string }, { body }: Need, key: string): Promise<number> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(photo)]), 'a.jpg');
  const client = route.path.includes('clients/:id') ? await addClient(platform, salon, { email: `c${++clients}@example.com` }) : '';
  const path = route.path.replace(':slug', salon.slug).replace('clients/:id', `clients/${client}`).replace(':id', 'none').replace(':email', 'a@example.com').replaceAll(/:\w+Id/g, 'none');
  const payload = body === 'photo' ? { body: form } : body ? { json: body } : {};
  return (await platform.rest(path, { method: route.method === 'EVENTS' ? 'GET' : route.method, key, ...payload })).status;
}

const routes = [...aihairstylesRoutes, ...enterpriseRoutes, ...partnerRoutes, ...headshotproRoutes, ...headshotModelRoutes, ...skinshadeRoutes];
test('every route says what it takes', () => assert.deepEqual(routes.map(({ method, path }) => `${method} ${path}`).sort(), Object.keys(needs).sort()));

for (const route of routes) {
  const name = `${route.method} ${route.path}`;
  const need = needs[name] ?? { scopes: ['unknown'] };
  const kind: Kind = need.scopes.includes('partner:admin') ? 'partner' : route.path.startsWith('/api/v2/') ? 'organization' : 'enterprise';
  test(`${name} takes ${need.scopes.join(' and ') || 'any key'} and nothing else`, async () => {
    const refused = need.refused ?? 403;
    assert.notEqual(await statusOf(route, need, await keyWith(need.scopes, kind)), refused);
    for (const missing of need.scopes) {
      const others = allScopes.filter((scope) => scope !== missing && (kind === 'partner' || scope !== 'partner:admin'));
      assert.equal(await statusOf(route, need, await keyWith(others, kind)), refused, `without ${missing}`);
    }
  });
}
