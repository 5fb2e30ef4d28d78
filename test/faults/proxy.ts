import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** `slow`: every piece takes its time; `silent`: nothing comes through any more, and nobody is told. */
export type Mood = 'open' | 'slow' | 'silent' | 'refusing';
export type Proxy = Awaited<ReturnType<typeof startProxy>>;

const slowMs = 80;

/** A way to a port of this machine that can be cut, slowed down and blocked. */
export async function startProxy(targetPort: number) {
  const open = new Set<Socket>();
  const state: { mood: Mood } = { mood: 'open' };
  const passage = async (): Promise<void> => {
    if (state.mood === 'slow') await pause(slowMs);
    while (state.mood === 'silent') await pause(50);
  };
  const forward = async (from: Socket, to: Socket): Promise<void> => {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await passage();
        if (to.destroyed) break;
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      }
      to.end();
    } catch {
      to.destroy();
    }
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (state.mood === 'refusing') {
      client.destroy();
      return;
    }
    const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    for (const [socket, other] of [[client, target], [target, client]] as const) {
      open.add(socket);
      socket.setNoDelay(true).on('error', () => other.destroy()).once('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    void forward(client, target);
    void forward(target, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => open.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    set: (next: Mood): void => void (state.mood = next),
    cut,
    stop(): void {
      state.mood = 'refusing';
      cut();
      server.close();
    },
  };
}
