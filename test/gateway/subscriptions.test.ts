import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createClient as createEventStreamClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { serveGraph } from '../../gateway/graph-server.ts';
import { isStream } from '../../gateway/transport.ts';
import { callerWith, federate, requestOf, sent } from './federation.ts';
import { Feed } from './feed.ts';

let feed = new Feed();
let names = 0;
const { graph, fetches, logged } = await federate({
  jobs: {
    sdl: `
      type Query { ready: Boolean! }
      type Subscription { job(id: ID!): Job! secret: Int @requiresScopes(scopes: [["jobs:read"]]) failing: Int }
      type Job @key(fields: "id") { id: ID! percent: Int! }`,
    resolvers: {
      Query: { ready: () => true },
      Subscription: {
        job: { subscribe: () => feed }, secret: { subscribe: () => feed },
        failing: { subscribe: () => { throw new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }); } },
      },
    },
  },
  owners: {
    sdl: 'type Job @key(fields: "id") { id: ID! owner: String! }',
    resolvers: {
      Job: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        owner: ({ id }: { id: string }) => {
          names += 1;
          if (id === 'bad') throw new Error('no owner');
          return `owner ${names}`;
        },
      },
    },
  },
});
const source = 'subscription Watch($id: ID!) { job(id: $id) { percent who: owner } }';
const job = (id: string, percent: number) => ({ job: { id, percent } });

async function open(text = source, signal?: AbortSignal) {
  feed = new Feed();
  names = 0;
  const stream = await graph.subscribe({ source: text, variables: { id: '1' }, request: requestOf(), signal });
  assert.ok(isStream(stream), JSON.stringify(stream));
  return stream;
}

