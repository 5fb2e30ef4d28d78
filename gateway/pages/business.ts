import type { FastifyInstance, FastifyReply } from 'fastify';

/** The addresses that a new business is given. They tell nobody which businesses and widgets there are: every one is answered alike. */
export function serveBusinessPages(app: FastifyInstance): void {
  app.get('/org/:slug', async (_, reply) => page(reply, 'Your business', 'Sign in to see its clients, keys and credits. Until then the API shows them: the key that came with the business opens it.'));
  app.get('/org/:slug/widgets/:id', async (_, reply) => page(reply, 'Your widget', 'Sign in to change how the consultation looks on your site.'));
  app.get('/studio-widget', async (_, reply) => page(reply, 'Hair consultation', 'Ask in the salon for your pictures.'));
}

async function page(reply: FastifyReply, title: string, text: string): Promise<FastifyReply> {
  const html = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><main><h1>${title}</h1><p>${text}</p></main></html>\n`;
  return reply.header('content-security-policy', "default-src 'none'").header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html);
}
