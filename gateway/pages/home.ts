import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { Environment } from '../../subgraphs/env.ts';
import { readDemo } from '../demo-data.ts';
import { escapeHtml } from './plain.ts';

const page = readFileSync(new URL('home.html', import.meta.url), 'utf8');
const script = readFileSync(new URL('home.js', import.meta.url), 'utf8');
const policy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; connect-src 'self'";

/** What to do next, with a form to try it. The demo's key is in it outside production and nowhere else. */
export function serveHome(app: FastifyInstance, env: Environment): void {
  app.get('/', async (_, reply) => {
    const demo = env.mode === 'production' ? null : await readDemo(env.dataDir);
    const values = { url: env.publicUrl, key: demo?.personalKey ?? '', shownKey: demo?.personalKey ?? 'YOUR_KEY', photo: demo?.photo ? '/demo/portrait.jpg' : '' };
    const html = page.replaceAll(/\{\{(url|key|shownKey|photo)\}\}/g, (_whole, name: keyof typeof values) => escapeHtml(values[name]));
    return reply.header('content-security-policy', policy).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html);
  });
  app.get('/home.js', async (_, reply) => reply.header('cache-control', 'no-cache').type('text/javascript; charset=utf-8').send(script));
}
