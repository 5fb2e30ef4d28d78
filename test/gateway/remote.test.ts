import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { OperationTypeNode, parse } from 'graphql';
import { Circuit } from '../../gateway/circuit.ts';
import { Unavailable } from '../../gateway/errors.ts';
import { overHttp, type RemoteOptions } from '../../gateway/remote.ts';
import { federate, graphOver, requestOf, sent } from './federation.ts';
import { type Asked, serveSubgraphs } from './served.ts';

const request = requestOf();
const jsonHead = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const sized = (body: string) => `content-length: ${body.length}\r\n\r\n${body}`;
const good = `${jsonHead}${sized('{"data":{"a":1}}')}`;

type Reply = (socket: Socket, count: number, text: string) => void;

/** A server that answers as the test writes it, byte by byte; `count` is the number of the request. */
async function raw(reply: Reply): Promise<{ url: string; connections: () => number; requests: string[] }> {
  const requests: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk) => reply(socket, requests.push(String(chunk)), String(chunk)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql?x=1`, connections: () => connections, requests };
}

function operation(text: string, kind = OperationTypeNode.QUERY) {
  return { kind, text, document: parse(text) };
}

function ask(options: Omit<RemoteOptions, 'name'>) {
  const transport = overHttp({ name: 'a', ...options });
  after(() => transport.close?.());
  const [query, mutation] = [transport.prepare(operation('{ a }')), transport.prepare(operation('mutation { a }', OperationTypeNode.MUTATION))];
  const call = { variables: {}, request, lifetime: null };
  return { query: () => query(call), mutation: () => mutation(call), call, prepared: query };
}

describe('an answer is read however it comes', () => {
  const bodies: Record<string, string[]> = {
    'in one piece': [good],
    'byte by byte': Array.from(good),
    'in chunks': [`${jsonHead}transfer-encoding: chunked\r\n\r\n5\r\n{"dat\r\nB;x=y\r\na":{"a":1}}\r\n0\r\nx-trailer: 1\r\n\r\n`],
    'in chunks, byte by byte': Array.from(`${jsonHead}transfer-encoding: chunked\r\n\r\n5\r\n{"dat\r\nb\r\na":{"a":1}}\r\n0\r\n\r\n`),
    'after an announcement': ['HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n', good],
    'with a status of its own': ['HTTP/1.1 400 Bad Request\r\ncontent-type: application/graphql-response+json\r\n', sized('{"data":{"a":1},"errors":[{"message":1}]}')],
  };
  for (const [name, pieces] of Object.entries(bodies)) {
    test(name, async () => {
      const { url, connections } = await raw((socket) => {
        const rest = [...pieces];
        const next = (): void => {
          const piece = rest.shift();
          if (piece !== undefined) socket.write(piece, () => setImmediate(next));
        };
        next();
      });
      const { query } = ask({ url });
      assert.deepEqual((await query()).data, { a: 1 });
      assert.deepEqual((await query()).data, { a: 1 });
      assert.equal(connections(), 1);
    });
  }

  test('up to the end of the connection', async () => {
    const { url, connections } = await raw((socket) => void socket.end(`${jsonHead}\r\n{"data":{"a":"ü€😀"}}`));
    const { query } = ask({ url });
    assert.deepEqual((await query()).data, { a: 'ü€😀' });
    assert.deepEqual((await query()).data, { a: 'ü€😀' });
    assert.equal(connections(), 2);
  });
});

describe('what is no answer is a fault, and nothing of it is left', () => {
  const wrong: Record<string, string> = {
    'no HTTP': 'SSH-2.0-OpenSSH_9\r\n\r\n',
    'two lengths': `${jsonHead}content-length: 16\r\ncontent-length: 17\r\n\r\n{"data":{"a":1}}`,
    'a length and chunks': `${jsonHead}content-length: 16\r\ntransfer-encoding: chunked\r\n\r\n{"data":{"a":1}}`,
    'more than announced': `${good}x`,
    'an endless head': `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`,
    'a wrong chunk size': `${jsonHead}transfer-encoding: chunked\r\n\r\nzz\r\n`,
    'an unasked compression': `${jsonHead}content-encoding: gzip\r\ncontent-length: 2\r\n\r\nxx`,
    'no JSON': `${jsonHead}${sized('{x')}`,
    'a list': `${jsonHead}${sized('[]')}`,
    'nothing': `${jsonHead}${sized('{}')}`,
    'data that is text': `${jsonHead}${sized('{"data":"hi"}')}`,
    'a page': 'HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi',
  };
  for (const [name, reply] of Object.entries(wrong)) {
    test(name, async () => {
      const { url, requests } = await raw((socket, count) => void socket.write(count === 1 ? reply : good));
      const { query } = ask({ url });
      await assert.rejects(query());
      assert.deepEqual((await query()).data, { a: 1 });
      assert.equal(requests.length, 2);
    });
  }
});

describe('the way to a subgraph', () => {
  test('a query is sent once more when its connection breaks, a mutation never', async () => {
    const { url, requests } = await raw((socket, count) => void (count === 1 ? socket.destroy() : socket.write(good)));
    const { query } = ask({ url });
    assert.deepEqual((await query()).data, { a: 1 });
    assert.equal(requests.length, 2);
    const broken = await raw((socket) => void socket.destroy());
    await assert.rejects(ask({ url: broken.url }).mutation(), Unavailable);
    assert.equal(broken.requests.length, 1);
  });

  test('a query is sent once more to a subgraph that is overloaded, but only once', async () => {
    const { url, requests } = await raw((socket) => void socket.write('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'));
    await assert.rejects(ask({ url }).query(), Unavailable);
    assert.equal(requests.length, 2);
  });

  test('a subgraph that does not answer is given up in time and not asked again', async () => {
    const { url, requests } = await raw(() => undefined);
    await assert.rejects(ask({ url, timeoutMs: 50 }).query(), /did not answer within 50 ms/);
    assert.equal(requests.length, 1);
  });

  test('a call that nobody waits for is let go', async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await raw((socket) => void socket.on('close', () => closed.resolve()));
    const { prepared, call } = ask({ url });
    await assert.rejects(prepared({ ...call, lifetime: { isOver: true } as never }), /nobody waits/);
    await closed.promise;
  });

  test('five failures in a row close it, and one call at a time finds out whether it is open again', async () => {
    let now = 0;
    const circuit = new Circuit('a', () => now);
    for (let failure = 0; failure < 5; failure++) {
      circuit.enter();
      circuit.failed();
    }
    assert.throws(() => circuit.enter(), (error) => error instanceof Unavailable && error.retryAfterSeconds === 1);
    now = 1_001;
    circuit.enter();
    assert.throws(() => circuit.enter(), Unavailable);
    circuit.failed();
    now = 2_100;
    assert.throws(() => circuit.enter(), Unavailable);
    now = 3_100;
    circuit.enter();
    circuit.succeeded();
    circuit.enter();
    circuit.enter();
  });

  test('retries are a tenth of what succeeds', () => {
    const circuit = new Circuit('a');
    const retries = Array.from({ length: 20 }, () => circuit.mayRetry()).filter(Boolean).length;
    assert.equal(retries, 10);
    for (let success = 0; success < 11; success++) circuit.succeeded();
    assert.deepEqual([circuit.mayRetry(), circuit.mayRetry()], [true, false]);
  });

  test('a closed line is an error at its place, with when to come back; the rest of the answer is there', async () => {
    const dead = await raw((socket) => void socket.destroy());
    const { sdls, subgraphs } = await federate(two);
    const graph = await graphOver(sdls, { ...subgraphs, b: overHttp({ name: 'b', url: dead.url }) });
    after(() => graph.stop());
    for (let call = 0; call < 6; call++) {
      assert.deepEqual(sent(await graph.execute({ source: '{ a b }', request })), {
        data: { a: 1, b: null }, errors: [{ message: 'This part of the graph does not answer now.', path: ['b'], extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 1, requestId: 'request-1' } }],
      });
    }
    assert.ok(dead.requests.length < 9, `${dead.requests.length} requests`);
  });
});

const two = {
  a: { sdl: 'type Query { a: Int }', resolvers: { Query: { a: () => 1 } } },
  b: { sdl: 'type Query { b: Int } type Mutation { m: Int }', resolvers: { Query: { b: () => 2 }, Mutation: { m: () => 3 } } },
};

describe('identical queries under way are asked once', () => {
  const headersFor = ({ requestId }: { requestId: string }) => ({ 'x-user': requestId, 'x-split': 'a\r\nevil: 1' });
  const collect = async (joined: boolean) => {
    const { sdls, subgraphs } = await federate(two, { traced: false });
    const released = Promise.withResolvers<void>();
    const held: Asked[] = [];
    const served = await serveSubgraphs(subgraphs, { after }, (asked, response) => {
      held.push(asked);
      void released.promise.then(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data: { b: held.length, m: held.length } })));
      return true;
    });
    const graph = await graphOver(sdls, Object.fromEntries(Object.entries(served.urls).map(([name, url]) => [name, overHttp({ name, url, joined, headersFor })])));
    after(() => graph.stop());
    const send = (source: string, user: string) => graph.execute({ source, request: { caller: null, requestId: user } });
    const settled = async (answers: Promise<unknown>[], count: number) => {
      while (held.length < count) await new Promise(setImmediate);
      released.resolve();
      return Promise.all(answers);
    };
    return { send, settled, held };
  };

  test('of one caller', async () => {
    const { send, settled, held } = await collect(true);
    const answers = await settled([send('{ b }', 'u'), send('{ b }', 'u'), send('query Other { b }', 'u')], 1);
    assert.deepEqual(sent(answers as never), Array.from({ length: 3 }, () => ({ data: { b: 1 } })));
    assert.equal(held.length, 1);
    assert.equal(held[0]?.headers['x-user'], 'u');
    assert.equal(held[0]?.headers['evil'], undefined);
  });

  test('not of two callers, not mutations, and not when that is switched off', async () => {
    const callers = await collect(true);
    await callers.settled([callers.send('{ b }', 'u'), callers.send('{ b }', 'v')], 2);
    assert.deepEqual(callers.held.map(({ headers }) => headers['x-user']).sort(), ['u', 'v']);
    const mutations = await collect(true);
    await mutations.settled([mutations.send('mutation { m }', 'u'), mutations.send('mutation { m }', 'u')], 2);
    const off = await collect(false);
    await off.settled([off.send('{ b }', 'u'), off.send('{ b }', 'u')], 2);
  });
});
