import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ApolloClient, CombinedProtocolErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { serveGraph } from '../../gateway/graph-server.ts';
import { readMultipart } from '../support/multipart.ts';
import { federate, requestOf } from './federation.ts';
import { Feed } from './feed.ts';

let feed = new Feed();
const { graph } = await federate({
  jobs: {
    sdl: `type Query { ready: Boolean } type Job @key(fields: "id") { id: ID! percent: Int! }
      type Subscription { job: Job refused: Int secret: Int @requiresScopes(scopes: [["jobs:read"]]) broken: Int }`,
    resolvers: {
      Query: { ready: () => true },
      Subscription: {
        job: { subscribe: () => feed }, secret: { subscribe: () => feed },
        refused: { subscribe: () => { throw new GraphQLError('No such job.', { extensions: { code: 'NOT_FOUND' } }); } },
        broken: { subscribe: () => ({ next: () => Promise.reject(new Error('lost')), [Symbol.asyncIterator]() { return this; } }) },
      },
    },
  },
  owners: {
    sdl: 'type Job @key(fields: "id") { id: ID! owner: String }',
    resolvers: { Job: { owner: ({ id }: { id: string }) => { if (id === 'bad') throw new Error('inside'); return `öwner of ${id}`; } } },
  },
});
const serve = () => serveGraph({ current: () => graph, contextOf: () => requestOf(), port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }) });
const { url, stop } = await serve();
after(async () => {
  await stop();
  await graph.stop();
});

const kotlin = 'multipart/mixed;subscriptionSpec=1.0, application/graphql-response+json, application/json';
const ios = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json';
const web = 'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9';
const documented = 'multipart/mixed;subscriptionSpec="1.0", application/json';
const contentType = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0';
const query = 'subscription { job { id percent owner } }';

const open = (text = query, accept = kotlin, at = url) => readMultipart({ url: at, body: { query: text }, headers: { accept } });

describe('a subscription in parts', () => {
  for (const [client, accept] of Object.entries({ kotlin, ios, web, documented, alone: 'multipart/mixed; subscriptionSpec=1.0' })) {
    test(`is given to a client that accepts as ${client} does, each part complete before the next event, closed at the end`, async () => {
      feed = new Feed();
      const { status, contentType: given, next } = await open(query, accept);
      assert.deepEqual([status, given], [200, contentType]);
      for (const percent of [10, 20]) {
        feed.push({ job: { id: '1', percent } });
        assert.equal(await next(), `{"payload":{"data":{"job":{"id":"1","percent":${percent},"owner":"öwner of 1"}}}}`);
      }
      feed.end();
      assert.equal(await next(), null);
    });
  }

  test('has exactly {} as its heartbeat', async (t) => {
    feed = new Feed();
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { next, leave } = await open();
    t.mock.timers.tick(12_000);
    assert.equal(await next(), '{}');
    t.mock.timers.tick(12_000);
    assert.equal(await next(), '{}');
    t.mock.timers.reset();
    leave();
    await feed.closed.promise;
  });

  test('keeps errors of one event inside the payload and goes on', async () => {
    feed = new Feed();
    const { next, rest } = await open();
    feed.push({ job: { id: 'bad', percent: 1 } });
    const error = { message: 'Internal error', path: ['job', 'owner'], extensions: { code: 'INTERNAL', requestId: 'request-1' } };
    assert.deepEqual(JSON.parse(await next() ?? ''), { payload: { errors: [error], data: { job: { id: 'bad', percent: 1, owner: null } } } });
    feed.push({ job: { id: '2', percent: 2 } });
    feed.end();
    assert.equal((await rest()).length, 1);
  });

  test('gives an error of the stream itself beside a null payload, and ends', async () => {
    const error = { message: 'Internal error', extensions: { code: 'INTERNAL', requestId: 'request-1' } };
    assert.deepEqual(await (await open('subscription { broken }')).rest(), [JSON.stringify({ payload: null, errors: [error] })]);
  });

  test('ends at its source when the client leaves', async () => {
    feed = new Feed();
    const { next, leave } = await open();
    feed.push({ job: { id: '1', percent: 1 } });
    await next();
    leave();
    await feed.closed.promise;
  });

  test('tells its clients to come back when the server stops', async () => {
    feed = new Feed();
    const server = await serve();
    const { next, rest } = await open(query, kotlin, server.url);
    feed.push({ job: { id: '1', percent: 1 } });
    await next();
    const stopped = server.stop();
    assert.deepEqual(await rest(), ['{"payload":null,"errors":[{"message":"The server goes away; subscribe again.","extensions":{"code":"UNAVAILABLE"}}]}']);
    await stopped;
    await feed.closed.promise;
  });
});

