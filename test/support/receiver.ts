import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import { until } from './database.ts';

export type Call = { path: string; headers: IncomingHttpHeaders; body: string };
export type Receiver = Awaited<ReturnType<typeof openReceiver>>;

/** A customer's server: remembers what it was sent, in order, and answers as the path says: `/500`, `/503?retry-after=60`, `/302`, `/410`, `/hang`; else 204. */
export async function openReceiver(t: { after(work: () => Promise<void> | void): void }) {
  const calls: Call[] = [];
  const answers = new Map<string, number>();
  const redirects = new Map<string, string>();
  const released = new Set<string>();
  const hanging: { path: string; response: ServerResponse }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://receiver');
    calls.push({ path: url.pathname, headers: request.headers, body: (await buffer(request)).toString() });
    const status = answers.get(url.pathname) ?? Number(/^\/(\d{3})/.exec(url.pathname)?.[1] ?? 204);
    const target = redirects.get(url.pathname);
    if (target !== undefined) return void response.writeHead(302, { location: encodeURI(target) }).end();
    if (url.pathname.startsWith('/hang') && !released.has(url.pathname)) return void hanging.push({ path: url.pathname, response });
    const retryAfter = url.searchParams.get('retry-after');
    response.writeHead(status, { ...status === 302 && { location: '/elsewhere' }, ...retryAfter !== null && { 'retry-after': retryAfter } });
    response.end('what a stranger says');
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at = (path: string): Call[] => calls.filter((call) => call.path === path);
  return {
    host, calls, at,
    url: (path: string): string => `http://${host}${path}`,
    /** From now on this path answers so. */
    answers: (path: string, status: number): void => void answers.set(path, status),
    /** Answers what hangs there, and what will come. */
    release(path: string): void {
      released.add(path);
      for (const waiting of hanging) if (waiting.path === path) waiting.response.writeHead(204).end();
    },
    redirects: (path: string, target: string): void => void redirects.set(path, target),
    called: async (path: string, times = 1): Promise<Call> => until(() => at(path)[times - 1] ?? null),
  };
}

/** The body of a call that is signed by this secret. */
export function verified<Body>({ headers, body }: Call, secret: string): Body {
  const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const verdict = new Webhook(secret).verify(body, plain);
  assert.ok(verdict);
  return verdict as Body;
}
