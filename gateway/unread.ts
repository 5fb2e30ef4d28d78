import type { IncomingMessage } from 'node:http';

const lingerMs = 2_000;
const lingerBytes = 4 * 1024 * 1024;

/**
 * Reads on for a moment what a client still sends after its request was answered, and then breaks off. Breaking off at once could cost the
 * client the answer; reading everything would let it send for ever.
 */
export function readOn(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let left = lingerBytes;
  const timer = setTimeout(() => request.destroy(), lingerMs);
  request.once('close', () => clearTimeout(timer)).once('end', () => clearTimeout(timer)).on('error', () => undefined);
  request.unpipe();
  request.on('data', (chunk: Buffer) => {
    left -= chunk.byteLength;
    if (left < 0) request.destroy();
  });
  request.resume();
}
