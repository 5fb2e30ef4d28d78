import { Readable } from 'node:stream';
import type { StreamEvent } from './route.ts';

/** Proxies close connections that are silent for a minute, some for half of it. */
const heartbeatMs = 12_000;

/** Server-sent events of a stream of results. It ends after the last one; destroying it ends the stream. */
export function streamEvents<Result>(results: AsyncIterableIterator<Result>, eventOf: (result: Result) => StreamEvent): Readable {
  let isPulling = false;
  const pull = async (body: Readable): Promise<void> => {
    if (isPulling) return;
    isPulling = true;
    const { done, value } = await results.next();
    isPulling = false;
    if (body.destroyed) return;
    if (done) return void body.push(null);
    const event = eventOf(value);
    body.push(textOf(event));
    if (event.isLast) body.push(null);
  };
  const body: Readable = new Readable({
    encoding: 'utf8',
    read() {
      pull(this).catch((error: Error) => this.destroy(error));
    },
    destroy(error, callback) {
      clearInterval(heartbeat);
      void results.return?.();
      callback(error);
    },
  });
  const heartbeat = setInterval(() => body.push(':\n\n'), heartbeatMs).unref();
  // At once, so that the headers go out; EventSource comes back two seconds after a lost connection.
  body.push('retry: 2000\n\n');
  return body;
}

function textOf({ id, name, data }: StreamEvent): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
