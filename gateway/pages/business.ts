import type { FastifyInstance } from 'fastify';
import { plainPage } from './plain.ts';

/** The addresses that a new business is given. They tell nobody which businesses and widgets there are: every one is answered alike. */
export function serveBusinessPages(app: FastifyInstance): void {
  app.get('/org/:slug', async (_, reply) => plainPage(reply, 'Your business', '<p><a href="/login">Sign in</a> to act for it. Its clients, keys and credits are in the API: a session opens it, and so does the key that came with the business.</p>'));
  app.get('/org/:slug/widgets/:id', async (_, reply) => plainPage(reply, 'Your widget', '<p><a href="/login">Sign in</a> to act for the business that it belongs to.</p>'));
  app.get('/studio-widget', async (_, reply) => plainPage(reply, 'Hair consultation', '<p>Ask in the salon for your pictures.</p>'));
}
