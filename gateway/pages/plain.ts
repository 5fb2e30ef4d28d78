import type { FastifyReply } from 'fastify';

/** Text that is shown as it is. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A page of headings, text and forms, without scripts or styles. `body` is HTML. `framedBy`: whose pages it may stand in. */
export async function plainPage(reply: FastifyReply, title: string, body: string, { framedBy = "'none'" as "'none'" | '*' } = {}): Promise<FastifyReply> {
  const html = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>${escapeHtml(title)}</title><main><h1>${escapeHtml(title)}</h1>${body}</main></html>\n`;
  return reply.header('content-security-policy', `default-src 'none'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors ${framedBy}`)
    .header('referrer-policy', 'same-origin').header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html);
}
