import type { ExecutionResult } from 'graphql';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Call, Stream } from './transport.ts';

/** Server-sent events (distinct connections mode) or graphql-transport-ws. */
export type StreamProtocol = 'sse' | 'ws';

export type RemoteSubscription = { url: URL; protocol: StreamProtocol; headers: Readonly<Record<string, string>>; query: string; variables: Call['variables'] };

/** Opens a subscription at another server, on a connection of its own that closes with the stream. It is not taken up again when it breaks: its client does that, with the place it has reached. */
export async function openRemoteStream({ url, protocol, headers, query, variables }: RemoteSubscription): Promise<Stream> {
  const payload = { query, variables: { ...variables } };
  if (protocol === 'sse') {
    const client = createEventStreamClient({ url: url.href, headers: { ...headers }, retryAttempts: 0 });
    return disposing(client.iterate(payload), () => client.dispose());
  }
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const client = createSocketClient({ url: socketUrl.href, webSocketImpl: socketWith(headers), connectionParams: { ...headers }, retryAttempts: 0, lazyCloseTimeout: 0 });
  return disposing(client.iterate(payload), () => void client.dispose());
}

function socketWith(headers: Readonly<Record<string, string>>) {
  return class extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, { headers: { ...headers } });
    }
  };
}

/** The clients' own iterators end late; this one ends its client with it. */
function disposing(events: AsyncIterator<unknown>, dispose: () => void): Stream {
  const stop = async (): Promise<IteratorResult<ExecutionResult>> => {
    void events.return?.();
    dispose();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      const event = await events.next();
      if (event.done) return stop();
      return { done: false, value: event.value as ExecutionResult };
    },
    return: stop,
    async throw(error) {
      await stop();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
