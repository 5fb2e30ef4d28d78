import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRandom } from '../fuzz/random.ts';

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
type Told = { id: string; body: string };

/**
 * Hears callbacks, and fails: of every second message the first attempt is refused, cut off, or answered too late for comfort. Longer it does not
 * fail, for the third attempt is five minutes after the second.
 */
export async function startReceiver(seed: number) {
  const random = createRandom(seed);
  const seen = new Set<string>();
  /** By the path that was called. */
  const taken = new Map<string, Told[]>();
  let attempts = 0;
  const server = createServer((request, response) => {
    const take = async (): Promise<void> => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk;
      attempts += 1;
      const id = String(request.headers['webhook-id']);
      const isFirst = !seen.has(id);
      seen.add(id);
      const mood = isFirst ? random.below(8) : 7;
      if (mood === 0) {
        response.writeHead(500).end();
        return;
      }
      if (mood === 1) {
        request.socket.destroy();
        return;
      }
      if (mood === 2) {
        response.writeHead(302, { location: 'http://127.0.0.1/' }).end();
        return;
      }
      const path = request.url ?? '';
      taken.set(path, [...taken.get(path) ?? [], { id, body }]);
      setTimeout(() => response.end(), mood === 3 ? 2000 : 0);
    };
    take().catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, taken, attempts: () => attempts,
    stop(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}
