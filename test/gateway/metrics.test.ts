import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { openReceiver } from '../support/receiver.ts';

const receiver = await openReceiver({ after });
const platform = await startTestPlatform({ after }, { variables: { ADMIN_PORT: '0' }, allow: [receiver.host] });
const { key } = await platform.tenant();
const admin = `http://127.0.0.1:${platform.adminPort}`;

type Sample = { name: string; labels: Record<string, string>; value: number };
async function scrape(): Promise<Sample[]> {
  const response = await fetch(`${admin}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return (await response.text()).split('\n').flatMap((line) => {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) return [];
    const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
    return [{ name: match[1] ?? '', labels, value: Number(match[3]) }];
  });
}
const valueOf = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number =>
  samples.filter((sample) => sample.name === `lookgraph_${name}` && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)).reduce((sum, { value }) => sum + value, 0);

describe('after a generation that was watched, and called back', () => {
  let samples: Sample[] = [];
  before(async () => {
    await platform.upload(key, await smallPortrait(300));
    const id = await platform.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg', callback_url: receiver.url('/hook') });
    const client = createClient({ url: `${platform.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
    for await (const event of client.iterate({ query: 'subscription ($id: ID!) { generationProgress(id: $id, afterSeq: 0) { seq } }', variables: { id } })) {
      assert.ok(event.data);
      if (valueOf(samples, 'subscriptions_open') === 0) samples = await scrape();
    }
    assert.equal(valueOf(samples, 'subscriptions_open'), 1, 'it was open when somebody looked');
    assert.equal(valueOf(samples, 'connections_open'), 1);
    await client.dispose();
    await receiver.called('/hook');
    samples = await until(async () => {
      const scraped = await scrape();
      return valueOf(scraped, 'webhook_seconds_count', { outcome: 'delivered' }) > 0 && valueOf(scraped, 'connections_open') === 0 && scraped;
    });
  });

  test('requests, operations, plans and calls of subgraphs were counted', () => {
    assert.ok(valueOf(samples, 'http_request_seconds_count', { route: '/api/v1/generation/hairstyle', method: 'POST', status: '2xx' }) === 1);
    assert.ok(valueOf(samples, 'operation_seconds_count', { kind: 'mutation', outcome: 'ok' }) >= 1);
    assert.ok(valueOf(samples, 'operation_seconds_count', { kind: 'subscription', outcome: 'ok' }) >= 1);
    assert.ok(valueOf(samples, 'plan_seconds_count', { outcome: 'planned' }) >= 2);
    assert.ok(valueOf(samples, 'subgraph_fetch_seconds_count', { subgraph: 'hairstyle', kind: 'mutation', outcome: 'ok' }) >= 1);
  });

  test('the subscription was counted while it was open, and its events', () => {
    assert.equal(valueOf(samples, 'subscriptions_open'), 0);
    assert.ok(valueOf(samples, 'subscription_events_total') >= 3);
  });

  test('its job, its callback, its picture and the stages of that were measured', () => {
    assert.equal(valueOf(samples, 'job_seconds_count', { queue: 'hairstyle.generation', outcome: 'completed' }), 1);
    assert.equal(valueOf(samples, 'webhook_seconds_count', { source: 'hairstyle.generation', outcome: 'delivered' }), 1);
    assert.equal(valueOf(samples, 'image_seconds_count', { task: 'hairstyle', outcome: 'ok' }), 1);
    for (const stage of ['decode', 'detect', 'segment', 'render', 'encode']) assert.ok(valueOf(samples, 'image_stage_seconds_count', { task: 'hairstyle', stage }) >= 1, stage);
  });

  test('the process and its database tell of themselves', () => {
    assert.equal(valueOf(samples, 'database_up'), 1);
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']) assert.ok(samples.some((sample) => sample.name === name), name);
  });
});

test('jobs that wait are counted by queue, with the age of the oldest', async () => {
  const { connection, jobs } = platform.platform;
  jobs.define('hairstyle.nobody', { concurrency: 1, retryLimit: 0, deadlineSeconds: 10 }, null);
  await connection.execute("insert into jobs.queue (name, policy, retry_limit, retry_delay, retry_backoff, expire_seconds, retention_seconds, deletion_seconds, partition, table_name) select 'hairstyle.nobody', policy, retry_limit, retry_delay, retry_backoff, expire_seconds, retention_seconds, deletion_seconds, partition, table_name from jobs.queue where name = 'hairstyle.generation'");
  await jobs.enqueue('hairstyle.nobody', {});
  await jobs.enqueue('hairstyle.nobody', {}, { startAfter: new Date(Date.now() + 3_600_000) });
  await connection.execute("update jobs.job set start_after = start_after - interval '90 seconds' where name = 'hairstyle.nobody' and start_after < now() + interval '1 minute'");
  const samples = await scrape();
  assert.deepEqual(['ready', 'delayed', 'active'].map((state) => valueOf(samples, 'queue_jobs', { queue: 'hairstyle.nobody', state })), [1, 1, 0]);
  const age = valueOf(samples, 'queue_oldest_seconds', { queue: 'hairstyle.nobody' });
  assert.ok(age >= 90 && age < 150, `${age} s`);
});

test('what clients invent makes no new series', async () => {
  const series = async (): Promise<string[]> => (await scrape()).filter(({ name }) => name.startsWith('lookgraph_')).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
  const ask = async (round: string): Promise<void> => {
    await platform.rest(`/nowhere/${round}`);
    await platform.rest(`/api/v1/generation/job_${round}`, { key });
    await platform.rest('/graphql', { key, json: { query: `query Named${round} { hairstyle(id: "${round}") { id } }` } });
    await platform.rest('/graphql', { key, json: { query: `{ field${round} }` } });
    await platform.rest(`/files/${round}`, { method: 'HEAD' });
  };
  await ask('first');
  const known = new Set(await series());
  for (let round = 0; round < 10; round++) await ask(`r${round}`);
  assert.deepEqual((await series()).filter((name) => !known.has(name)), []);
  assert.ok(known.size < 3_000, `${known.size} series`);
});

test('the public port shows no metrics, the admin port nothing else', async () => {
  assert.equal((await platform.rest('/metrics')).status, 404);
  assert.equal((await fetch(`${admin}/livez`)).status, 200);
  assert.deepEqual(await (await fetch(`${admin}/readyz`)).json(), { status: 'ready' });
  assert.equal((await fetch(`${admin}/graphql`)).status, 404);
});
