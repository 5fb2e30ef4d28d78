import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { createOpenings } from '../../gateway/openings.ts';
import { serveSockets } from '../../gateway/sockets.ts';
import { createTexts } from '../../gateway/texts.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { federate, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

let feed = new Feed();
const { graph } = await federate({
  jobs: {
    sdl: 'type Query { ready: Boolean } type Mutation { change: Int } type Subscription { job: Int refused: Int }',
    resolvers: { Query: { ready: () => true }, Mutation: { change: () => 1 }, Subscription: { job: { subscribe: () => feed }, refused: { subscribe: () => { throw new Error('inside'); } } } },
  },
});

async function serve(initTimeoutMs = 10_000): Promise<string> {
  const server = createServer();
  const endSockets = serveSockets(server, {
    sources: { graph: () => graph, texts: createTexts() }, openings: createOpenings({ onEnded: () => () => undefined }), initTimeoutMs,
    admit: async (params) => params?.['key'] === 'wrong' ? null : { keyId: null, context: () => requestOf() },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    endSockets();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}
const address = await serve();
after(() => graph.stop());

const connect = (...messages: unknown[]) => connectRaw(address, 'graphql-transport-ws', ...messages);

const init = { type: 'connection_init' };
const subscribe = (id: string, query = 'subscription { job }') => ({ type: 'subscribe', id, payload: { query } });

async function acknowledged() {
  const connection = await connect(init);
  assert.deepEqual(await connection.next(), { type: 'connection_ack' });
  return connection;
}

describe('what is no message of a client closes the socket with 4400', () => {
  const invalid: Record<string, unknown> = {
    'text that is no JSON': 'hello', 'JSON that is no object': '[]', 'no type': {}, 'an unknown type': { type: 'start', id: '1', payload: { query: '{ ready }' } },
    'a payload of init that is a list': { type: 'connection_init', payload: [] }, 'subscribe without an id': { type: 'subscribe', payload: { query: '{ ready }' } },
    'subscribe with an empty id': subscribe(''), 'subscribe without a payload': { type: 'subscribe', id: '1' }, 'subscribe without a query': { type: 'subscribe', id: '1', payload: {} },
    'subscribe with variables that are text': { type: 'subscribe', id: '1', payload: { query: '{ ready }', variables: 'x' } },
    'subscribe with a number as operation name': { type: 'subscribe', id: '1', payload: { query: '{ ready }', operationName: 4 } },
    'complete without an id': { type: 'complete' }, 'a ping whose payload is text': { type: 'ping', payload: 'x' }, 'a pong whose payload is text': { type: 'pong', payload: 'x' },
    'next': { type: 'next', id: '1', payload: { data: {} } }, 'error': { type: 'error', id: '1', payload: [{ message: 'x' }] }, 'connection_ack': { type: 'connection_ack' },
  };
  for (const [name, message] of Object.entries(invalid)) {
    test(name, async () => {
      assert.equal((await (await connect(init, message)).closed)[0], 4400);
    });
  }
});

describe('the life of a connection', () => {
  test('a socket without the protocol is closed with 4406', async () => {
    const socket = new WebSocket(address);
    assert.equal((await once(socket, 'close'))[0], 4406);
  });

  test('a socket that says nothing is closed with 4408', async () => {
    const impatient = await connectRaw(await serve(50), 'graphql-transport-ws');
    assert.deepEqual(await impatient.closed, [4408, 'Connection initialisation timeout']);
  });

  test('an operation before the acknowledgement is closed with 4401', async () => {
    assert.deepEqual(await (await connect(subscribe('1'))).closed, [4401, 'Unauthorized']);
  });

  test('a second init is closed with 4429, acknowledged or not', async () => {
    assert.equal((await (await connect(init, init)).closed)[0], 4429);
    const connection = await acknowledged();
    connection.send(init);
    assert.equal((await connection.closed)[0], 4429);
  });

  test('a wrong key is closed with 4403', async () => {
    assert.deepEqual(await (await connect({ ...init, payload: { key: 'wrong' } })).closed, [4403, 'Forbidden']);
  });

  test('a ping is answered before and after the acknowledgement, with its payload; a pong is not', async () => {
    const connection = await connect({ type: 'ping' }, { type: 'pong', payload: { a: 1 } }, init, { type: 'ping', payload: { a: 1 } });
    assert.deepEqual([await connection.next(), await connection.next(), await connection.next()], [{ type: 'pong' }, { type: 'connection_ack' }, { type: 'pong', payload: { a: 1 } }]);
    connection.socket.close();
  });
});

describe('operations', () => {
  test('a query and a mutation get next and complete', async () => {
    const { send, next, socket } = await acknowledged();
    for (const [query, data] of [['{ ready }', { ready: true }], ['mutation { change }', { change: 1 }]] as const) {
      send(subscribe('1', query));
      assert.deepEqual([await next(), await next()], [{ id: '1', type: 'next', payload: { data } }, { id: '1', type: 'complete' }]);
    }
    socket.close();
  });

  test('an id in use is closed with 4409 and its stream ends', async () => {
    feed = new Feed();
    const connection = await acknowledged();
    connection.send(subscribe('1'));
    connection.send(subscribe('1'));
    assert.deepEqual(await connection.closed, [4409, 'Subscriber for 1 already exists']);
    await feed.closed.promise;
  });

  test('a wrong operation is one error, without complete; others on the socket go on and its id is free again', async () => {
    feed = new Feed();
    const { send, next, socket } = await acknowledged();
    send(subscribe('stream'));
    feed.push({ job: 1 });
    assert.deepEqual(await next(), { id: 'stream', type: 'next', payload: { data: { job: 1 } } });
    for (const [query, code] of [['subscription {', 'GRAPHQL_PARSE_FAILED'], ['subscription { none }', 'GRAPHQL_VALIDATION_FAILED'], ['', 'GRAPHQL_PARSE_FAILED'], ['subscription { refused }', 'INTERNAL']] as const) {
      send(subscribe('wrong', query));
      const { type, id, payload } = await next();
      assert.deepEqual([type, id, (payload as { extensions: { code: string } }[])[0]?.extensions.code], ['error', 'wrong', code], query);
    }
    feed.push({ job: 2 });
    assert.deepEqual(await next(), { id: 'stream', type: 'next', payload: { data: { job: 2 } } });
    socket.close();
    await feed.closed.promise;
  });

  test('a stream that ends is completed once; what comes after a complete of the client is not sent', async () => {
    feed = new Feed();
    const { send, next, socket } = await acknowledged();
    send(subscribe('1'));
    feed.push({ job: 1 });
    await next();
    feed.end();
    assert.deepEqual(await next(), { id: '1', type: 'complete' });
    feed = new Feed();
    send(subscribe('1'));
    feed.push({ job: 2 });
    await next();
    send({ type: 'complete', id: '1' });
    await feed.closed.promise;
    send({ type: 'complete', id: 'nobody' });
    send({ type: 'ping' });
    assert.deepEqual(await next(), { type: 'pong' });
    socket.close();
  });

  test('words of the protocol inside an operation are not messages', async () => {
    const { send, next, socket } = await acknowledged();
    send({ type: 'subscribe', id: '1', payload: { query: '{ ready } # "next" "error"', variables: { type: 'next' } } });
    assert.equal((await next()).type, 'next');
    socket.close();
  });

  test('a socket that is cut ends all its streams', async () => {
    feed = new Feed();
    const { send, next, socket } = await acknowledged();
    send(subscribe('1'));
    feed.push({ job: 1 });
    await next();
    socket.terminate();
    await feed.closed.promise;
  });
});