describe('what cannot start', () => {
  const post = async (text: string, accept: string) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept }, body: JSON.stringify({ query: text }) });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const refused = '"errors":[{"message":"No such job.","path":["refused"],"extensions":{"code":"NOT_FOUND"}}]';

  test('is JSON where JSON is accepted, with a status where the client reads it nevertheless', async () => {
    assert.deepEqual(await post('subscription { refused }', ios), { status: 200, type: 'application/json; charset=utf-8', text: `{${refused}}\n` });
    assert.deepEqual(await post('subscription { refused }', kotlin), { status: 400, type: 'application/graphql-response+json; charset=utf-8', text: `{${refused}}\n` });
    const { status, text } = await post('subscription { none }', kotlin);
    assert.deepEqual([status, /GRAPHQL_VALIDATION_FAILED/.test(text)], [400, true]);
  });

  test('is an error of the stream where nothing but parts is accepted', async () => {
    assert.deepEqual(await (await open('subscription { refused }', 'multipart/mixed;subscriptionSpec=1.0')).rest(), [`{"payload":null,${refused}}`]);
    const [part] = await (await open('subscription {', 'multipart/mixed;subscriptionSpec=1.0')).rest();
    assert.match(part ?? '', /^\{"payload":null,"errors":\[.*GRAPHQL_PARSE_FAILED/);
  });

  test('a field that the caller may not read is an answer, not an error of the stream', async () => {
    const error = { message: 'Subscription.secret needs a credential.', path: ['secret'], extensions: { code: 'UNAUTHENTICATED' } };
    assert.deepEqual(await (await open('subscription { secret }')).rest(), [JSON.stringify({ payload: { errors: [error], data: { secret: null } } })]);
  });

  test('a query is one JSON answer, or one part where nothing else is accepted', async () => {
    assert.deepEqual(await post('{ ready }', kotlin), { status: 200, type: 'application/graphql-response+json; charset=utf-8', text: '{"data":{"ready":true}}\n' });
    assert.deepEqual(await (await open('{ ready }', 'multipart/mixed;subscriptionSpec=1.0')).rest(), ['{"payload":{"data":{"ready":true}}}']);
  });

  test('another version of the format, and one that is refused by q=0, are not answered in parts', async () => {
    for (const accept of ['multipart/mixed;subscriptionSpec=2.0, application/json', 'multipart/mixed;subscriptionSpec=1.0;q=0, application/json']) {
      const { type, text } = await post(query, accept);
      assert.deepEqual([type, /multipart\/mixed/.test(text)], ['application/json; charset=utf-8', true], accept);
    }
  });

  test('a body that another site could send is not read', async () => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'text/plain', accept: kotlin }, body: JSON.stringify({ query }) });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /CSRF/);
  });
});

describe('@apollo/client', () => {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
  after(() => client.stop());

  /** What a subscription gives until it ends. */
  async function all(text: string, onFirst: () => void = () => undefined): Promise<unknown[]> {
    const seen: unknown[] = [];
    return new Promise((resolve, reject) => {
      client.subscribe({ query: gql(text), errorPolicy: 'all' }).subscribe({
        next: ({ data, error }) => {
          seen.push(error ?? data);
          if (seen.length === 1) onFirst();
        },
        error: reject, complete: () => resolve(seen),
      });
    });
  }

  test('reads events, errors of events and the end', async () => {
    feed = new Feed();
    feed.push({ job: { id: '1', percent: 1 } });
    const seen = await all(query, () => {
      feed.push({ job: { id: 'bad', percent: 2 } });
      feed.push({ job: { id: '3', percent: 3 } });
      feed.end();
    });
    assert.deepEqual(JSON.parse(JSON.stringify(seen[0])), { job: { __typename: 'Job', id: '1', percent: 1, owner: 'öwner of 1' } });
    assert.match(String(seen[1]), /Internal error/);
    assert.equal(seen.length, 3);
  });

  test('takes an error of the stream for one', async () => {
    const [error] = await all('subscription { broken }');
    assert.ok(error instanceof CombinedProtocolErrors, String(error));
  });

  test('asks queries at the same address', async () => {
    assert.deepEqual((await client.query({ query: gql`{ ready }` })).data, { ready: true });
  });
});
