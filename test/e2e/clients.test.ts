import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { after, before, describe, test } from 'node:test';
import { ApolloClient, type ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { WebSocketLink } from '@apollo/client/link/ws';
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { SubscriptionClient } from 'subscriptions-transport-ws';
import { EventSource } from 'undici';
import { WebSocket } from 'ws';
import { createLine } from '../support/line.ts';
import type { EventBody } from '../../subgraphs/hairstyle/models.ts';
import { createEventLog } from '../../subgraphs/events.ts';
import type { GenerationId } from '../../subgraphs/ids.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform, type Tenant } from '../support/platform.ts';

// What happens to a generation is told by the test.
const platform = await startTestPlatform({ after }, { workers: 0 });
const events = createEventLog<EventBody>(platform.platform.connection, 'hairstyle');
const line = await createLine({ after }, platform.port);
const urlAt = (port: number): string => `http://127.0.0.1:${port}/graphql`;
let tenant: Tenant;

type Seen = { seq: number; terminal: boolean };
type Data = { generationProgress?: Seen; viewer?: { scopes: string[] }; cancelGeneration?: { generation: { progress: { status: string } }; errors: unknown[] } };
type Answer = { data?: Data | null | undefined };

const texts = {
  query: 'query Who { viewer { scopes } }',
  mutation: 'mutation Cancel($id: ID!) { cancelGeneration(id: $id) { generation { progress { status } } errors { code } } }',
  subscription: 'subscription Watch($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq terminal } }',
};

/** What an application does with a client. */
type Speaker = {
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** Gives what comes until the stream ends; rejects when it breaks and the client does not come back by itself. */
  watch(variables: Record<string, unknown>, onEvent: (event: Seen) => void): Promise<void>;
  close(): void;
};

before(async () => {
  tenant = await platform.tenant();
  await platform.upload(tenant.key, await smallPortrait(300));
});

/** A generation of which one event is known. */
async function begin(): Promise<GenerationId> {
  return (await platform.generate(tenant.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' })).replace('job_', 'gen_') as GenerationId;
}

async function tell(generationId: GenerationId, percent: number): Promise<void> {
  const terminal = percent === 100;
  const progress = { status: terminal ? 'COMPLETED' : 'PROCESSING', stage: 'render', percent, seq: 1, etaSeconds: null, updatedAt: new Date().toISOString() } as const;
  await events.append(generationId, 'PROGRESS', { generationId, progress, imageId: null, failure: null, terminal }, { terminal });
}

/** A sink that a client feeds, as a promise of its end. */
function drained(onEvent: (event: Seen) => void, subscribe: (sink: { next(answer: Answer): void; error(error: unknown): void; complete(): void }) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    subscribe({ next: ({ data }) => data?.generationProgress && onEvent(data.generationProgress), error: reject, complete: resolve });
  });
}

const headers = () => ({ 'x-api-key': tenant.key });
const socketUrl = (url: string): string => url.replace('http', 'ws');
const atOnce = async (): Promise<void> => undefined;

const speakers: Record<string, (url: string) => Speaker> = {
  'graphql-ws'(url) {
    const client = createSocketClient({ url: socketUrl(url), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 10, retryWait: atOnce, shouldRetry: () => true });
    return {
      ask: async (query, variables) => (await client.iterate({ query, variables: { ...variables } }).next()).value as Answer,
      watch: (variables, onEvent) => drained(onEvent, (sink) => client.subscribe<Data>({ query: texts.subscription, variables }, sink as Parameters<typeof client.subscribe>[1] as never)),
      close: () => void client.dispose(),
    };
  },
  'subscriptions-transport-ws'(url) {
    const client = new SubscriptionClient(socketUrl(url), { reconnect: true, connectionParams: headers }, WebSocket);
    const sent = (query: string, variables: Record<string, unknown> = {}) => client.request({ query, variables });
    return {
      ask: (query, variables) => new Promise((resolve, reject) => void sent(query, variables).subscribe({ next: resolve as never, error: reject })),
      watch: (variables, onEvent) => drained(onEvent, (sink) => sent(texts.subscription, variables).subscribe(sink as never)),
      close: () => client.close(),
    };
  },
  'graphql-sse, a connection each': (url) => eventStreams(url, false),
  'graphql-sse, one connection': (url) => eventStreams(url, true),
  EventSource: eventSource,
  '@apollo/client over multipart': (url) => apollo(new HttpLink({ uri: url, headers: headers() })),
  '@apollo/client over graphql-ws'(url) {
    const client = createSocketClient({ url: socketUrl(url), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 10, retryWait: atOnce, shouldRetry: () => true });
    return apollo(new GraphQLWsLink(client), () => void client.dispose());
  },
  '@apollo/client over subscriptions-transport-ws'(url) {
    const client = new SubscriptionClient(socketUrl(url), { reconnect: true, connectionParams: headers }, WebSocket);
    return apollo(new WebSocketLink(client), () => client.close());
  },
  'urql over fetch': (url) => urql(new UrqlClient({ url, exchanges: [fetchExchange], fetchSubscriptions: true, preferGetMethod: false, fetchOptions: () => ({ headers: headers() }) })),
  'urql with queries by GET': (url) => urql(new UrqlClient({ url, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: () => ({ headers: { ...headers(), 'apollo-require-preflight': '1' } }) })),
  'urql over graphql-ws'(url) {
    const socket = createSocketClient({ url: socketUrl(url), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 10, retryWait: atOnce, shouldRetry: () => true });
    const forward = subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({ subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: { ...variables as object } }, sink as never) }) }),
      enableAllOperations: true,
    });
    return urql(new UrqlClient({ url, exchanges: [forward], preferGetMethod: false }), () => void socket.dispose());
  },
};

