import { once } from 'node:events';
import { WebSocket } from 'ws';

export type Message = { type: string; id?: string; payload?: unknown };

/** A socket as the wire shows it: what came, in order, and how it was closed. `init` is sent at once. */
export async function connectRaw(address: string, protocols: string | string[], ...init: unknown[]) {
  return connectAs({}, address, protocols, ...init);
}

/** The same with headers of the upgrade. */
export async function connectAs(headers: Record<string, string>, address: string, protocols: string | string[], ...init: unknown[]) {
  const socket = new WebSocket(address, protocols, { headers });
  const came: Message[] = [];
  const waiting: ((message: Message) => void)[] = [];
  const closed = Promise.withResolvers<[number, string]>();
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message;
    const next = waiting.shift();
    if (next) next(message);
    else came.push(message);
  });
  socket.on('close', (code, reason) => closed.resolve([code, String(reason)]));
  await once(socket, 'open');
  const send = (message: unknown): void => socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  const next = (): Promise<Message> => {
    const message = came.shift();
    return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
  };
  for (const message of init) send(message);
  return { socket, send, next, closed: closed.promise };
}
