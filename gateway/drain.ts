import type { Server } from 'node:http';
import type { Openings } from './openings.ts';

/** For requests that are under way and for sockets that say goodbye: shorter than the grace that process managers give. */
const drainMs = 5_000;

/**
 * Closes streams and sockets, lets requests finish, and ends what is still there after five seconds. `endSockets` ends those that do not
 * answer: a server counts them as its connections and cannot close them itself.
 */
export async function drain(server: Server, openings: Openings, endSockets: () => void): Promise<void> {
  const force = setTimeout(() => {
    endSockets();
    server.closeAllConnections();
  }, drainMs);
  await openings.closeAll();
  // A connection that was busy becomes idle later; the server closes only those that are idle now.
  const idle = setInterval(() => server.closeIdleConnections(), 100);
  await closed(server);
  clearInterval(idle);
  clearTimeout(force);
}

/** Ends all connections at once. */
export async function closeNow(server: Server): Promise<void> {
  const ended = closed(server);
  server.closeAllConnections();
  await ended;
}

async function closed(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}
