import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';

type Scope = { after(work: () => Promise<void>): void };
type Backend = { port: number; isReady: boolean; isLooking: boolean; missed: number; agent: Agent };

const lookEveryMs = 100;
const answerWithinMs = 5_000;
/** One that says 503, or takes no connection, is left out at once; one that is slow to say anything, after so many times. */
const mostMissed = 3;

/**
 * A balancer as stands in front of gateways: it asks every backend for /readyz, sends requests and sockets to those that are ready, in turn, and
 * elsewhere only what no backend has heard of: a connection that was not taken. What is lost on the way is lost, and answered 502.
 */
export async function startBalancer(scope: Scope, ports: readonly number[], port = 0) {
  const backends: Backend[] = ports.map((each) => ({ port: each, isReady: false, isLooking: false, missed: 0, agent: new Agent({ keepAlive: true, maxSockets: 64 }) }));
  const sockets = new Set<Socket | Duplex>();
  const lost: string[] = [];
  let turn = 0;
  const next = (tried: ReadonlySet<Backend>): Backend | undefined => {
    const ready = backends.filter((each) => each.isReady && !tried.has(each));
    return ready[turn++ % Math.max(1, ready.length)];
  };
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const tried = new Set<Backend>();
    for (let backend = next(tried); backend; backend = next(tried)) {
      tried.add(backend);
      try {
        return await pass(backend, request, body, response);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') continue;
        lost.push(`${request.method} ${request.url}: ${String(error)}`);
        return void (response.headersSent ? response.destroy() : response.writeHead(502).end());
      }
    }
    lost.push(`${request.method} ${request.url}: no backend was ready`);
    response.writeHead(503).end();
  };
  const server = createServer((request, response) => void forward(request, response));
  const join = async (request: IncomingMessage, client: Duplex, head: Buffer): Promise<unknown> => {
    client.on('error', () => client.destroy());
    const upstream = await dial(next);
    if (!upstream) return client.destroy();
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    upstream.pipe(client).pipe(upstream);
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy()).once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    return undefined;
  };
  server.on('upgrade', (request: IncomingMessage, client: Duplex, head: Buffer) => void join(request, client, head));
  const timer = setInterval(() => backends.forEach((backend) => void look(backend)), lookEveryMs);
  await Promise.all(backends.map(look));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    clearInterval(timer);
    for (const { agent } of backends) agent.destroy();
    for (const socket of sockets) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, lost, isReady: (at: number) => backends[at]?.isReady ?? false, ready: () => backends.filter(({ isReady }) => isReady).length };
}

async function look(backend: Backend): Promise<void> {
  if (backend.isLooking) return;
  backend.isLooking = true;
  try {
    const answer = await fetch(`http://127.0.0.1:${backend.port}/readyz`, { signal: AbortSignal.timeout(answerWithinMs) });
    await answer.body?.cancel();
    backend.isReady = answer.status === 200;
    backend.missed = 0;
  } catch (error) {
    backend.missed += 1;
    if (backend.missed >= mostMissed || (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED') backend.isReady = false;
  } finally {
    backend.isLooking = false;
  }
}

/** A connection to one that takes it. */
async function dial(next: (tried: ReadonlySet<Backend>) => Backend | undefined): Promise<Socket | null> {
  const tried = new Set<Backend>();
  for (let backend = next(tried); backend; backend = next(tried)) {
    tried.add(backend);
    const socket = connect(backend.port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(() => true, () => false);
    if (isOpen) return socket;
  }
  return null;
}

function pass({ port, agent }: Backend, { method, url, headers }: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const upstream = send({ port, host: '127.0.0.1', agent, method, path: url, headers: { ...headers, 'x-forwarded-proto': 'http' } }, (answer) => {
      const { connection: _, ...rest } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, rest);
      answer.pipe(response);
      answer.once('end', resolve).once('error', reject);
      response.once('close', () => answer.destroy());
    });
    upstream.once('error', reject).end(body);
  });
}
