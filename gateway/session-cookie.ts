import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { credentialOf } from './caller.ts';

const name = 'lookgraph_session';

/** Gives a browser a session, for the pages of this address alone: no script reads it, and no other site's request carries it along. */
export function sessionCookie(secret: string, expiresAt: Date, publicUrl: string): string {
  return `${name}=${secret}; Path=/; HttpOnly; SameSite=Lax; Expires=${expiresAt.toUTCString()}${publicUrl.startsWith('https:') ? '; Secure' : ''}`;
}

export const clearedCookie = (publicUrl: string): string => sessionCookie('', new Date(0), publicUrl);

/** A session in a cookie counts as a key that is sent, where no key is and the request comes from a page of ours. */
export function readSessionCookies(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const secret = headers.cookie === undefined ? null : /(?:^|;\s*)lookgraph_session=([^;\s]+)/.exec(headers.cookie)?.[1];
    if (secret && credentialOf(headers) === null && isOwnPage(headers)) headers.authorization = `Bearer ${secret}`;
  });
}

/** Whether no other site made a browser send this. Browsers that do not say so name the page's origin; what is no browser says neither. */
export function isOwnPage({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return origin === undefined || URL.parse(origin)?.host === host;
}