function eventStreams(url: string, singleConnection: boolean): Speaker {
  const client = createEventStreamClient({ url, singleConnection: singleConnection as false, headers: () => headers(), retryAttempts: 10, retry: atOnce });
  return {
    ask: async (query, variables) => (await client.iterate({ query, variables: { ...variables } }).next()).value as Answer,
    watch: (variables, onEvent) => drained(onEvent, (sink) => client.subscribe({ query: texts.subscription, variables }, sink as never)),
    close: () => client.dispose(),
  };
}

/** It cannot send a key; a stream that was reserved with one is opened by its token alone. */
function eventSource(url: string): Speaker {
  const sources = new Set<EventSource>();
  let operations = 0;
  const run = async (query: string, variables: object | undefined, sink: { next(answer: Answer): void; error(error: unknown): void; complete(): void }): Promise<void> => {
    const token = await (await fetch(url, { method: 'PUT', headers: headers() })).text();
    const source = new EventSource(`${url}?token=${token}`);
    sources.add(source);
    const finish = (end: () => void) => {
      source.close();
      end();
    };
    source.addEventListener('next', (event) => sink.next((JSON.parse(String((event as MessageEvent).data)) as { payload: Answer }).payload));
    source.addEventListener('complete', () => finish(() => sink.complete()));
    source.addEventListener('error', (event) => finish(() => sink.error(event)));
    await new Promise((resolve) => source.addEventListener('open', resolve));
    const body = JSON.stringify({ query, variables, extensions: { operationId: String(operations += 1) } });
    const response = await fetch(url, { method: 'POST', headers: { ...headers(), 'content-type': 'application/json', 'x-graphql-event-stream-token': token }, body });
    assert.equal(response.status, 202);
  };
  return {
    ask: (query, variables) => new Promise((resolve, reject) => void run(query, variables, { next: resolve, error: reject, complete: () => undefined }).catch(reject)),
    watch: (variables, onEvent) => drained(onEvent, (sink) => void run(texts.subscription, variables, sink).catch(sink.error)),
    close: () => sources.forEach((source) => source.close()),
  };
}

function apollo(link: ApolloLink, close: () => void = () => undefined): Speaker {
  const client = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' }, mutate: { fetchPolicy: 'no-cache' } } });
  return {
    ask: async (text, variables = {}) => (text.startsWith('query') ? client.query<Data>({ query: gql(text), variables }) : client.mutate<Data>({ mutation: gql(text), variables })) as Promise<Answer>,
    watch: (variables, onEvent) => drained(onEvent, (sink) => client.subscribe<Data>({ query: gql(texts.subscription), variables, fetchPolicy: 'no-cache' }).subscribe({
      next: ({ data, error }) => (error ? sink.error(error) : sink.next({ data })), error: sink.error, complete: sink.complete,
    })),
    close() {
      client.stop();
      close();
    },
  };
}

function urql(client: UrqlClient, close: () => void = () => undefined): Speaker {
  return {
    ask: async (text, variables = {}) => (text.startsWith('query') ? client.query<Data>(text, variables, { requestPolicy: 'network-only' }) : client.mutation<Data>(text, variables)).toPromise(),
    watch: (variables, onEvent) => drained(onEvent, (sink) => {
      const { unsubscribe } = client.subscription<Data>(texts.subscription, variables).subscribe(({ data, error, hasNext }) => {
        if (error) sink.error(error);
        else if (data) sink.next({ data });
        if (data?.generationProgress?.terminal || !hasNext) queueMicrotask(() => (unsubscribe(), sink.complete()));
      });
    }),
    close,
  };
}

for (const [name, createSpeaker] of Object.entries(speakers)) {
  describe(name, () => {
    test('asks a query and a mutation', async () => {
      const speaker = createSpeaker(urlAt(platform.port));
      const answer = await speaker.ask(texts.query);
      assert.ok(answer.data?.viewer?.scopes.includes('generations:read'), inspect(answer));
      const changed = await speaker.ask(texts.mutation, { id: await begin() });
      assert.equal(changed.data?.cancelGeneration?.generation.progress.status, 'CANCELED', inspect(changed));
      speaker.close();
    });

    test('loses the network in the middle, comes back behind what it saw, and misses nothing', async () => {
      const speaker = createSpeaker(urlAt(line.port));
      const id = await begin();
      await tell(id, 10);
      let lostWith = Infinity;
      const seen: number[] = [];
      let attempts = 0;
      const state = { isOver: false };
      const lose = async (): Promise<void> => {
        lostWith = line.connections();
        line.cut();
        for (const percent of [20, 30, 100]) await tell(id, percent);
      };
      while (!state.isOver) {
        assert.ok((attempts += 1) < 50, `it does not come back: ${seen.join()}`);
        const from = seen.at(-1) ?? 0;
        const onEvent = ({ seq, terminal }: Seen): void => {
          // A client that came back by itself asks behind what it asked at first.
          if (seq <= (seen.at(-1) ?? 0)) return;
          seen.push(seq);
          state.isOver ||= terminal;
          if (seen.length === 2) void lose();
        };
        await speaker.watch({ id, afterSeq: from }, onEvent).catch(() => undefined);
      }
      speaker.close();
      assert.deepEqual(seen, [1, 2, 3, 4, 5]);
      assert.ok(line.connections() > lostWith, 'what was left came over another connection');
    });
  });
}
