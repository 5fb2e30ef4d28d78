import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { createGraph } from '../../gateway/graphql.ts';
import { serveGraph } from '../../gateway/graph-server.ts';
import { apiSdl, supergraphSdl } from '../../schema/sdl.ts';
import type { KeyId } from '../../subgraphs/ids.ts';
import { buildSubgraph } from '../../subgraphs/schema.ts';
import type { RequestContext } from '../../subgraphs/subgraph.ts';
import { readMultipart } from '../support/multipart.ts';
import { connectAs } from '../support/raw-socket.ts';
import { callerWith, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

const feeds = new Set<Feed>();
/** One event, heard by all who subscribe now. */
const tell = (seq: number): void => {
  const event = { seq, generation: { id: 'gen_1', client: { id: String(seq) } } };
  for (const feed of feeds) feed.push(event);
};
const subscribe = () => {
  const feed = new Feed();
  feeds.add(feed);
  void feed.closed.promise.then(() => feeds.delete(feed));
  return feed;
};
const counts = { resolved: 0, completed: 0 };
const contextOf = (request: RequestContext) => request;
const hairstyle = buildSubgraph('hairstyle', {
  Subscription: {
    generationProgress: { subscribe, resolve: (event: unknown) => (counts.resolved++, event) },
  },
}, contextOf);
const enterprise = buildSubgraph('enterprise', {
  Client: {
    __resolveReference({ id }: { id: string }) {
      counts.completed += 1;
      if (id === '13') throw new GraphQLError('No such client.', { extensions: { code: 'NOT_FOUND' } });
      return { id, name: `client ${counts.completed}` };
    },
  },
}, contextOf);
const graph = await createGraph({
  supergraphSdl: supergraphSdl(), apiSdl: apiSdl(), log: pino({ level: 'silent' }),
  subgraphs: { hairstyle, enterprise, headshot: buildSubgraph('headshot', {}, contextOf), skinshade: buildSubgraph('skinshade', {}, contextOf) },
});
const { url, stop } = await serveGraph({
  current: () => graph, port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }),
  contextOf: ({ 'x-api-key': key }) => requestOf({ ...callerWith('generations:read', 'clients:read'), keyId: String(key) as KeyId }),
});
after(async () => {
  await stop();
  await graph.stop();
});

const query = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq generation { client { name } } } }';
type Options = { key?: string; variables?: object };

/** A subscriber by its raw answers, over each of the protocols in turn. */
async function listen(protocol: 'graphql-transport-ws' | 'graphql-ws' | 'multipart' | 'event-stream', { key = 'key_a', variables = { id: 'gen_1' } }: Options = {}) {
  const before = feeds.size;
  const headers = { 'x-api-key': key };
  const isReady = async () => {
    while (feeds.size === before) await new Promise(setImmediate);
  };
  if (protocol === 'multipart') {
    const { next, leave } = await readMultipart({ url, body: { query, variables }, headers: { ...headers, accept: 'multipart/mixed;subscriptionSpec=1.0' } });
    await isReady();
    return { next: async () => JSON.stringify((JSON.parse(await next() ?? '') as { payload: unknown }).payload), leave };
  }
  if (protocol === 'event-stream') {
    const leaving = new AbortController();
    const response = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' }, body: JSON.stringify({ query, variables }), signal: leaving.signal });
    const chunks = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    await isReady();
    const next = async (): Promise<string> => {
      for (;;) {
        const found = /^event: next\ndata: (.*)\n\n$/m.exec((await chunks?.next())?.value ?? '');
        if (found?.[1]) return found[1];
      }
    };
    return { next, leave: () => leaving.abort() };
  }
  const { next, send, socket } = await connectAs(headers, url.replace('http', 'ws'), protocol, { type: 'connection_init' });
  while ((await next()).type !== (protocol === 'graphql-ws' ? 'ka' : 'connection_ack'));
  send({ type: protocol === 'graphql-ws' ? 'start' : 'subscribe', id: '1', payload: { query, variables } });
  await isReady();
  return { next: async () => JSON.stringify((await next()).payload), leave: () => socket.close() };
}

async function heard(listeners: readonly { next(): Promise<string> }[], seq: number) {
  Object.assign(counts, { resolved: 0, completed: 0 });
  tell(seq);
  const texts = await Promise.all(listeners.map((listener) => listener.next()));
  return { texts: [...new Set(texts)], ...counts };
}

describe('identical subscriptions of one caller', () => {
  test('are answered once for each event, by one text over all protocols', async () => {
    const listeners = [await listen('graphql-transport-ws'), await listen('graphql-transport-ws'), await listen('graphql-ws'), await listen('multipart'), await listen('event-stream')];
    for (const seq of [1, 2]) {
      const { texts, resolved, completed } = await heard(listeners, seq);
      assert.deepEqual([texts, resolved, completed], [[`{"data":{"generationProgress":{"seq":${seq},"generation":{"client":{"name":"client 1"}}}}}`], 1, 1]);
    }
    listeners.shift()?.leave();
    while (feeds.size > 4) await new Promise(setImmediate);
    assert.deepEqual((await heard(listeners, 3)).texts.length, 1);
    for (const { leave } of listeners) leave();
    while (feeds.size > 0) await new Promise(setImmediate);
  });

  test('share errors, too, and nothing with another key or other variables', async () => {
    const listeners = [await listen('graphql-transport-ws'), await listen('graphql-transport-ws'), await listen('graphql-transport-ws', { key: 'key_b' }), await listen('graphql-transport-ws', { variables: { id: 'gen_1', afterSeq: 4 } })];
    const { texts, resolved, completed } = await heard(listeners, 13);
    assert.deepEqual([texts.length, resolved, completed], [1, 3, 3]);
    assert.match(texts[0] ?? '', /No such client/);
    const again = await heard(listeners, 14);
    assert.deepEqual([again.texts.length, again.resolved, again.completed], [3, 3, 3]);
    for (const { leave } of listeners) leave();
    while (feeds.size > 0) await new Promise(setImmediate);
  });

  test('one that comes later hears what is told from then on', async () => {
    const first = await listen('graphql-transport-ws');
    await heard([first], 1);
    const second = await listen('graphql-transport-ws');
    assert.deepEqual((await heard([first, second], 2)).resolved, 1);
    first.leave();
    second.leave();
    while (feeds.size > 0) await new Promise(setImmediate);
  });
});
