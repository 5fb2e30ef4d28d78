import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { Client, fetchExchange } from '@urql/core';
import { pino } from 'pino';
import type { Part } from '../../gateway/delivery.ts';
import { serveGraph } from '../../gateway/graph-server.ts';
import { readMultipart } from '../support/multipart.ts';
import { connectRaw } from '../support/raw-socket.ts';
import { callerWith, federate, graphOver, requestOf } from './federation.ts';

/** Subgraphs that do not answer before they are let. */
const held = new Map<string, PromiseWithResolvers<void>>();
const hold = (...names: string[]) => names.map((name) => {
  const gate = Promise.withResolvers<void>();
  held.set(name, gate);
  return () => {
    held.delete(name);
    gate.resolve();
  };
});
const answer = async <Value>(name: string, value: Value): Promise<Value> => {
  await held.get(name)?.promise;
  return value;
};
const signals: (AbortSignal | undefined)[] = [];

const { graph, fetches, sdls, subgraphs } = await federate({
  products: {
    sdl: `type Query { products: [Product!] product: Product nobody: Product fragile: Product }
      type Mutation { first: Product second: Product }
      type Product @key(fields: "id") { id: ID! name: String strict: Int! }`,
    resolvers: {
      Query: { products: () => [{ id: '1', name: 'Comb' }, { id: '2', name: 'Brush' }], product: () => ({ id: '1', name: 'Comb', strict: 1 }), nobody: () => null, fragile: () => ({ id: '9', name: 'Vase' }) },
      Mutation: { first: () => ({ id: '1', name: 'Comb' }), second: () => ({ id: '2', name: 'Brush' }) },
    },
  },
  reviews: {
    sdl: `type Product @key(fields: "id") { id: ID! rating: Int! reviews: [Review!]! secret: Int @requiresScopes(scopes: [["reviews:read"]]) }
      type Review @key(fields: "id") { id: ID! body: String }`,
    resolvers: {
      Product: {
        rating: ({ id }: { id: string }) => answer('reviews', id === '2' ? null : 5),
        reviews: ({ id }: { id: string }) => answer('reviews', [{ id: `${id}a`, body: 'fine' }, { id: `${id}b`, body: 'öde' }]), secret: () => 1,
      },
    },
  },
  votes: { sdl: 'type Review @key(fields: "id") { id: ID! votes: Int }', resolvers: { Review: { votes: ({ id }: { id: string }) => answer('votes', id.length) } } },
  prices: {
    sdl: 'type Product @key(fields: "id") { id: ID! price: Int }',
    resolvers: { Product: { price: async ({ id }: { id: string }) => {
      if (id === '9') throw new Error('inside');
      return answer('prices', Number(id) * 10);
    } } },
  },
}, { onCall: ({ signal }) => signals.push(signal) });
const serve = async (of = graph, scopes?: string[]) => {
  const server = await serveGraph({ current: () => of, contextOf: () => requestOf(scopes ? callerWith(...scopes) : null), port: 0, host: '127.0.0.1', log: pino({ level: 'silent' }) });
  after(server.stop);
  return server.url;
};
const url = await serve();
after(() => graph.stop());

const accept = 'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9';
type Options = { variables?: object; at?: string; extensions?: object };
const open = (query: string, { variables, at = url, extensions }: Options = {}) => readMultipart({ url: at, body: { query, variables, extensions }, headers: { accept } });
async function partsOf(query: string, options?: Options): Promise<Part[]> {
  const { contentType, rest } = await open(query, options);
  assert.equal(contentType, 'multipart/mixed;boundary="graphql";deferSpec=20220824');
  return (await rest()).map((part) => JSON.parse(part) as Part);
}
const post = async (query: string, accepted: string, at = url) => {
  const response = await fetch(at, { method: 'POST', headers: { 'content-type': 'application/json', accept: accepted }, body: JSON.stringify({ query }) });
  return { status: response.status, type: response.headers.get('content-type'), text: (await response.text()).trim() };
};

