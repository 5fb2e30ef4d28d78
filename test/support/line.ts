import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

type Scope = { after(work: () => Promise<void>): void };

/** A network between clients and a server that can be lost: connections through it are cut, those after that go through again. */
export async function createLine({ after }: Scope, port: number): Promise<{ port: number; /** How many connections were made so far. */ connections(): number; cut(): void }> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(one);
      one.setNoDelay(true).pipe(other);
      one.on('error', () => other.destroy()).once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  after(async () => {
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port, connections: () => connections, cut };
}
