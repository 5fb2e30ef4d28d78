import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** Text that is shown as it is. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const style = [
  'body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1d1a24; background: #fbfafc; color-scheme: light; }', 'main { max-width: 44rem; margin: 0 auto; padding: 32px 24px 64px; }',
  'h1 { font-size: 28px; line-height: 1.2; margin: 0 0 16px; } h2 { font-size: 18px; margin: 0; } a { color: #6a2fe0; } dt { color: #6c6678; font-size: 14px; } dd { margin: 0 0 8px; overflow-wrap: anywhere; }',
  'form { margin: 16px 0; } input { font: inherit; padding: 8px 10px; border: 1px solid #8a8496; border-radius: 8px; background: #fff; }',
  'button { font: inherit; font-weight: 600; padding: 9px 16px; border: 0; border-radius: 8px; background: #6a2fe0; color: #fff; cursor: pointer; }',
  'article { margin: 16px 0; padding: 16px; border: 1px solid #e6e2ec; border-radius: 12px; background: #fff; } pre { margin: 0; font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }',
].join(' ');
/** No other style is taken. */
const styleSource = `'sha256-${createHash('sha256').update(style).digest('base64')}'`;

/** A page of headings, text and forms, without scripts, in the one style that all of them have. `body` is HTML. `framedBy`: whose pages it may stand in. */
export async function plainPage(reply: FastifyReply, title: string, body: string, { framedBy = "'none'" as "'none'" | '*' } = {}): Promise<FastifyReply> {
  const html = `<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><title>${escapeHtml(title)}</title><style>${style}</style><main><h1>${escapeHtml(title)}</h1>${body}</main></html>\n`;
  return reply.header('content-security-policy', `default-src 'none'; style-src ${styleSource}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors ${framedBy}`)
    .header('referrer-policy', 'same-origin').header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html);
}