describe('a deferred fragment', () => {
  test('comes when its subgraph answers, the rest before that', async () => {
    const [release] = hold('reviews');
    const { next, rest } = await open('{ product { id name ... @defer(label: "slow") { rating } } }');
    assert.equal(await next(), '{"data":{"product":{"id":"1","name":"Comb"}},"hasNext":true}');
    release?.();
    assert.deepEqual(await rest(), ['{"incremental":[{"label":"slow","path":["product"],"data":{"rating":5}}],"hasNext":false}']);
  });

  test('comes for every object of a list, at its place', async () => {
    const parts = await partsOf('{ products { name ... @defer { price } } }');
    assert.deepEqual(parts, [
      { data: { products: [{ name: 'Comb' }, { name: 'Brush' }] }, hasNext: true },
      { incremental: [{ path: ['products', 0], data: { price: 10 } }, { path: ['products', 1], data: { price: 20 } }], hasNext: false },
    ]);
  });

  test('does not wait for another one, nor the first part for any', async () => {
    const [reviews, prices] = hold('reviews', 'prices');
    const { next } = await open('{ product { ... @defer(label: "r") { rating } name ... @defer(label: "p") { price } } }');
    assert.equal(await next(), '{"data":{"product":{"name":"Comb"}},"hasNext":true}');
    prices?.();
    assert.equal(await next(), '{"incremental":[{"label":"p","path":["product"],"data":{"price":10}}],"hasNext":true}');
    reviews?.();
    assert.equal(await next(), '{"incremental":[{"label":"r","path":["product"],"data":{"rating":5}}],"hasNext":false}');
    assert.equal(await next(), null);
  });

  test('is asked for at once, while the first part waits for another subgraph', async () => {
    const [prices, reviews] = hold('prices', 'reviews');
    const parts = partsOf('{ product { price ... @defer { reviews { body ... @defer { votes } } } } }');
    reviews?.();
    while (!fetches.some(({ subgraph }) => subgraph === 'votes')) await new Promise(setImmediate);
    prices?.();
    assert.deepEqual((await parts).map(({ hasNext }) => hasNext), [true, true, false]);
  });

  test('inside another comes after that, at its own places', async () => {
    const [votes, reviews] = hold('votes', 'reviews');
    const { next } = await open('{ product { name ...Reviews @defer(label: "outer") } } fragment Reviews on Product { reviews { body ... on Review @defer(label: "inner") { votes } } }');
    assert.equal(await next(), '{"data":{"product":{"name":"Comb"}},"hasNext":true}');
    reviews?.();
    assert.equal(await next(), '{"incremental":[{"label":"outer","path":["product"],"data":{"reviews":[{"body":"fine"},{"body":"öde"}]}}],"hasNext":true}');
    votes?.();
    assert.equal(await next(), '{"incremental":[{"label":"inner","path":["product","reviews",0],"data":{"votes":2}},{"label":"inner","path":["product","reviews",1],"data":{"votes":2}}],"hasNext":false}');
    assert.equal(await next(), null);
  });

  test('at the root may be all that is asked for', async () => {
    assert.deepEqual(await partsOf('{ ... @defer { product { price } } }'), [
      { data: {}, hasNext: true }, { incremental: [{ path: [], data: { product: { price: 10 } } }], hasNext: false },
    ]);
  });

  test('of something that is null does not come', async () => {
    assert.deepEqual(await partsOf('{ nobody { id ... @defer { price } } }'), [{ data: { nobody: null }, hasNext: false }]);
  });

  test('of a mutation comes when all its fields were called', async () => {
    fetches.length = 0;
    const parts = await partsOf('mutation { first { id ... @defer { price } } ... @defer { second { id ... @defer(label: "s") { rating } } } }');
    assert.deepEqual(parts[0], { data: { first: { id: '1' }, second: { id: '2' } }, hasNext: true });
    assert.deepEqual(parts.slice(1).flatMap(({ incremental }) => incremental?.map(({ path, label }) => [path.join(), label ?? null])).sort(), [['first', null], ['second', 's']]);
    assert.deepEqual(fetches.filter(({ operation }) => operation.startsWith('mutation')).length, 2);
  });

  test('under an alias is found there', async () => {
    assert.deepEqual((await partsOf('{ all: products { ... @defer { cost: price } } }'))[1]?.incremental?.map(({ path, data }) => [path.join(), data]), [['all,0', { cost: 10 }], ['all,1', { cost: 20 }]]);
  });
});

