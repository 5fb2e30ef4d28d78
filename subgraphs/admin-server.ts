import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isReady } from './health.ts';
import { measureQueues } from './jobs-watch.ts';
import type { Platform } from './platform.ts';

export type AdminServer = { port: number; stop(): Promise<void> };

/**
 * Serves operators at ADMIN_PORT: `/metrics` in the text format of Prometheus, `/livez` and `/readyz` as on the public port. In every role, also in
 * workers that answer nobody else. Null where no port is named.
 */
export async function serveAdmin(platform: Platform, isStopping: () => boolean): Promise<AdminServer | null> {
  const { adminPort, host } = platform.env;
  if (adminPort === null) return null;
  const { metrics, connection, log } = platform;
  metrics.watchProcess();
  const answer = async (path: string, response: ServerResponse): Promise<void> => {
    if (path === '/livez') return json(response, 200, { status: 'ok' });
    if (path === '/readyz') {
      const { ready, status } = await isReady(platform, isStopping, log);
      return json(response, ready ? 200 : 503, { status });
    }
    if (path !== '/metrics') return json(response, 404, { status: 'There are /metrics, /livez and /readyz.' });
    await measureQueues(connection, metrics);
    response.writeHead(200, { 'content-type': metrics.registry.contentType, 'cache-control': 'no-store' }).end(await metrics.registry.metrics());
  };
  const server = createServer((request, response) => {
    answer((request.url ?? '').split('?', 1)[0] ?? '', response).catch((error: unknown) => {
      log.error({ err: error }, 'fault on the admin port');
      response.destroy();
    });
  });
  server.headersTimeout = 10_000;
  server.listen(adminPort, host);
  await once(server, 'listening').catch((error: Error) => {
    throw Object.assign(error, { portVariable: 'ADMIN_PORT' });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(body));
}
