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
    sdl: 'type Query { ready: Boolean broken: Int } type Mutation { change: Int } type Subscription { job: Int refused: Int }',
    resolvers: { Query: { ready: () => true, broken: () => { throw new Error('inside'); } }, Mutation: { change: () => 1 }, Subscription: { job: { subscribe: () => feed }, refused: { subscribe: () => { throw new Error('inside'); } } } },
  },
});

async function serve(initTimeoutMs = 10_000, openings = createOpenings({ onEnded: () => () => undefined })): Promise<string> {
  const server = createServer();
  const endSockets = serveSockets(server, {
    sources: { graph: () => graph, texts: createTexts() }, openings, initTimeoutMs,
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
  const noRecords: Record<string, unknown> = { 'a list': [], text: 'x', 'a number': 4, 'a truth value': true };
  const noTexts: Record<string, unknown> = { 'a list': ['1'], 'an object': {}, 'a number': 4, null: null };
  const subscribeWith = (more: object): object => ({ type: 'subscribe', id: '1', payload: { query: '{ ready }', ...more } });
  const invalid: Record<string, unknown> = {
    'text that is no JSON': 'hello', 'no text at all': '', 'half of a message': '{"type":"ping"', 'JSON that is a list': '[]', 'JSON that is null': 'null', 'JSON that is a number': '4', 'JSON that is text': '"ping"',
    'no type': {}, 'a type that is null': { type: null }, 'a type that is a number': { type: 1 }, 'a type in capitals': { type: 'PING' }, 'an unknown type': { type: 'start', id: '1', payload: { query: '{ ready }' } },
    ...Object.fromEntries(['connection_init', 'ping', 'pong'].flatMap((type) => Object.entries(noRecords).map(([what, payload]) => [`a payload of ${type} that is ${what}`, { type, payload }]))),
    ...Object.fromEntries(Object.entries(noTexts).flatMap(([what, id]) => [[`an id of subscribe that is ${what}`, { ...subscribeWith({}), id }], [`an id of complete that is ${what}`, { type: 'complete', id }]])),
    'subscribe without an id': { type: 'subscribe', payload: { query: '{ ready }' } }, 'subscribe with an empty id': subscribe(''), 'complete without an id': { type: 'complete' },
    'subscribe without a payload': { type: 'subscribe', id: '1' }, ...Object.fromEntries(Object.entries({ ...noRecords, null: null }).map(([what, payload]) => [`a payload of subscribe that is ${what}`, { type: 'subscribe', id: '1', payload }])),
    'subscribe without a query': { type: 'subscribe', id: '1', payload: {} }, ...Object.fromEntries(Object.entries(noTexts).map(([what, query]) => [`a query that is ${what}`, subscribeWith({ query })])),
    ...Object.fromEntries(['variables', 'extensions'].flatMap((name) => Object.entries(noRecords).map(([what, value]) => [`${name} that are ${what}`, subscribeWith({ [name]: value })]))),
    ...Object.fromEntries(Object.entries({ 'a list': ['A'], 'an object': {}, 'a number': 4 }).map(([what, operationName]) => [`an operation name that is ${what}`, subscribeWith({ operationName })])),
    'next': { type: 'next', id: '1', payload: { data: {} } }, 'error': { type: 'error', id: '1', payload: [{ message: 'x' }] }, 'connection_ack': { type: 'connection_ack' },
  };
  for (const [name, message] of Object.entries(invalid)) {
    test(name, async () => {
      assert.equal((await (await connect(init, message)).closed)[0], 4400);
    });
  }

  test('and ends what ran on it', async () => {
    feed = new Feed();
    const connection = await acknowledged();
    connection.send(subscribe('1'));
    feed.push({ job: 1 });
    await connection.next();
    connection.send({ type: 'next', id: '1', payload: {} });
    assert.equal((await connection.closed)[0], 4400);
    await feed.closed.promise;
  });
});

describe('what a client may leave out or say', () => {
  const opens: Record<string, unknown> = { 'nothing': init, 'null': { ...init, payload: null }, 'an object': { ...init, payload: { any: { thing: [1] } } }, 'a word of its own beside it': { ...init, more: 1 } };
  for (const [name, message] of Object.entries(opens)) {
    test(`connection_init with ${name}`, async () => {
      const connection = await connect(message);
      assert.deepEqual(await connection.next(), { type: 'connection_ack' });
      connection.socket.close();
    });
  }
  const pings: Record<string, [sent: object, pong: object]> = { 'null': [{ type: 'ping', payload: null }, { type: 'pong' }], 'an object': [{ type: 'ping', payload: { a: [1, null] } }, { type: 'pong', payload: { a: [1, null] } }], 'an empty object': [{ type: 'ping', payload: {} }, { type: 'pong', payload: {} }] };
  for (const [name, [sent, pong]] of Object.entries(pings)) {
    test(`ping with ${name}`, async () => {
      const connection = await connect(sent);
      assert.deepEqual(await connection.next(), pong);
      connection.socket.close();
    });
  }
  const asked: Record<string, object> = {
    'variables, extensions and operation name that are null': { variables: null, extensions: null, operationName: null }, 'variables and extensions that are empty': { variables: {}, extensions: {} },
    'one of two operations by its name': { query: 'query A { ready } query B { __typename }', operationName: 'A' }, 'extensions that nobody knows': { extensions: { tracing: true } },
  };
  for (const [name, payload] of Object.entries(asked)) {
    test(`subscribe with ${name}`, async () => {
      const { send, next, socket } = await acknowledged();
      send({ type: 'subscribe', id: '1', payload: { query: '{ ready }', ...payload } });
      assert.deepEqual([await next(), await next()], [{ id: '1', type: 'next', payload: { data: { ready: true } } }, { id: '1', type: 'complete' }]);
      socket.close();
    });
  }

  test('a message in bytes', async () => {
    const connection = await connect();
    connection.socket.send(Buffer.from(JSON.stringify(init)));
    assert.deepEqual(await connection.next(), { type: 'connection_ack' });
    connection.socket.close();
  });
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

  test('an operation between init and its acknowledgement is closed with 4401', async () => {
    assert.equal((await (await connect(init, subscribe('1'))).closed)[0], 4401);
  });

  test('a socket with another protocol is closed with 4406; of several the best is taken', async () => {
    await assert.rejects(connectRaw(address, 'soap'));
    const { socket } = await connectRaw(address, ['graphql-ws', 'graphql-transport-ws']);
    assert.equal(socket.protocol, 'graphql-transport-ws');
    socket.close();
  });

  test('a message over 256 KB is closed with 1009', async () => {
    assert.equal((await (await connect(init, { type: 'ping', payload: { a: 'x'.repeat(300_000) } })).closed)[0], 1009);
  });

  test('an end of the server is told with 1001, and its streams end', async () => {
    feed = new Feed();
    const ending = createOpenings({ onEnded: () => () => undefined });
    const connection = await connectRaw(await serve(10_000, ending), 'graphql-transport-ws', init);
    await connection.next();
    connection.send(subscribe('1'));
    feed.push({ job: 1 });
    await connection.next();
    await ending.closeAll();
    assert.equal((await connection.closed)[0], 1001);
    await feed.closed.promise;
  });

  test('a second init is closed with 4429, acknowledged or not', async () => {
    assert.equal((await (await connect(init, init)).closed)[0], 4429);
    const connection = await acknowledged();
    connection.send(init);
    assert.equal((await connection.closed)[0], 4429);
  });

  test('a wrong key is closed with 4403 and the words of HTTP', async () => {
    assert.deepEqual(await (await connect({ ...init, payload: { key: 'wrong' } })).closed, [4403, 'Invalid API key']);
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

  test('an answer with errors is a next, and complete', async () => {
    const { send, next, socket } = await acknowledged();
    send(subscribe('1', '{ broken ready }'));
    const { type, payload } = await next();
    const { data, errors } = payload as { data: object; errors: object[] };
    assert.deepEqual([type, data, errors.length, (await next()).type], ['next', { broken: null, ready: true }, 1, 'complete']);
    socket.close();
  });

  test('two streams of one socket end one by one, and a query is answered between their events', async () => {
    feed = new Feed();
    const [first, { send, next, socket }] = [feed, await acknowledged()];
    send(subscribe('a'));
    first.push({ job: 1 });
    await next();
    feed = new Feed();
    send(subscribe('b'));
    feed.push({ job: 2 });
    assert.deepEqual(await next(), { id: 'b', type: 'next', payload: { data: { job: 2 } } });
    send(subscribe('c', '{ ready }'));
    assert.deepEqual([(await next()).id, (await next()).type], ['c', 'complete']);
    send({ type: 'complete', id: 'a' });
    await first.closed.promise;
    feed.push({ job: 3 });
    assert.deepEqual(await next(), { id: 'b', type: 'next', payload: { data: { job: 3 } } });
    feed.end();
    assert.deepEqual(await next(), { id: 'b', type: 'complete' });
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