describe('is answered whole', () => {
  const query = '{ product { name ... @defer { price } } }';
  const whole = '{"data":{"product":{"name":"Comb","price":10}}}';

  test('when the client does not read parts, whatever it reads', async () => {
    assert.deepEqual(await post(query, 'application/json'), { status: 200, type: 'application/json; charset=utf-8', text: whole });
    assert.deepEqual(await post(query, 'multipart/mixed;subscriptionSpec=1.0, application/json'), { status: 200, type: 'application/json; charset=utf-8', text: whole });
    assert.match((await post(query, 'text/event-stream')).text, /^:\n\nevent: next\ndata: \{"data":\{"product":\{"name":"Comb","price":10\}\}\}\n\nevent: complete/);
    const { send, next, socket } = await connectRaw(url.replace('http', 'ws'), 'graphql-transport-ws', { type: 'connection_init' });
    await next();
    send({ type: 'subscribe', id: '1', payload: { query } });
    assert.equal(JSON.stringify((await next()).payload), whole);
    socket.close();
  });

  test('when nothing is gained, or a condition says so', async () => {
    const type = 'application/graphql-response+json; charset=utf-8';
    assert.deepEqual(await post('{ product { id ... @defer { name } } }', accept), { status: 200, type, text: '{"data":{"product":{"id":"1","name":"Comb"}}}' });
    assert.deepEqual(await post('{ product { price ... @defer { name ... @defer { price } } } }', accept), { status: 200, type, text: '{"data":{"product":{"price":10,"name":"Comb"}}}' });
    assert.deepEqual(await post(query.replace('@defer', '@defer(if: false)'), accept), { status: 200, type, text: whole });
    assert.equal((await post(query, 'multipart/mixed;deferSpec=20220824')).text.includes('hasNext'), true);
    assert.match((await post('{ product { ... @defer { name } } }', 'multipart/mixed;deferSpec=20220824')).text, /\{"data":\{"product":\{"name":"Comb"\}\},"hasNext":false\}/);
  });

  test('a variable decides, true when it is not given', async () => {
    const conditional = 'query ($later: Boolean) { product { name ... @defer(if: $later) { price } } }';
    for (const variables of [{ later: true }, {}]) assert.equal((await partsOf(conditional, { variables })).length, 2);
    const { contentType } = await open(conditional, { variables: { later: false } });
    assert.equal(contentType, 'application/graphql-response+json; charset=utf-8');
  });
});