describe('a stream of the graph', () => {
  test('completes every event from the other subgraphs, each in a context of its own', async () => {
    const stream = await open();
    fetches.length = 0;
    feed.push(job('1', 10));
    feed.push(job('1', 20));
    assert.deepEqual(sent((await stream.next()).value), { data: { job: { percent: 10, who: 'owner 1' } } });
    assert.deepEqual(sent((await stream.next()).value), { data: { job: { percent: 20, who: 'owner 2' } } });
    const [first, second] = fetches;
    assert.notEqual(first?.request, second?.request);
    assert.deepEqual(first?.request, second?.request);
    await stream.return?.();
  });

  test('answers calls ahead in order and ends with its source', async () => {
    const stream = await open();
    const answers = Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    for (const percent of [1, 2, 3]) feed.push(job('1', percent));
    feed.end();
    assert.deepEqual((await answers).map(({ done, value }) => done ? 'end' : (sent(value) as { data: { job: { percent: number } } }).data.job.percent), [1, 2, 3, 'end']);
    assert.equal((await stream.next()).done, true);
  });

  test('stops at once while it waits, and so does its source', async () => {
    const stream = await open();
    const waiting = stream.next();
    await stream.return?.();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await feed.closed.promise;
    assert.equal((await stream.next()).done, true);
  });

  test('stops when its signal aborts', async () => {
    const controller = new AbortController();
    const stream = await open(source, controller.signal);
    const waiting = stream.next();
    controller.abort();
    assert.equal((await waiting).done, true);
    await feed.closed.promise;
  });

  test('an error of one event leaves the stream alive', async () => {
    const stream = await open();
    feed.push(job('bad', 1));
    feed.push(job('1', 2));
    assert.deepEqual(sent((await stream.next()).value), { errors: [{ message: 'Internal error', path: ['job', 'who'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }], data: null });
    assert.deepEqual(sent((await stream.next()).value), { data: { job: { percent: 2, who: 'owner 2' } } });
    await stream.return?.();
  });

  test('a source that refuses gives one answer with its refusal', async () => {
    const answer = await graph.subscribe({ source: 'subscription { failing }', request: requestOf() });
    assert.deepEqual(sent(answer as ExecutionResult), { errors: [{ message: 'No such job.', path: ['failing'], extensions: { code: 'NOT_FOUND' } }] });
  });

  test('a caller without the scope never reaches the source', async () => {
    fetches.length = 0;
    const answer = await graph.subscribe({ source: 'subscription { secret }', request: requestOf(callerWith('other')) });
    assert.deepEqual(sent(answer as ExecutionResult), { errors: [{ message: 'The credential lacks a scope for Subscription.secret.', path: ['secret'], extensions: { code: 'FORBIDDEN' } }], data: { secret: null } });
    assert.equal(fetches.length, 0);
  });
});

describe('over a network', async () => {
  const { port, url, stop } = await serveGraph({ current: () => graph, contextOf: () => requestOf(callerWith('jobs:read')), port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }) });
  after(stop);

  const textOf = (value: unknown) => JSON.stringify(value);

  test('WebSocket: two streams and a query on one socket, one with a syntax error', async () => {
    feed = new Feed();
    names = 0;
    const client = createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0, lazy: false });
    const stream = client.iterate({ query: source, variables: { id: '1' } });
    const first = stream.next();
    const broken = client.iterate({ query: 'subscription {' }).next();
    await assert.rejects(broken, (errors: { extensions: unknown }[]) => textOf(errors[0]?.extensions) === textOf({ code: 'GRAPHQL_PARSE_FAILED' }));
    const wrong = client.iterate({ query: 'subscription { none }' }).next();
    await assert.rejects(wrong, (errors: { extensions: unknown }[]) => textOf(errors[0]?.extensions) === textOf({ code: 'GRAPHQL_VALIDATION_FAILED' }));
    const query = await client.iterate({ query: '{ ready }' }).next();
    assert.equal(textOf(query.value), textOf({ data: { ready: true } }));
    feed.push(job('1', 5));
    assert.equal(textOf((await first).value), textOf({ data: { job: { percent: 5, who: 'owner 1' } } }));
    await stream.return?.();
    await feed.closed.promise;
    await client.dispose();
  });

  test('WebSocket: a socket that closes ends its streams', async () => {
    feed = new Feed();
    const client = createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 });
    const stream = client.iterate({ query: source, variables: { id: '1' } });
    feed.push(job('1', 1));
    await stream.next();
    client.terminate();
    await feed.closed.promise;
    await stream.return?.();
  });

  test('event stream: a stream, its end, and a client that leaves', async () => {
    feed = new Feed();
    names = 0;
    const client = createEventStreamClient({ url: url, retryAttempts: 0 });
    const stream = client.iterate({ query: source, variables: { id: '1' } });
    feed.push(job('1', 1));
    assert.equal(textOf((await stream.next()).value), textOf({ data: { job: { percent: 1, who: 'owner 1' } } }));
    feed.end();
    assert.equal((await stream.next()).done, true);
    feed = new Feed();
    const left = client.iterate({ query: source, variables: { id: '1' } });
    feed.push(job('1', 1));
    await left.next();
    await left.return?.();
    await feed.closed.promise;
    client.dispose();
  });

  test('event stream: the bytes of the protocol', async () => {
    feed = new Feed();
    names = 0;
    feed.push(job('1', 1));
    feed.end();
    const get = (query: string) => fetch(`${url}?query=${encodeURIComponent(query)}`, { headers: { accept: 'text/event-stream' } });
    const answer = await get('subscription { job(id: 1) { percent } }');
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(await answer.text(), ':\n\nevent: next\ndata: {"data":{"job":{"percent":1}}}\n\nevent: complete\ndata:\n\n');
    assert.equal(await (await get('{ ready }')).text(), ':\n\nevent: next\ndata: {"data":{"ready":true}}\n\nevent: complete\ndata:\n\n');
    const wrong = await get('{ none }');
    assert.equal(wrong.status, 200);
    assert.match(await wrong.text(), /^:\n\nevent: next\ndata: \{"errors":\[.*GRAPHQL_VALIDATION_FAILED.*\]\}\n\nevent: complete\ndata:\n\n$/);
  });
});

test('a source that breaks gives one masked error and ends the stream', async () => {
  const broken = { async next(): Promise<never> { throw new Error('lost the database at 10.0.0.1'); }, async return() { return { done: true as const, value: undefined }; }, [Symbol.asyncIterator]() { return this; } };
  feed = broken as unknown as Feed;
  logged.length = 0;
  const stream = await graph.subscribe({ source, variables: { id: '1' }, request: requestOf() });
  assert.ok(isStream(stream));
  assert.deepEqual(sent((await stream.next()).value), { errors: [{ message: 'Internal error', extensions: { code: 'INTERNAL', requestId: 'request-1' } }] });
  assert.equal((await stream.next()).done, true);
  assert.equal(logged.length, 1);
  await graph.stop();
});
