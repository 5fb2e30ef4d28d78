import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { serveGraph } from '../../gateway/graph-server.ts';
import { federate, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

let feed = new Feed();
const { graph, fetches } = await federate({
  a: {
    sdl: 'type Query { text(length: Int!): String one(n: Int = 1): Int } type Mutation { change: Int } type Subscription { text: String }',
    resolvers: {
      Query: { text: (_: unknown, { length }: { length: number }) => 'lorem ipsum ö '.repeat(length / 14), one: (_: unknown, { n }: { n: number }) => n },
      Mutation: { change: () => 1 }, Subscription: { text: { subscribe: () => feed } },
    },
  },
});
after(() => graph.stop());
const serve = async (batchLimit?: number) => {
  const server = await serveGraph({ current: () => graph, ...batchLimit !== undefined && { batchLimit }, contextOf: () => requestOf(), port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }) });
  after(server.stop);
  return server.url;
};

/** As it comes over the wire: fetch would undo a compression. */
async function ask(url: string, body: unknown, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const sending = request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } });
  sending.end(JSON.stringify(body));
  const [response] = await once(sending, 'response') as [IncomingMessage];
  return response;
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

describe('compression', async () => {
  const url = await serve();
  const long = { query: '{ text(length: 14000) }' };

  for (const [accepted, coding] of [
    ['gzip', 'gzip'], ['br', 'br'], ['gzip, deflate, br', 'br'], ['gzip;q=1.0, br;q=0.5', 'gzip'], ['*', 'br'], ['br;q=0, *', 'gzip'], ['GZIP', 'gzip'],
    ['deflate', null], ['identity', null], ['gzip;q=0', null], ['', null],
  ] as const) {
    test(`${coding ?? 'none'} for a client that accepts "${accepted}"`, async () => {
      for (const accept of ['application/json', 'application/graphql-response+json']) {
        const response = await ask(url, long, { accept, 'accept-encoding': accepted });
        const bytes = await bytesOf(response);
        assert.deepEqual([response.headers['content-encoding'] ?? null, Number(response.headers['content-length']), response.headers['vary']], [coding, bytes.length, 'Accept, Accept-Encoding']);
        const plain = coding === 'br' ? brotliDecompressSync(bytes) : coding === 'gzip' ? gunzipSync(bytes) : bytes;
        assert.deepEqual(JSON.parse(plain.toString('utf8')), { data: { text: 'lorem ipsum ö '.repeat(1000) } });
        if (coding) assert.ok(bytes.length < plain.length / 10);
      }
    });
  }

  test('is spared for short answers and for streams', async () => {
    const short = await ask(url, { query: '{ text(length: 700) }' }, { 'accept-encoding': 'gzip, br' });
    assert.equal(short.headers['content-encoding'], undefined);
    short.resume();
    feed = new Feed();
    const stream = await ask(url, { query: 'subscription { text }' }, { accept: 'text/event-stream', 'accept-encoding': 'gzip, br' });
    assert.equal(stream.headers['content-encoding'], undefined);
    feed.push({ text: 'x'.repeat(5_000) });
    let text = '';
    // Each event is there without the next one.
    for await (const chunk of stream) if ((text += String(chunk)).includes('}}\n\n')) break;
    assert.ok(text.includes('x'.repeat(5_000)));
    await feed.closed.promise;
  });
});

describe('batches', async () => {
  const url = await serve(3);
  const body = [{ query: '{ one }' }, { query: '{ none }' }, { query: 'query A { one } mutation B { change }', operationName: 'B' }];

  test('are refused unless they are switched on', async () => {
    fetches.length = 0;
    const response = await ask(await serve(), body);
    assert.deepEqual([response.statusCode, fetches.length], [400, 0]);
    assert.match(String(await bytesOf(response)), /batching disabled/);
  });

  test('are answered one by one, in order, each with its own errors', async () => {
    const response = await ask(url, body);
    assert.deepEqual([response.statusCode, response.headers['content-type']], [200, 'application/json; charset=utf-8']);
    const [first, second, third, ...more] = JSON.parse(String(await bytesOf(response))) as { errors?: { extensions: { code: string } }[] }[];
    assert.deepEqual([first, second?.errors?.map(({ extensions }) => extensions.code), third, more], [{ data: { one: 1 } }, ['GRAPHQL_VALIDATION_FAILED'], { data: { change: 1 } }, []]);
  });

  test('hold what is no operation, a subscription or another batch as errors of their own', async () => {
    const response = await ask(url, [[{ query: '{ one }' }], { query: 'subscription { text }' }, 7], { accept: 'text/event-stream, application/json' });
    const answers = JSON.parse(String(await bytesOf(response))) as { errors?: unknown[] }[];
    assert.deepEqual(answers.map(({ errors }) => errors?.length), [1, 1, 1]);
  });

  test('are refused when they are empty or too long, and when another site could have sent them', async () => {
    fetches.length = 0;
    for (const wrong of [[], [...body, ...body]]) {
      const response = await ask(url, wrong);
      assert.deepEqual([response.statusCode, String(await bytesOf(response)).trim()], [400, '{"errors":[{"message":"A batch has 1 to 3 operations.","extensions":{"code":"BAD_REQUEST"}}]}']);
    }
    assert.equal((await ask(url, body, { 'content-type': 'text/plain' })).resume().statusCode, 400);
    assert.equal(fetches.length, 0);
  });
});
