import type { TestSalon } from './salon.ts';

/** Whom and what the requests below are about. The photos differ, the person has the first of them, and invitations of a, b, c and d@acme.com are open. */
type Known = { person: string; partner: string; organization: string; salon: Pick<TestSalon, 'key' | 'at'>; clientId: string; teamId: string; photos: readonly [Uint8Array, Uint8Array] };
type Init = { json?: object; body?: FormData };
export type RepeatablePost = {
  at?: string;
  headers: Record<string, string>;
  send(): Init;
  /** Something else at the same address. */
  other(): Init;
  /** What there is one more of, whatever happens in between. Null: it is the same a second time by itself. */
  counted: string | null;
};

export const organizations = '/api/v2/organization';
export const photoForm = (bytes: Uint8Array, name = 'me.jpg'): FormData => {
  const data = new FormData();
  data.append('file', new Blob([new Uint8Array(bytes)]), name);
  return data;
};
const json = (value: object) => () => ({ json: value });
const file = (bytes: Uint8Array) => () => ({ body: photoForm(bytes) });

/** One example for each POST of the documented APIs that takes a key and changes something, by its path. */
export function repeatablePosts({ person, partner, organization, salon, clientId, teamId, photos: [photo, another] }: Known): Record<string, RepeatablePost> {
  const [ofPerson, ofSalon, bearer] = [{ 'x-api-key': person }, { 'x-api-key': salon.key }, { authorization: `Bearer ${organization}` }];
  const order = { mode: 'live', gender: 'person', styles: ['817941'], image_name: 'me.jpg' };
  return {
    '/api/v1/generation/hairstyle': { headers: ofPerson, send: json(order), other: json({ ...order, styles: ['462817'] }), counted: 'hairstyle.generation' },
    '/api/v1/images': { headers: ofPerson, send: file(photo), other: file(another), counted: 'hairstyle.image' },
    '/api/v1/enterprise/:slug/clients': { at: salon.at('clients'), headers: ofSalon, send: json({ email: 'once@example.com' }), other: json({ email: 'other@example.com' }), counted: 'enterprise.client' },
    '/api/v1/enterprise/:slug/clients/:id/media': { at: salon.at(`clients/${clientId}/media`), headers: ofSalon, send: file(photo), other: file(another), counted: 'enterprise.client_media' },
    '/api/v1/enterprise/:slug/api-keys': { at: salon.at('api-keys'), headers: ofSalon, send: json({ name: 'once' }), other: json({ name: 'other' }), counted: 'enterprise.api_key' },
    '/api/v1/admin/enterprise': { headers: { 'x-partner-api-key': partner }, send: json({ businessName: 'Once Only', businessType: 'barber', ownerEmail: 'o@example.com' }), other: json({ businessName: 'Other One', businessType: 'barber', ownerEmail: 'o@example.com' }), counted: 'enterprise.account' },
    [`${organizations}/invites`]: { headers: bearer, send: json({ email: 'once@acme.com' }), other: json({ email: 'other@acme.com' }), counted: 'headshot.invite' },
    [`${organizations}/invites/revoke`]: { headers: bearer, send: json({ email: 'c@acme.com' }), other: json({ email: 'd@acme.com' }), counted: null },
    [`${organizations}/models`]: { headers: bearer, send: json({ email: 'model@acme.com' }), other: json({ email: 'other.model@acme.com' }), counted: 'headshot.model' },
    [`${organizations}/teams`]: { headers: bearer, send: json({ name: 'Once' }), other: json({ name: 'Other' }), counted: 'headshot.team' },
    [`${organizations}/teams/:teamId/members`]: { at: `${organizations}/teams/${teamId}/members`, headers: bearer, send: json({ emails: ['a@acme.com'] }), other: json({ emails: ['b@acme.com'] }), counted: null },
    '/api/skinshade': { headers: ofPerson, send: file(photo), other: file(another), counted: 'skinshade.reading' },
  };
}
