import assert from 'node:assert/strict';
import { globSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { orphanQueue } from '../../subgraphs/upkeep.ts';
import type { EventOfStream } from '../support/event-stream.ts';
import { smallPortrait } from '../support/photos.ts';
import { type Created, startTestPlatform } from '../support/platform.ts';
import { runNow as runQueue } from '../support/upkeep.ts';

const platform = await startTestPlatform({ after });
const { blobs, connection } = platform.platform;
const { key } = await platform.tenant();
await platform.upload(key, await smallPortrait(300));

const finished = async (): Promise<{ id: string; picture: string }> => {
  const id = await platform.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
  const { body } = await platform.ended(key, id);
  const { pathname, search } = new URL(body.data.images[0] ?? '');
  return { id, picture: pathname + search };
};

/** Where the subgraph is whose queue it is. */
const runNow = async (queue: string): Promise<void> => runQueue({ jobs: platform.platformOf(queue.startsWith('enterprise.') ? 'enterprise' : 'hairstyle').jobs, connection }, queue);

async function all(events: AsyncIterable<EventOfStream>): Promise<EventOfStream[]> {
  const found: EventOfStream[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test('every queue has its hour', async () => {
  const schedule = await connection.execute("select name, cron from jobs.schedule where timezone = 'UTC' order by name");
  const hours = { 'enterprise.upkeep': '26 * * * *', 'hairstyle.upkeep': '11 * * * *', 'headshot.upkeep': '*/5 * * * *', 'skinshade.upkeep': '23 * * * *', [orphanQueue]: '41 * * * *' };
  assert.deepEqual(Object.fromEntries(schedule.map(({ name, cron }) => [name, cron])), hours);
});

test('a file that nothing points to is deleted after a day; photos and pictures stay', async () => {
  const { id, picture } = await finished();
  const bytes = Buffer.from('nobody has this');
  const orphan = await blobs.put(bytes, { contentType: 'image/jpeg' });
  const dayAgo = new Date(Date.now() - 25 * 3_600_000);
  for (const folder of globSync('blobs/*/*', { cwd: platform.dataDir })) utimesSync(join(platform.dataDir, folder), dayAgo, dayAgo);
  const young = await blobs.put(bytes, { contentType: 'image/jpeg' });
  await runNow(orphanQueue);
  assert.equal(await blobs.read(orphan), null);
  assert.deepEqual(await blobs.read(young), bytes);
  assert.equal((await platform.rest(picture)).status, 200);
  const { hairstyleGeneration: { source } } = await platform.gql<{ hairstyleGeneration: { source: { url: string } } }>(key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { source { url } } }', { id });
  assert.equal((await platform.rest(new URL(source.url).pathname + new URL(source.url).search)).status, 200);
});

test('what points to a file is a column whose name ends with blob_key: the upkeep looks into no others', () => {
  const declared = globSync('subgraphs/**/*.ts', { cwd: join(import.meta.dirname, '../..') }).flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, '../..', file), 'utf8');
    return /Tables = \{/.test(text) ? [...text.matchAll(/(\w+)\??: (?:Generated<)?BlobKey\b/g)].map(([, name]) => name) : [];
  });
  assert.ok(declared.includes('blobKey') && declared.includes('originalBlobKey'));
  assert.deepEqual(declared.filter((name) => !/(^b|_b|B)lob(_k|K)ey$/.test(name ?? '')), []);
});

test('events that are past their time are forgotten: who asks for them gets the present state, and others keep theirs', async () => {
  const [old, recent] = [await finished(), await finished()];
  const complete = await all(await platform.events(key, recent.id, 0));
  await connection.execute("update hairstyle.event set at = at - interval '31 days' where stream = $1", [old.id.replace('job_', 'gen_')]);
  await runNow('hairstyle.upkeep');
  const [snapshot, ...more] = await all(await platform.events(key, old.id, 0));
  assert.deepEqual([snapshot?.event, snapshot?.data.status, snapshot?.data.percent, snapshot?.data.gap, more.length], ['snapshot', 'completed', 100, true, 0]);
  assert.deepEqual(await all(await platform.events(key, recent.id, 0)), complete);
});

test('an idempotency key is forgotten after a day', async () => {
  const post = async () => (await platform.rest<Created>('/api/v1/generation/hairstyle', { key, json: { mode: 'test', gender: 'person', styles: ['817941'], image_name: 'me.jpg' }, headers: { 'idempotency-key': 'k' } })).body.data.id;
  const first = await post();
  await runNow('enterprise.upkeep');
  assert.equal(await post(), first);
  for (const table of ['enterprise.request_key', 'enterprise.kept_answer']) await connection.execute(`update ${table} set created_at = created_at - interval '25 hours'`);
  await runNow('enterprise.upkeep');
  assert.deepEqual(await connection.execute('select count(*)::int as n from enterprise.request_key'), [{ n: 0 }]);
  assert.notEqual(await post(), first);
});
