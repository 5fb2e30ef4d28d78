import type { ExecutionResult } from 'graphql';
import { createClient as createEventStreamClient, NetworkError } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { isData } from './data.ts';
import { readError, Unavailable } from './errors.ts';
import type { Call, Stream } from './transport.ts';

/** Server-sent events (distinct connections mode) or graphql-transport-ws. */
export type StreamProtocol = 'sse' | 'ws';

export type RemoteSubscription = {
  name: string;
  url: URL;
  protocol: StreamProtocol;
  headers: Readonly<Record<string, string>>;
  query: string;
  variables: Call['variables'];
  /** The key in a ping's payload by which the server tells over a socket that the subscription has begun. Null: it does not tell. */
  begunKey: string | null;
};

/**
 * Opens a subscription at another server, on a connection of its own that closes with the stream. It is not taken up again when it breaks: its
 * client does that, with the place it has reached. Where the server tells that it has begun, a refusal is one answer in the place of the stream;
 * elsewhere it is the stream's only event.
 */
export async function openRemoteStream(wanted: RemoteSubscription): Promise<Stream | ExecutionResult> {
  const { url, protocol, headers, query, variables, begunKey } = wanted;
  const payload = { query, variables: { ...variables } };
  if (protocol === 'sse') {
    const client = createEventStreamClient({ url: url.href, headers: { ...headers }, retryAttempts: 0 });
    return disposing(wanted, client.iterate(payload), () => client.dispose());
  }
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const begun = Promise.withResolvers<'begun'>();
  const client = createSocketClient({
    url: socketUrl.href, webSocketImpl: socketWith(headers), connectionParams: { ...headers }, retryAttempts: 0, lazyCloseTimeout: 0,
    on: { ping: (isReceived, told) => void (isReceived && begunKey !== null && told?.[begunKey] !== undefined && begun.resolve('begun')) },
  });
  const stream = disposing(wanted, client.iterate(payload), () => void client.dispose());
  return begunKey === null ? stream : orRefusal(stream, begun.promise);
}

/** Waits until the stream has begun or has said something, which may be why it has not. */
async function orRefusal(stream: Stream, begun: Promise<'begun'>): Promise<Stream | ExecutionResult> {
  const first = stream.next();
  const known = await Promise.race([begun, first]);
  if (known !== 'begun' && !known.done && known.value.data === undefined && known.value.errors) return known.value;
  let isFirst = true;
  const whole: Stream = {
    ...stream,
    next() {
      if (!isFirst) return stream.next();
      isFirst = false;
      return first;
    },
    [Symbol.asyncIterator]: () => whole,
  };
  return whole;
}

function socketWith(headers: Readonly<Record<string, string>>) {
  return class extends WebSocket {
    constructor(address: string, protocols?: string | string[]) {
      super(address, protocols, { headers: { ...headers } });
    }
  };
}

/** The clients' own iterators end late, and throw what they were told; this one ends its client with it, and gives what it was told as an event. */
function disposing({ name }: RemoteSubscription, events: AsyncIterator<unknown>, dispose: () => void): Stream {
  // At once: what fails before anybody asks for the first event would never be told.
  let first: Promise<IteratorResult<unknown>> | null = events.next();
  first.catch(() => undefined);
  const stop = async (): Promise<IteratorResult<ExecutionResult>> => {
    void events.return?.();
    dispose();
    return { done: true, value: undefined };
  };
  return {
    async next() {
      try {
        const coming = first ?? events.next();
        first = null;
        const event = await coming;
        return event.done ? await stop() : { done: false, value: answerOf(event.value) };
      } catch (error) {
        await stop();
        if (Array.isArray(error)) return { done: false, value: { errors: error.map(readError) } };
        throw brokenBy(name, error);
      }
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

function answerOf(event: unknown): ExecutionResult {
  if (!isData(event)) throw new Error('a subgraph sent an event that is no object');
  return Array.isArray(event['errors']) ? { ...event, errors: event['errors'].map(readError) } : event;
}

/** What broke a connection is no fault of whoever uses it; what a server answered instead of a stream is. */
function brokenBy(name: string, error: unknown): Error {
  const status = error instanceof NetworkError && isData(error.response) ? error.response['status'] : undefined;
  if (typeof status === 'number' && status < 500) return new Error(`${name} answered a subscription with status ${status}`, { cause: error });
  return new Unavailable(`${name}: the stream broke`, 1, error);
}