describe('errors', () => {
  test('a null that cannot stand takes its part and no other', async () => {
    const [first, second] = await partsOf('{ products { name ... @defer { rating } } }');
    assert.equal(first?.errors, undefined);
    const error = { message: 'Cannot return null for non-nullable field Product.rating.', path: ['products', 1, 'rating'], extensions: { code: 'INTERNAL', requestId: 'request-1' } };
    const [one, two] = second?.incremental ?? [];
    assert.deepEqual(one, { path: ['products', 0], data: { rating: 5 } });
    assert.deepEqual([two?.data, two?.errors?.length], [null, 1]);
    assert.match(JSON.stringify(two?.errors), /"path":\["products",1,"rating"\]/);
    assert.equal(JSON.parse(JSON.stringify(two?.errors?.[0])).extensions.code, error.extensions.code);
  });

  test('of a subgraph stand at the part they are about', async () => {
    const [first, second] = await partsOf('{ fragile { name ... @defer { price } } }');
    assert.deepEqual(first, { data: { fragile: { name: 'Vase' } }, hasNext: true });
    assert.deepEqual(second, { incremental: [{ path: ['fragile'], data: { price: null }, errors: [{ message: 'Internal error', path: ['fragile', 'price'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] }], hasNext: false });
  });

  test('of a call that failed as a whole are told once', async () => {
    const broken = await graphOver(sdls, { ...subgraphs, prices: { prepare: () => () => Promise.reject(new Error('lost')), prepareStream: () => () => Promise.reject(new Error('lost')) } });
    after(() => broken.stop());
    const [, second] = await partsOf('{ products { name ... @defer { price } } }', { at: await serve(broken) });
    assert.deepEqual(second?.incremental, [
      { path: ['products', 0], data: { price: null }, errors: [{ message: 'Internal error', path: ['products'], extensions: { code: 'INTERNAL', requestId: 'request-1' } }] },
      { path: ['products', 1], data: { price: null } },
    ]);
  });

  test('of what the caller may not read are told in its part', async () => {
    const query = '{ product { name ... @defer { secret price } } }';
    const [, second] = await partsOf(query);
    assert.deepEqual(second?.incremental, [{ path: ['product'], data: { secret: null, price: 10 }, errors: [{ message: 'Product.secret needs a credential.', path: ['product', 'secret'], extensions: { code: 'UNAUTHENTICATED' } }] }]);
    const parts = await partsOf(query, { at: await serve(graph, ['reviews:read']) });
    assert.deepEqual(parts.slice(1).flatMap(({ incremental }) => incremental), [{ path: ['product'], data: { secret: 1, price: 10 } }]);
  });

  test('when time is up, what is missing is null with the reason', async () => {
    const hasty = await graphOver(sdls, subgraphs, { operationTimeoutMs: 150 });
    after(() => hasty.stop());
    const [release] = hold('reviews');
    const parts = await partsOf('{ products { name ... @defer(label: "r") { reviews { id } } } }', { at: await serve(hasty) });
    release?.();
    assert.deepEqual(parts[1]?.hasNext, false);
    assert.deepEqual(parts[1]?.incremental?.map(({ path, label, data, errors }) => [path.join(), label, data, errors?.length ?? 0]), [['products,0', 'r', null, 1], ['products,1', 'r', null, 0]]);
    assert.match(JSON.stringify(parts[1]?.incremental?.[0]?.errors), /TIMEOUT/);
  });

  test('the document is refused for labels that clients could not tell apart', async () => {
    for (const query of ['{ product { ... @defer(label: "a") { price } ... @defer(label: "a") { rating } } }', 'query ($l: String) { product { ... @defer(label: $l) { price } } }', '{ product @defer { price } }']) {
      const { status, text } = await post(query, accept);
      assert.deepEqual([status, /GRAPHQL_VALIDATION_FAILED/.test(text)], [400, true], query);
    }
  });
});

test('a client that leaves stops the work for it', async () => {
  const [release] = hold('prices');
  signals.length = 0;
  const { next, leave } = await open('{ product { name ... @defer { price } } }');
  await next();
  leave();
  const signal = signals.at(-1);
  assert.ok(signal);
  await new Promise((resolve) => (signal.aborted ? resolve(null) : signal.addEventListener('abort', resolve)));
  release?.();
});

test('what it costs is told in the first part', async () => {
  const [first] = await partsOf('{ product { name ... @defer { price } } }', { extensions: { cost: true } });
  assert.match(JSON.stringify(first?.extensions?.['cost']), /"operation":\d/);
});

test('clients find the directive in the schema', async () => {
  const { text } = await post('{ __schema { directives { name locations args { name defaultValue } } } }', 'application/json');
  assert.ok(text.includes('{"name":"defer","locations":["FRAGMENT_SPREAD","INLINE_FRAGMENT"],"args":[{"name":"if","defaultValue":"true"},{"name":"label","defaultValue":null}]}'), text);
});

describe('clients', () => {
  test('@apollo/client puts the parts together', async () => {
    const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache(), incrementalHandler: new Defer20220824Handler() });
    after(() => client.stop());
    const [release] = hold('reviews');
    const seen: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      client.watchQuery({ query: gql`{ products { id name ... @defer { reviews { id body } } } }` }).subscribe({
        next: ({ data, dataState }) => {
          if (dataState === 'empty') return;
          seen.push(JSON.parse(JSON.stringify(data)));
          if (seen.length === 1) release?.();
          if (dataState === 'complete') resolve();
        }, error: reject,
      });
    });
    const reviews = (id: string) => [{ __typename: 'Review', id: `${id}a`, body: 'fine' }, { __typename: 'Review', id: `${id}b`, body: 'öde' }];
    const product = (id: string, name: string) => ({ __typename: 'Product', id, name });
    assert.deepEqual(seen[0], { products: [product('1', 'Comb'), product('2', 'Brush')] });
    assert.deepEqual(seen.at(-1), { products: [{ ...product('1', 'Comb'), reviews: reviews('1') }, { ...product('2', 'Brush'), reviews: reviews('2') }] });
  });

  test('urql, which names no format, as well', async () => {
    const client = new Client({ url, exchanges: [fetchExchange], preferGetMethod: false });
    const [release] = hold('prices');
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      client.query('{ product { name ... @defer { price } } }', {}).subscribe(({ data, hasNext }) => {
        seen.push(JSON.parse(JSON.stringify(data)));
        if (seen.length === 1) release?.();
        if (!hasNext) resolve();
      });
    });
    assert.deepEqual(seen, [{ product: { name: 'Comb' } }, { product: { name: 'Comb', price: 10 } }]);
  });
});
