import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { smallPortrait } from '../support/photos.ts';
import { startServer } from '../support/server.ts';

const server = await startServer({ after });
const styles = ['817941', '462817'];
const count = 6;

/** Follows a generation to its end through whatever happens to the server; the numbers it saw. */
async function follow(key: string, id: string): Promise<number[]> {
  const seen: number[] = [];
  for (let isOver = false; !isOver;) {
    try {
      for await (const { data } of await server.events(key, id, seen.at(-1) ?? 0)) {
        seen.push(data.seq);
        isOver = ['completed', 'failed', 'canceled'].includes(data.status);
      }
    } catch {
      // The server is away; it is asked again until it is back.
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  return seen;
}

test('killed in the middle of its work and started again, it completes everything, once, and nobody misses an event', async () => {
  const { personalKey: key } = await server.demo();
  assert.equal((await server.upload(key, await smallPortrait(300))).status, 200);
  const ids = await Promise.all(Array.from({ length: count }, () => server.generate(key, { mode: 'live', styles, image_name: 'me.jpg' })));
  const followed = ids.map((id) => follow(key, id));
  // Killed with the first picture stored: some generations are done in part, some not begun.
  for await (const { event } of await server.events(key, ids[0] ?? '', 0)) if (event === 'image_ready') break;
  await server.end('SIGKILL');
  await server.start();
  assert.equal((await server.demo()).personalKey, key, 'the keys are the same after a restart');

  const answers = await Promise.all(ids.map((id) => server.ended(key, id)));
  assert.deepEqual(answers.map(({ body }) => [body.data.status, body.data.images.length]), ids.map(() => ['completed', styles.length]));
  for (const [index, seen] of (await Promise.all(followed)).entries()) {
    assert.deepEqual(seen, Array.from({ length: answers[index]?.body.data.progress?.seq ?? 0 }, (_, at) => at + 1), `events of ${ids[index]}`);
  }
  for (const url of answers.flatMap(({ body }) => body.data.images)) {
    const { pathname, search } = new URL(url);
    assert.equal((await server.rest(pathname + search)).status, 200);
  }
  const { viewer } = await server.gql<{ viewer: { account: { credits: { available: number; reserved: number } } } }>(key, '{ viewer { account { credits { available reserved } } } }');
  assert.deepEqual(viewer.account.credits, { available: 1000 - count * styles.length, reserved: 0 });
});

test('asked to stop, it ends in time, with its connections, and with code 0', async () => {
  const { personalKey: key } = await server.demo();
  const feed = await server.send('/graphql', { key, headers: { accept: 'text/event-stream' }, json: { query: 'subscription { generationFeed { cursor } }' } });
  await feed.body?.getReader().read();
  const startedAt = Date.now();
  assert.equal(await server.end('SIGTERM'), 0, server.output());
  assert.ok(Date.now() - startedAt < 20_000, `${Date.now() - startedAt} ms`);
});
