import { Readable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import type { KeyId } from '../subgraphs/ids.ts';
import type { Closing } from './openings.ts';
import type { Stream } from './transport.ts';

/** How the answers of a stream are written into one body. */
export type Framing = {
  /** Sent at once, so that the client knows that it is connected. */
  opening: string;
  /** Sent while nothing happens; empty for none. */
  heartbeat: string;
  part(answer: ExecutionResult): string;
  /** Behind the last answer. */
  end: string;
  /** In its place when the server goes away: the client is to come back. */
  leaving: string;
};

/** A body that goes on. Destroying it ends its stream. */
export type StreamedBody = { body: Readable; close: Closing; /** The key that it was opened with. */ keyId: KeyId | null };

/** Proxies close connections that are silent for a minute, some for half of it. */
export const heartbeatMs = 12_000;

/** The next answer is asked for when the client has room for it. */
export function streamBody(stream: Stream, keyId: KeyId | null, { opening, heartbeat, part, end, leaving }: Framing): StreamedBody {
  let isPulling = false;
  let isOver = false;
  const finish = (last: string): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    if (last !== '') body.push(last);
    body.push(null);
  };
  const pull = async (): Promise<void> => {
    if (isPulling) return;
    isPulling = true;
    const { done, value } = await stream.next();
    isPulling = false;
    if (done) finish(end);
    else if (!isOver) body.push(part(value));
  };
  const body: Readable = new Readable({
    read() {
      pull().catch((error: Error) => this.destroy(error));
    },
    destroy(error, callback) {
      isOver = true;
      clearInterval(timer);
      // The stream's end is not waited for: it may be in the middle of an event.
      void stream.return?.();
      callback(error);
    },
  });
  const timer = setInterval(() => heartbeat !== '' && body.push(heartbeat), heartbeatMs).unref();
  body.push(opening);
  return { body, keyId, close: (why) => (why === 'key ended' ? void body.destroy() : finish(leaving)) };
}
