import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { EventSource } from 'undici';
import { serveGraph } from '../../gateway/graph-server.ts';
import type { KeyId } from '../../subgraphs/ids.ts';
import { callerWith, federate, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

const feeds = new Map<string, Feed>();
const feedOf = (name: string): Feed => {
  const feed = feeds.get(name) ?? new Feed();
  feeds.set(name, feed);
  return feed;
};
const { graph } = await federate({
  jobs: {
    sdl: `type Query { ready: Boolean fault: Int } type Mutation { change: Int } type Subscription { job(name: String!): Int refused: Int }`,
    resolvers: {
      Query: { ready: () => true, fault: () => { throw new Error('inside'); } }, Mutation: { change: () => 1 },
      Subscription: {
        job: { subscribe: (_: unknown, { name }: { name: string }) => feedOf(name) },
        refused: { subscribe: () => { throw new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }); } },
      },
    },
  },
});
const { url, stop } = await serveGraph({
  current: () => graph, port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }),
  contextOf: ({ 'x-api-key': key }) => requestOf(typeof key === 'string' ? { ...callerWith(), keyId: key as KeyId } : null),
});
after(async () => {
  await stop();
  await graph.stop();
});

type Said = { event: string; data: string };

/** The events of a body, one by one; comments are left out. */
async function* eventsOf(response: Response): AsyncGenerator<Said> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [, event = '', data = ''] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (event !== '') yield { event, data };
    }
  }
}

const tokenHeader = 'x-graphql-event-stream-token';
async function reserve(headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(url, { method: 'PUT', headers });
  assert.deepEqual([response.status, response.headers.get('content-type')], [201, 'text/plain; charset=utf-8']);
  return response.text();
}
const open = (token: string) => fetch(url, { headers: { accept: 'text/event-stream', [tokenHeader]: token } });
const ask = async (token: string, id: unknown, query: string, more: { variables?: object; headers?: Record<string, string> } = {}) => {
  const body = JSON.stringify({ query, variables: more.variables, extensions: { operationId: id } });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', [tokenHeader]: token, ...more.headers }, body });
  return { status: response.status, text: await response.text() };
};
const cancel = (token: string, id: string) => fetch(`${url}?operationId=${id}`, { method: 'DELETE', headers: { [tokenHeader]: token } });
const next = (id: string, payload: unknown): Said => ({ event: 'next', data: JSON.stringify({ id, payload }) });
const complete = (id: string): Said => ({ event: 'complete', data: JSON.stringify({ id }) });
const job = 'subscription ($name: String!) { job(name: $name) }';

describe('one stream for many operations', () => {
  test('carries their answers by their names, also of those that were asked before it was opened', async () => {
    const token = await reserve();
    assert.deepEqual(await ask(token, 'early', '{ ready }'), { status: 202, text: '' });
    const events = eventsOf(await open(token));
    assert.deepEqual([(await events.next()).value, (await events.next()).value], [next('early', { data: { ready: true } }), complete('early')]);
    assert.equal((await ask(token, 'a', job, { variables: { name: 'a' } })).status, 202);
    assert.equal((await ask(token, 'b', job, { variables: { name: 'b' } })).status, 202);
    feedOf('b').push({ job: 1 });
    assert.deepEqual((await events.next()).value, next('b', { data: { job: 1 } }));
    feedOf('a').push({ job: 2 });
    assert.deepEqual((await events.next()).value, next('a', { data: { job: 2 } }));
    feedOf('a').end();
    assert.deepEqual((await events.next()).value, complete('a'));
    assert.equal((await cancel(token, 'b')).status, 200);
    await feedOf('b').closed.promise;
    assert.equal((await ask(token, 'b', 'mutation { change }')).status, 202);
    assert.deepEqual([(await events.next()).value, (await events.next()).value], [next('b', { data: { change: 1 } }), complete('b')]);
    await events.return(undefined);
  });

  test('a client that leaves ends all of them, and its token is worth nothing any more', async () => {
    const token = await reserve();
    const leaving = new AbortController();
    const response = await fetch(`${url}?token=${token}`, { headers: { accept: 'text/event-stream' }, signal: leaving.signal });
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    for (const name of ['c', 'd']) assert.equal((await ask(token, name, job, { variables: { name } })).status, 202);
    leaving.abort();
    await Promise.all([feedOf('c').closed.promise, feedOf('d').closed.promise]);
    assert.equal((await ask(token, 'e', '{ ready }')).status, 404);
  });

  test('is forgotten when nobody opens it for half a minute', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const token = await reserve();
    t.mock.timers.tick(30_000);
    t.mock.timers.reset();
    assert.equal((await open(token)).status, 404);
  });

  test('a slow reader is not sent what it has no room for', async () => {
    const token = await reserve();
    const feed = feedOf('slow');
    let taken = 0;
    const counted = feed[Symbol.asyncIterator].bind(feed);
    feed[Symbol.asyncIterator] = () => {
      const events = counted();
      const take = events.next.bind(events);
      events.next = () => {
        taken += 1;
        return take();
      };
      return events;
    };
    assert.equal((await ask(token, 'slow', job, { variables: { name: 'slow' } })).status, 202);
    for (let number = 0; number < 5_000; number++) feed.push({ job: number });
    feed.end();
    // Answered after what the stream could take at once.
    await ask(token, 'other', '{ ready }');
    assert.ok(taken < 5_000, `${taken} events were read although nobody reads them`);
    let came = 0;
    const events = eventsOf(await open(token));
    for await (const { event, data } of events) {
      if (data.includes('"slow"') && event === 'next') came += 1;
      if (event === 'complete' && data.includes('"slow"')) break;
    }
    assert.equal(came, 5_000);
  });
});

