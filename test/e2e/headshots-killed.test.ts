import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { portrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';

type Event = { seq: number; kind: string; terminal: boolean; photo: { id: string } | null };
type Books = { viewer: { account: { credits: { available: number; reserved: number; ledger: { edges: { node: { kind: string; amount: number; jobId: string | null } }[] } } } } };

const server = await startServer({ after });
const pause = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));

/** Follows a model to its end through whatever happens to the server. */
async function follow(key: string, id: string, signal: AbortSignal, seen: (event: Event) => void): Promise<Event[]> {
  const events: Event[] = [];
  while (!events.at(-1)?.terminal && !signal.aborted) {
    const client = createClient({ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
    const query = 'subscription ($id: ID!, $afterSeq: Int) { headshotProgress(id: $id, afterSeq: $afterSeq) { seq kind terminal photo { id } } }';
    try {
      for await (const { data } of client.iterate<{ headshotProgress: Event }>({ query, variables: { id, afterSeq: events.at(-1)?.seq ?? 0 } })) {
        if (!data) break;
        events.push(data.headshotProgress);
        seen(data.headshotProgress);
      }
    } catch {
      // The server is away; it is asked again until it is back.
    }
    await client.dispose();
    if (!events.at(-1)?.terminal) await pause();
  }
  return events;
}

test('killed while headshots are made and started again, it makes the rest, once each, and nobody misses an event', { timeout: 400_000 }, async ({ signal }) => {
  const { personalKey: key } = await server.demo();
  assert.equal((await server.upload(key, await portrait())).status, 200);
  const job = await server.generate(key, { mode: 'live', styles: ['817941'], image_name: 'me.jpg' });
  await server.ended(key, job);
  const { hairstyleGeneration: { images: [look] } } = await server.gql<{ hairstyleGeneration: { images: { id: string }[] } }>(key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { id } } }', { id: job });
  const { createHeadshotModel: { model, errors } } = await server.gql<{ createHeadshotModel: { model: { id: string } | null; errors: object[] } }>(key, 'mutation ($look: ID!) { createHeadshotModel(email: "me@example.com", fromGenerationImageId: $look) { model { id } errors { code message } } }', { look: look?.id });
  assert.deepEqual(errors, []);
  const third = Promise.withResolvers<void>();
  let made = 0;
  const followed = follow(key, model?.id ?? '', signal, ({ kind }) => {
    made += Number(kind === 'IMAGE_READY');
    if (made === 3) third.resolve();
  });
  await third.promise;
  await server.end('SIGKILL');
  await server.start();
  const events = await followed;
  assert.deepEqual(events.map(({ seq }) => seq), events.map((_, index) => index + 1), 'each event once, without a gap');
  const told = events.flatMap(({ kind, photo }) => (kind === 'IMAGE_READY' ? [photo?.id] : []));
  // One portrait with room for one framing alone: one headshot before each background.
  assert.deepEqual([told.length, new Set(told).size, events.at(-1)?.kind], [12, 12, 'COMPLETED']);
  const { headshotModel } = await server.gql<{ headshotModel: { status: string; photos: { nodes: { id: string; urls: { main: string; original: string } }[] } } }>(key, 'query ($id: ID!) { headshotModel(id: $id) { status photos { nodes { id urls { main original } } } } }', { id: model?.id });
  assert.deepEqual([headshotModel.status, headshotModel.photos.nodes.map(({ id }) => id).toSorted()], ['ACTIVE', told.toSorted()]);
  for (const { pathname, search } of headshotModel.photos.nodes.flatMap(({ urls }) => [new URL(urls.main), new URL(urls.original)])) assert.equal((await server.rest(pathname + search)).status, 200);
  const { viewer } = await server.gql<Books>(key, '{ viewer { account { credits { available reserved ledger(first: 100) { edges { node { kind amount jobId } } } } } } }');
  const { available, reserved, ledger } = viewer.account.credits;
  assert.deepEqual({ available, reserved }, { available: 998, reserved: 0 });
  assert.deepEqual(ledger.edges.filter(({ node }) => node.jobId === model?.id).map(({ node: { kind, amount } }) => `${kind} ${amount}`).toSorted(), ['CONSUME 1', 'RESERVE 1']);
});
