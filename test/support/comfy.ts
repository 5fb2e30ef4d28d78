import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

export type Asked = { method: string; path: string; body: Buffer; headers: IncomingMessage['headers'] };
type Scope = { after(work: () => Promise<void>): void };

/** A small server that notes what it is asked; `answer` gives null where it does not know the path. */
export async function startFake(t: Scope, answer: (asked: Asked, response: ServerResponse) => unknown) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, body: await buffer(request), headers };
      asked.push(one);
      const body = await answer(one, response);
      if (response.headersSent || response.destroyed || body === undefined) return;
      if (body === null) response.writeHead(404).end();
      else response.writeHead(200, { 'content-type': body instanceof Uint8Array ? 'image/png' : 'application/json' }).end(body instanceof Uint8Array ? body : JSON.stringify(body));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close').catch(() => null);
  });
  return { server, asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths: () => asked.map(({ method, path }) => `${method} ${path.split('?')[0]}`) };
}

/** A ComfyUI as far as we know one: `run` says what happens between the prompt and its end. */
export async function startComfy(t: Scope, picture: () => Promise<Uint8Array>, run: (say: (type: string, data: object) => void, socket: () => WebSocket | undefined) => Promise<'done' | 'failed' | 'never'>) {
  let socket: WebSocket | undefined;
  let history: object = {};
  const said = (type: string, data: object): void => socket?.send(JSON.stringify({ type, data: { prompt_id: 'p-1', ...data } }));
  const work = async (): Promise<void> => {
    const end = await run(said, () => socket);
    if (end === 'never') return;
    const outputs = end === 'done' ? { '9': { images: [{ filename: 'out.png', subfolder: '', type: 'output' }] } } : {};
    history = { 'p-1': { outputs, status: { status_str: end === 'done' ? 'success' : 'error', completed: end === 'done' } } };
    said(end === 'done' ? 'execution_success' : 'execution_error', {});
  };
  const fake = await startFake(t, async ({ method, path, body }) => {
    if (path === '/upload/image') return { name: /filename="([^"]+)"/.exec(body.toString('latin1'))?.[1], subfolder: '', type: 'input' };
    if (method === 'POST' && path === '/prompt') {
      void work();
      return { prompt_id: 'p-1', number: 1, node_errors: {} };
    }
    if (path === '/history/p-1') return history;
    if (path.startsWith('/view?')) return picture();
    return ['/interrupt', '/queue'].includes(path) ? {} : null;
  });
  const sockets = new WebSocketServer({ server: fake.server, path: '/ws' });
  sockets.on('connection', (opened) => (socket = opened));
  t.after(async () => sockets.clients.forEach((client) => client.terminate()));
  return fake;
}