describe('refusals', () => {
  test('404 for a token that nobody has, 409 for a stream that is open', async () => {
    assert.equal((await open('nobody')).status, 404);
    assert.equal((await ask('nobody', '1', '{ ready }')).status, 404);
    assert.equal((await cancel('nobody', '1')).status, 404);
    assert.equal((await fetch(`${url}?operationId=1`, { method: 'DELETE' })).status, 404);
    const token = await reserve();
    const first = await open(token);
    assert.equal((await open(token)).status, 409);
    await first.body?.cancel();
  });

  test('a token serves only the key that it was made with', async () => {
    const token = await reserve({ 'x-api-key': 'key_a' });
    for (const headers of [{}, { 'x-api-key': 'key_b' }]) assert.equal((await ask(token, '1', '{ ready }', { headers })).status, 404);
    assert.equal((await ask(token, '1', '{ ready }', { headers: { 'x-api-key': 'key_a' } })).status, 202);
    // An EventSource brings nothing but the token.
    const stream = await open(token);
    assert.equal(stream.status, 200);
    await stream.body?.cancel();
  });

  test('400 without an operation id and for an operation that cannot run, 409 for an id in use, 415 and 405 for what another site could send', async () => {
    const token = await reserve();
    const refused = '{"errors":[{"message":"No such job.","path":["refused"],"extensions":{"code":"NOT_FOUND"}}]}';
    assert.deepEqual(await ask(token, '1', 'subscription { refused }'), { status: 400, text: refused });
    assert.match((await ask(token, '1', '{ none }')).text, /GRAPHQL_VALIDATION_FAILED/);
    for (const id of [undefined, '', 7]) assert.equal((await ask(token, id, '{ ready }')).status, 400);
    assert.equal((await ask(token, '1', job, { variables: { name: 'e' } })).status, 202);
    assert.equal((await ask(token, '1', '{ ready }')).status, 409);
    assert.equal((await cancel(token, '')).status, 400);
    assert.equal((await ask(token, '2', '{ ready }', { headers: { 'content-type': 'text/plain' } })).status, 415);
    const mutation = `${url}?token=${token}&query=${encodeURIComponent('mutation { change }')}&extensions=${encodeURIComponent('{"operationId":"3"}')}`;
    assert.equal((await fetch(mutation)).status, 405);
    assert.equal((await fetch(mutation.replace('mutation', 'query').replace('change', 'ready'))).status, 202);
    assert.equal((await fetch(url, { method: 'PUT', headers: { accept: 'application/json' } })).status, 406);
    const stream = await open(token);
    await stream.body?.cancel();
    await feedOf('e').closed.promise;
  });
});

describe('clients', () => {
  test('graphql-sse: two operations and a query on one connection, and the end of it', async () => {
    const puts: string[] = [];
    const client = createClient({ url, singleConnection: true, retryAttempts: 0, fetchFn: async (input: string, init: RequestInit) => {
      puts.push(init.method ?? 'GET');
      return fetch(input, init);
    } });
    const [first, second] = ['f', 'g'].map((name) => client.iterate({ query: job, variables: { name } }));
    assert.ok(first && second);
    const came = [first.next(), second.next()];
    feedOf('g').push({ job: 2 });
    feedOf('f').push({ job: 1 });
    assert.deepEqual((await Promise.all(came)).map(({ value }) => JSON.stringify(value)), ['{"data":{"job":1}}', '{"data":{"job":2}}']);
    assert.equal(JSON.stringify((await client.iterate({ query: '{ ready }' }).next()).value), '{"data":{"ready":true}}');
    assert.equal(puts.filter((method) => method === 'PUT').length, 1);
    feedOf('f').end();
    assert.equal((await first.next()).done, true);
    await second.return?.();
    await feedOf('g').closed.promise;
    client.dispose();
  });

  test('EventSource: opens the stream by its token alone', async () => {
    const token = await reserve();
    const source = new EventSource(`${url}?token=${token}`);
    const came: string[] = [];
    const completed = new Promise<void>((resolve) => {
      source.addEventListener('next', (event) => void came.push(String((event as MessageEvent).data)));
      source.addEventListener('complete', () => resolve());
    });
    assert.equal((await ask(token, '1', '{ ready }')).status, 202);
    await completed;
    assert.deepEqual(came, ['{"id":"1","payload":{"data":{"ready":true}}}']);
    source.close();
  });

  test('EventSource: asks a query and a subscription on connections of their own, never a mutation', async () => {
    const listen = (query: string) => {
      const source = new EventSource(`${url}?query=${encodeURIComponent(query)}`);
      return new Promise<string[]>((resolve) => {
        const came: string[] = [];
        source.addEventListener('next', (event) => void came.push(String((event as MessageEvent).data)));
        for (const end of ['complete', 'error']) {
          source.addEventListener(end, () => {
            source.close();
            resolve([...came, end]);
          });
        }
      });
    };
    assert.deepEqual(await listen('{ ready }'), ['{"data":{"ready":true}}', 'complete']);
    const events = listen('subscription { job(name: "h") }');
    feedOf('h').push({ job: 1 });
    feedOf('h').push({ job: 2 });
    feedOf('h').end();
    assert.deepEqual(await events, ['{"data":{"job":1}}', '{"data":{"job":2}}', 'complete']);
    assert.deepEqual(await listen('mutation { change }'), ['error']);
  });
});
