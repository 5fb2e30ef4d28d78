import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { readEventStream } from '../support/event-stream.ts';
import { smallPortrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';

type Books = { viewer: { account: { credits: { available: number; reserved: number; ledger: { edges: { node: { kind: string; amount: number; jobId: string | null } }[] } } } } };

const server = await startServer({ after });
const styles = ['817941', '462817'];
const count = 6;

const pause = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));
type Follow = (key: string, id: string, afterSeq: number, seen: (seq: number, isLast: boolean) => void) => Promise<void>;

const overRest: Follow = async (key, id, afterSeq, seen) => {
  const response = await server.send(`/api/v1/generation/${id}/events`, { key, headers: { 'last-event-id': String(afterSeq) } });
  // It listens before it can answer.
  if (response.status === 503) throw new Error('the server starts');
  assert.equal(response.status, 200);
  for await (const { data } of readEventStream(response)) seen(data.seq, ['completed', 'failed', 'canceled'].includes(data.status));
};

const overSocket: Follow = async (key, id, afterSeq, seen) => {
  const client = createClient({ url: `${server.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0 });
  const query = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq terminal } }';
  try {
    for await (const { data, errors } of client.iterate<{ generationProgress: { seq: number; terminal: boolean } }>({ query, variables: { id, afterSeq } })) {
      assert.ok(data, JSON.stringify(errors));
      seen(data.generationProgress.seq, data.generationProgress.terminal);
    }
  } finally {
    await client.dispose();
  }
};

/** Follows a generation to its end through whatever happens to the server; the numbers it saw, and how often it had to begin again. */
async function follow(how: Follow, key: string, id: string, signal: AbortSignal): Promise<{ seen: number[]; lost: number }> {
  const state = { seen: [] as number[], lost: 0, isOver: false };
  while (!state.isOver && !signal.aborted) {
    await how(key, id, state.seen.at(-1) ?? 0, (seq, isLast) => {
      state.seen.push(seq);
      state.isOver = isLast;
    }).catch((error: unknown) => {
      if (error instanceof assert.AssertionError) throw error;
      state.lost += 1;
    });
    // The server is away; it is asked again until it is back.
    if (!state.isOver) await pause();
  }
  return state;
}

test('killed in the middle of its work and started again, it completes everything, once, and nobody misses an event', { timeout: 180_000 }, async ({ signal }) => {
  const { personalKey: key } = await server.demo();
  assert.equal((await server.upload(key, await smallPortrait(300))).status, 200);
  const ids = await Promise.all(Array.from({ length: count }, () => server.generate(key, { mode: 'live', styles, image_name: 'me.jpg' })));
  const followed = ids.flatMap((id) => [overRest, overSocket].map(async (how) => ({ id, how: how.name, ...await follow(how, key, id, signal) })));
  // Killed with the first picture stored: some generations are done in part, some not begun.
  for await (const { event } of await server.events(key, ids[0] ?? '', 0)) if (event === 'image_ready') break;
  await server.end('SIGKILL');
  await server.start();
  assert.equal((await server.demo()).personalKey, key, 'the keys are the same after a restart');

  const answers = await Promise.all(ids.map((id) => server.ended(key, id)));
  assert.deepEqual(answers.map(({ body }) => [body.data.status, body.data.images.length]), ids.map(() => ['completed', styles.length]));
  const lastSeqs = new Map(answers.map(({ body }, index) => [ids[index], body.data.progress?.seq ?? 0]));
  const followers = await Promise.all(followed);
  for (const { id, how, seen } of followers) assert.deepEqual(seen, Array.from({ length: lastSeqs.get(id) ?? 0 }, (_, at) => at + 1), `events of ${id} ${how}`);
  assert.deepEqual([overRest, overSocket].filter(({ name }) => !followers.some(({ how, lost }) => how === name && lost > 0)), [], 'the server was lost in the middle of both');
  for (const url of answers.flatMap(({ body }) => body.data.images)) {
    const { pathname, search } = new URL(url);
    assert.equal((await server.rest(pathname + search)).status, 200);
  }
  const { viewer } = await server.gql<Books>(key, '{ viewer { account { credits { available reserved ledger(first: 100) { edges { node { kind amount jobId } } } } } } }');
  const { available, reserved, ledger } = viewer.account.credits;
  assert.deepEqual({ available, reserved }, { available: 1000 - count * styles.length, reserved: 0 });
  const lines = ledger.edges.map(({ node: { kind, amount, jobId } }) => `${kind} ${amount} ${jobId}`);
  const paid = (kind: string) => ids.map((id) => `${kind} ${styles.length} ${id.replace('job_', 'gen_')}`);
  assert.deepEqual(lines.toSorted(), [...paid('RESERVE'), ...paid('CONSUME'), 'GRANT 1000 null'].toSorted());
});
