import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/database.ts';
import { startCollector } from '../support/collector.ts';
import { smallPortrait } from '../support/photos.ts';
import { openReceiver } from '../support/receiver.ts';
import { startServer } from '../support/server.ts';

const client = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const traceparent = `00-${client.traceId}-${client.spanId}-01`;

type Line = { msg: string; traceId?: string; path?: string; queue?: string; subgraph?: string; requestId?: string; operation?: string; keyId?: string; outcome?: string };
const linesOf = (output: string): Line[] => output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);

test('a traceparent goes from the client through gateway, subgraph and job to the callback, and the lines of all of them carry it', { timeout: 180_000 }, async (t) => {
  const receiver = await openReceiver(t);
  const server = await startServer({ after: (stop) => t.after(stop) }, { variables: { LOG_LEVEL: 'info', OUTBOUND_ALLOW: receiver.host } });
  const { personalKey: key } = await server.demo();
  await server.upload(key, await smallPortrait(300));
  const { status, headers } = await server.rest('/api/v1/generation/hairstyle', { key, headers: { traceparent }, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'me.jpg', callback_url: receiver.url('/hook') } });
  assert.equal(status, 200);
  const call = await receiver.called('/hook');
  assert.equal(String(call.headers['traceparent']).split('-')[1], client.traceId);
  const lines = await until(() => {
    const found = linesOf(server.output()).filter((line) => line.traceId === client.traceId);
    return found.some(({ msg, outcome }) => msg === 'webhook' && outcome === 'delivered') && found;
  });
  const [request, ...others] = lines.filter(({ msg, subgraph }) => msg === 'request' && !subgraph);
  assert.deepEqual([request?.path, request?.requestId, others.length], ['/api/v1/generation/hairstyle', headers.get('x-request-id'), 0]);
  assert.match(request?.keyId ?? '', /^key_|^[0-9a-f-]{36}$/);
  assert.deepEqual(lines.filter(({ queue }) => queue === 'hairstyle.generation').map(({ outcome }) => outcome), ['completed']);
  if (server.subgraphUrls) assert.ok(lines.some(({ msg, subgraph }) => msg === 'request' && subgraph === 'hairstyle'));

  // Without one, a request begins a trace of its own, by which its lines are found.
  const own = await server.rest('/graphql', { key, json: { query: 'query Mine { hairstyles(first: 1) { nodes { id } } }' } });
  const line = await until(() => linesOf(server.output()).find(({ msg, subgraph, requestId }) => msg === 'request' && !subgraph && requestId === own.headers.get('x-request-id')) ?? null);
  assert.deepEqual([line.operation, line.traceId?.length], ['Mine', 32]);
});

test('with a collector named, every part of it is a span below the one that caused it', { timeout: 180_000 }, async (t) => {
  const [receiver, collector] = [await openReceiver(t), await startCollector(t)];
  const server = await startServer({ after: (stop) => t.after(stop) }, { variables: { OUTBOUND_ALLOW: receiver.host, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint } });
  const { personalKey: key } = await server.demo();
  await server.upload(key, await smallPortrait(300));
  await server.rest('/api/v1/generation/hairstyle', { key, headers: { traceparent }, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'me.jpg', callback_url: receiver.url('/hook') } });
  const spans = await until(() => {
    const mine = collector.spans().filter(({ traceId }) => traceId === client.traceId);
    return mine.some(({ name }) => name === 'webhook') && mine.some(({ name }) => name === 'job hairstyle.generation') && mine.some(({ name }) => name === 'POST /api/v1/generation/hairstyle') && mine;
  });
  const named = (name: string) => spans.find((span) => span.name === name) ?? assert.fail(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`);
  const parents: [string, number, string | undefined][] = [
    ['POST /api/v1/generation/hairstyle', 2, client.spanId],
    ['graphql operation', 1, named('POST /api/v1/generation/hairstyle').spanId],
    ['plan', 1, named('graphql operation').spanId],
    ['subgraph hairstyle', 3, named('graphql operation').spanId],
    ['job hairstyle.generation', 5, server.subgraphUrls ? named('serve hairstyle').spanId : named('subgraph hairstyle').spanId],
    ['webhook', 3, named('job hairstyle.generation').spanId],
  ];
  for (const [name, kind, parent] of parents) assert.deepEqual([named(name).kind, named(name).parentSpanId], [kind, parent], name);
  if (server.subgraphUrls) assert.deepEqual([named('serve hairstyle').kind, named('serve hairstyle').parentSpanId], [2, named('subgraph hairstyle').spanId]);
  const [call] = receiver.calls;
  assert.equal(String(call?.headers['traceparent']).split('-')[2], named('webhook').spanId, 'the receiver can hang its own spans on it');
});
