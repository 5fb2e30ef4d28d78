import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { GraphQLError } from 'graphql';
import { SubscriptionClient } from 'subscriptions-transport-ws';
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
    sdl: 'type Query { ready: Boolean fault: Int } type Mutation { change(to: Int!): Int } type Subscription { job: Int refused: Int }',
    resolvers: {
      Query: { ready: () => true, fault: () => { throw new Error('inside'); } }, Mutation: { change: (_: unknown, { to }: { to: number }) => to },
      Subscription: { job: { subscribe: () => feed }, refused: { subscribe: () => { throw new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }); } } },
    },
  },
});

let admitting = Promise.resolve();

async function serve(initTimeoutMs = 10_000) {
  const openings = createOpenings({ onEnded: () => () => undefined });
  const server = createServer();
  const endSockets = serveSockets(server, {
    sources: { graph: () => graph, texts: createTexts() }, openings, initTimeoutMs,
    async admit(params) {
      await admitting;
      return params?.['key'] === 'wrong' ? null : { keyId: null, context: () => requestOf() };
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    endSockets();
    server.close();
  });
  return { address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`, openings };
}
const { address } = await serve();
after(() => graph.stop());

const connect = (...messages: unknown[]) => connectRaw(address, 'graphql-ws', ...messages);
const init = { type: 'connection_init', payload: {} };
const start = (id: string, query = 'subscription { job }', more: object = {}) => ({ id, type: 'start', payload: { query, variables: {}, ...more } });
const data = (id: string, payload: unknown) => ({ type: 'data', id, payload });
const complete = (id: string) => ({ type: 'complete', id });

async function acknowledged() {
  const connection = await connect(init);
  assert.deepEqual([await connection.next(), await connection.next()], [{ type: 'connection_ack' }, { type: 'ka' }]);
  return connection;
}

describe('the sub-protocol graphql-ws', () => {
  test('is chosen by its name; who also speaks graphql-transport-ws gets that', async () => {
    for (const [offered, chosen] of [[['graphql-ws'], 'graphql-ws'], [['graphql-ws', 'graphql-transport-ws'], 'graphql-transport-ws']] as const) {
      const { socket } = await connectRaw(address, [...offered]);
      assert.equal(socket.protocol, chosen);
      socket.close();
    }
  });

  test('is acknowledged, and kept alive at once and every twelve seconds', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { next, socket } = await acknowledged();
    t.mock.timers.tick(12_000);
    assert.deepEqual(await next(), { type: 'ka' });
    t.mock.timers.reset();
    socket.close();
  });

  test('answers a query and a mutation by data and complete, and keeps an error of a field inside the data', async () => {
    const { send, next, socket } = await acknowledged();
    send(start('1', '{ ready fault }'));
    const error = { message: 'Internal error', path: ['fault'], extensions: { code: 'INTERNAL', requestId: 'request-1' } };
    assert.deepEqual([await next(), await next()], [data('1', { errors: [error], data: { ready: true, fault: null } }), complete('1')]);
    send(start('1', 'query A { ready } mutation B($to: Int!) { change(to: $to) }', { variables: { to: 4 }, operationName: 'B' }));
    assert.deepEqual([await next(), await next()], [data('1', { data: { change: 4 } }), complete('1')]);
    socket.close();
  });

  test('streams until the source ends, or the client stops it', async () => {
    feed = new Feed();
    const { send, next, socket } = await acknowledged();
    send(start('1'));
    feed.push({ job: 1 });
    assert.deepEqual(await next(), data('1', { data: { job: 1 } }));
    feed.end();
    assert.deepEqual(await next(), complete('1'));
    feed = new Feed();
    send(start('2'));
    feed.push({ job: 2 });
    assert.deepEqual(await next(), data('2', { data: { job: 2 } }));
    send({ type: 'stop', id: '2' });
    await feed.closed.promise;
    assert.deepEqual(await next(), complete('2'));
    send({ type: 'stop', id: 'nobody' });
    send(start('3', '{ ready }'));
    assert.equal((await next()).id, '3');
    socket.close();
  });

  test('what is asked before the acknowledgement waits for it', async () => {
    const gate = Promise.withResolvers<void>();
    admitting = gate.promise;
    const { send, next, socket } = await connect(init, start('1', '{ ready }'), start('2'), { type: 'stop', id: '2' });
    gate.resolve();
    send({ type: 'stop', id: '1' });
    const came = [await next(), await next(), await next(), await next()];
    assert.deepEqual(came.slice(0, 2), [{ type: 'connection_ack' }, { type: 'ka' }]);
    assert.deepEqual(came.slice(2).map(({ type, id }) => [type, id]).sort(), [['complete', '1'], ['complete', '2']]);
    socket.close();
  });

  test('a name in use goes to the newer operation', async () => {
    feed = new Feed();
    const first = feed;
    const { send, next, socket } = await acknowledged();
    send(start('1'));
    first.push({ job: 1 });
    await next();
    feed = new Feed();
    send(start('1'));
    await first.closed.promise;
    feed.push({ job: 2 });
    assert.deepEqual(await next(), data('1', { data: { job: 2 } }));
    socket.close();
    await feed.closed.promise;
  });

  test('an operation that cannot start is one error that clients read as one or as a list; others go on', async () => {
    feed = new Feed();
    const { send, next, socket } = await acknowledged();
    send(start('stream'));
    feed.push({ job: 1 });
    await next();
    const refused = { message: 'No such job.', path: ['refused'], extensions: { code: 'NOT_FOUND' } };
    send(start('2', 'subscription { refused }'));
    assert.deepEqual(await next(), { type: 'error', id: '2', payload: { ...refused, errors: [refused] } });
    for (const message of [start('3', 'subscription {'), start('3', '{ none }'), { id: '3', type: 'start' }, { id: '3', type: 'start', payload: { query: '{ ready }', variables: 'x' } }]) {
      send(message);
      const { type, payload } = await next();
      assert.deepEqual([type, typeof (payload as { message: unknown }).message], ['error', 'string']);
    }
    feed.push({ job: 2 });
    assert.deepEqual(await next(), data('stream', { data: { job: 2 } }));
    socket.close();
  });
});

describe('ends of a connection', () => {
  test('connection_terminate closes it and its streams', async () => {
    feed = new Feed();
    const { send, next, closed } = await acknowledged();
    send(start('1'));
    feed.push({ job: 1 });
    await next();
    send({ type: 'connection_terminate' });
    assert.deepEqual(await closed, [1000, 'Terminated']);
    await feed.closed.promise;
  });

  test('a wrong key is told and closed with 4403', async () => {
    const { next, closed } = await connect({ ...init, payload: { key: 'wrong' } });
    assert.deepEqual(await next(), { type: 'connection_error', payload: { message: 'Invalid API key' } });
    assert.deepEqual(await closed, [4403, 'Invalid API key']);
  });

  test('a silent one is closed with 4408, an operation without connection_init with 4401, what is no message with 4400', async () => {
    const { address: impatient } = await serve(50);
    assert.equal((await (await connectRaw(impatient, 'graphql-ws')).closed)[0], 4408);
    assert.equal((await (await connect(start('1'))).closed)[0], 4401);
    for (const message of ['hello', '[]', {}, { type: 'subscribe', id: '1', payload: { query: '{ ready }' } }, { type: 'start', payload: { query: '{ ready }' } }, { type: 'data', id: '1' }]) {
      assert.equal((await (await connect(init, message)).closed)[0], 4400, JSON.stringify(message));
    }
  });

  test('1001 when the server stops', async () => {
    const other = await serve();
    const { closed } = await connectRaw(other.address, 'graphql-ws', init);
    await other.openings.closeAll();
    assert.equal((await closed)[0], 1001);
  });
});

describe('subscriptions-transport-ws', () => {
  const client = () => new SubscriptionClient(address, {}, WebSocket);

  test('reads data, errors and ends', async () => {
    feed = new Feed();
    const reader = client();
    const all = (query: string) => new Promise<unknown[]>((resolve, reject) => {
      const seen: unknown[] = [];
      reader.request({ query }).subscribe({ next: (value) => void seen.push(value), error: reject, complete: () => resolve(seen) });
    });
    const stream = all('subscription { job }');
    feed.push({ job: 1 });
    feed.push({ job: 2 });
    feed.end();
    assert.deepEqual(await stream, [{ data: { job: 1 } }, { data: { job: 2 } }]);
    assert.deepEqual(await all('{ ready }'), [{ data: { ready: true } }]);
    await assert.rejects(all('subscription { refused }'), { message: 'No such job.' });
    reader.close();
  });

  test('stops a stream at its source, and hears why a key is refused', async () => {
    feed = new Feed();
    const reader = client();
    const first = Promise.withResolvers<unknown>();
    const { unsubscribe } = reader.request({ query: 'subscription { job }' }).subscribe({ next: first.resolve });
    feed.push({ job: 1 });
    await first.promise;
    unsubscribe();
    await feed.closed.promise;
    reader.close();
    const heard = Promise.withResolvers<unknown>();
    const refused = new SubscriptionClient(address, { connectionParams: { key: 'wrong' }, connectionCallback: heard.resolve }, WebSocket);
    assert.deepEqual(await heard.promise, { message: 'Invalid API key' });
    refused.close();
  });
});
